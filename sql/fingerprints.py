"""What runs remember of the registers they worked on: see ``sql.tables.fingerprints`` and ``forgotten``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import text

from sql.bulk import read, read_each
from sql.engine import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

FINGERPRINTS = pa.schema(
    {
        "core_key": pa.string(),
        "run_seq": pa.int64(),
        "fingerprint": pa.int64(),
        "valid_until": pa.string(),
        "excluded": pa.string(),
        "availability": pa.string(),
        "business_date": pa.string(),
    }
)
FORGOTTEN = pa.schema({"core_key": pa.string(), "run_seq": pa.int64(), "gone": pa.bool_()})
_FORGOTTEN = """
    SELECT f.core_key, f.run_seq, f.gone = 1 AS gone
    FROM forgotten AS f
    WHERE f.run_seq IN (SELECT r.run_seq FROM runs AS r WHERE r.state = 'published')
      AND NOT EXISTS (
          SELECT 1 FROM forgotten AS n
          WHERE n.core_key = f.core_key AND n.run_seq > f.run_seq
            AND n.run_seq IN (SELECT q.run_seq FROM runs AS q WHERE q.state = 'published'))
"""
REMEMBERED = pa.schema([field for field in FINGERPRINTS if field.name != "availability"])
_REMEMBERED = """
    SELECT f.core_key, f.run_seq, f.fingerprint, f.valid_until, f.excluded, r.business_date
    FROM fingerprints AS f
    JOIN runs AS r ON r.run_seq = f.run_seq
    WHERE r.state = 'published'
"""
_ANY = """
    SELECT EXISTS (SELECT 1 FROM fingerprints AS f JOIN runs AS r ON r.run_seq = f.run_seq
                   WHERE r.state = 'published')
"""
_LAST = """
    SELECT f.core_key, f.run_seq, f.fingerprint, f.valid_until, f.excluded, f.availability, r.business_date
    FROM fingerprints AS f
    JOIN runs AS r ON r.run_seq = f.run_seq
    WHERE f.run_seq {published} AND {among}
      AND NOT EXISTS (
          SELECT 1 FROM fingerprints AS n
          WHERE n.core_key = f.core_key AND n.run_seq > f.run_seq AND n.run_seq {published})
"""
_PUBLISHED = "SELECT q.run_seq FROM runs AS q WHERE q.state = 'published'"


def last(connection: Connection, among: str = "true") -> Iterator[pa.Table]:
    """Return, some at a time, the last published fingerprint of each register: columns of ``FINGERPRINTS``.

    ``business_date`` is that of its run; ``among`` is a condition.
    """
    # COPY's CSV tells an empty text from null by its quotes, and so does the reader.
    statement = _LAST.format(published=one_of(connection, _PUBLISHED), among=among)
    return read_each(connection, statement, FINGERPRINTS, {})


def remembered(connection: Connection) -> Iterator[pa.Table]:
    """Return, some at a time and in no order, every published fingerprint of registers: columns of ``REMEMBERED``.

    Of a register with several the last one counts: to find that out here takes longer than to read them all.
    """
    return read_each(connection, _REMEMBERED, REMEMBERED, {})


def forgotten(connection: Connection) -> pa.Table:
    """Return which published run last forgot each register that one did: columns of ``FORGOTTEN``."""
    return read(connection, _FORGOTTEN, FORGOTTEN, {})


def any_remembered(connection: Connection) -> bool:
    """Say whether any published run remembers a register."""
    return bool(connection.execute(text(_ANY)).scalar_one())
