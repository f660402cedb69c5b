"""Which batch is older than what is served. Order is (business_date, generated_at); equal is not older."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import text

from sql.bulk import read

if TYPE_CHECKING:
    from sqlalchemy import Connection

NEWER = pa.schema({"core_key": pa.string(), "tax_id": pa.string()})
_AFTER = "({day} > :business_date OR ({day} = :business_date AND {moment} > :generated_at))"
_FULL = f"""
    SELECT COUNT(*) FROM runs
    WHERE core = :core AND kind = 'full' AND state = 'published'
      AND {_AFTER.format(day="business_date", moment="generated_at")}
"""  # noqa: S608 (our own words)
_ANY = f"""
    SELECT COUNT(*) FROM runs
    WHERE core = :core AND state IN ('published', 'rolled_back')
      AND {_AFTER.format(day="business_date", moment="generated_at")}
"""  # noqa: S608 (as above)
# A rollback has no date: what it serves again is as old as when it was stored.
_NEWER = f"""
    SELECT DISTINCT s.core_key, s.tax_id
    FROM served AS s
    JOIN documents AS d ON d.document_id = s.document_id
    JOIN runs AS stored ON stored.run_seq = d.run_seq
    JOIN runs AS opened ON opened.run_seq = s.opened_run_seq
    WHERE s.version = :version AND {
    _AFTER.format(
        day="COALESCE(opened.business_date, stored.business_date)",
        moment="COALESCE(opened.generated_at, stored.generated_at)",
    )
}
"""  # noqa: S608 (as above)


def is_older_than_full(connection: Connection, batch: dict[str, str]) -> bool:
    """Say whether a full export of this core is published that is newer than a batch: it spoke of every register.

    ``batch`` has core, version, business_date and generated_at.
    """
    return _count(connection, _FULL, batch) > 0


def newer(connection: Connection, batch: dict[str, str]) -> pa.Table:
    """Return the registers (columns of ``NEWER``) of which something newer than a batch is served."""
    if _count(connection, _ANY, batch) == 0:
        return NEWER.empty_table()
    values = {name: batch[name] for name in ("version", "business_date", "generated_at")}
    return read(connection, _NEWER, NEWER, values)


def _count(connection: Connection, statement: str, batch: dict[str, str]) -> int:
    values = {name: batch[name] for name in ("core", "business_date", "generated_at")}
    return int(connection.execute(text(statement), values).scalar_one())
