"""What runs remember of the registers they worked on: see ``sql.tables.fingerprints`` and ``forgotten``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import text

from sql.bulk import read, read_each
from sql.engine import is_postgres, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    Words = NDArray[np.int64]

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
    WHERE r.state = 'published' AND {among}
"""
GROUPS = pa.schema(
    {
        "run_seq": pa.int64(),
        "business_date": pa.string(),
        "valid_until": pa.string(),
        "excluded": pa.string(),
        "fingerprints": pa.list_(pa.int64()),
    }
)
# Nearly all fingerprints are of one group, which would be one value of any length.
_GROUPS = """
    SELECT g.run_seq, r.business_date, g.valid_until, g.excluded, g.digits
    FROM (SELECT f.run_seq, f.valid_until, f.excluded, {digits} AS digits
          FROM fingerprints AS f WHERE f.run_seq {published}
          GROUP BY f.run_seq, f.valid_until, f.excluded,
                   CASE WHEN f.valid_until IS NULL THEN f.fingerprint & 255 END) AS g
    JOIN runs AS r ON r.run_seq = g.run_seq
"""
_DIGITS = {
    True: "encode(string_agg(int8send(f.fingerprint), ''), 'hex')",
    False: "group_concat(printf('%016x', f.fingerprint), '')",
}
# Until the transaction ends: groups of a million take 21 MB, and go through files in less.
_GROUP_MEMORY = "64MB"
_DIGITS_OF_EACH, _GROUPS_AT_ONCE = 16, 256
# Beyond so many, reading everything is as cheap as looking for some.
_MOST = 200_000
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


def remembered(connection: Connection, among: Words) -> Iterator[pa.Table]:
    """Return, some at a time and in no order, at least the published rows of some fingerprints: ``REMEMBERED``.

    Of a register with several the last one counts: to find that out here takes longer than to read them all.
    """
    if len(among) > _MOST:
        return read_each(connection, _REMEMBERED.format(among="true"), REMEMBERED, {})
    postgres, numbers = is_postgres(connection), ",".join(map(str, among.tolist()))
    # A constant array is looked up by hash, for which PostgreSQL would make no table.
    chosen = (
        "= ANY (CAST(:numbers AS bigint[]))" if postgres else "IN (SELECT value FROM json_each(:numbers))"
    )
    values = {"numbers": f"{{{numbers}}}" if postgres else f"[{numbers}]"}
    return read_each(connection, _REMEMBERED.format(among=f"f.fingerprint {chosen}"), REMEMBERED, values)


def groups(connection: Connection) -> Iterator[pa.Table]:
    """Return, some at a time, every published fingerprint, without whose it is: ``GROUPS``.

    A row for each costs ten times as much to send and to take.
    """
    postgres = is_postgres(connection)
    if postgres:
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{_GROUP_MEMORY}'")
    digits, published = _DIGITS[postgres], one_of(connection, _PUBLISHED)
    schema = GROUPS.set(len(GROUPS) - 1, pa.field("digits", pa.string()))
    statement = _GROUPS.format(digits=digits, published=published)
    for rows in read_each(connection, statement, schema, {}, _GROUPS_AT_ONCE):
        texts = rows["digits"].combine_chunks()
        numbers = np.frombuffer(bytes.fromhex("".join(texts.to_pylist())), ">i8").astype(np.int64)
        ends = np.cumsum(pc.binary_length(texts).to_numpy() // _DIGITS_OF_EACH, dtype=np.int32)
        lists = pa.ListArray.from_arrays(pa.array(np.append(np.int32(0), ends)), pa.array(numbers))
        yield rows.set_column(len(GROUPS) - 1, GROUPS.names[-1], lists)


def forgotten(connection: Connection) -> pa.Table:
    """Return which published run last forgot each register that one did: columns of ``FORGOTTEN``."""
    return read(connection, _FORGOTTEN, FORGOTTEN, {})


def any_remembered(connection: Connection) -> bool:
    """Say whether any published run remembers a register."""
    return bool(connection.execute(text(_ANY)).scalar_one())
