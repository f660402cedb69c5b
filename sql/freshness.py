"""How long the documents of a run had waited when they were served, since the core changed them.

Counted are documents that are new or changed and of which the core says so: whose ``update_date_time`` is later than
that of every document published of the same customer before. What is unchanged has not waited; what changed by a new
mapping, or without a stamp of the core, has no time to count from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete, insert, select, text

from sql import partitions, stamps
from sql.bulk import read_each
from sql.clock import as_moment
from sql.engine import is_postgres
from sql.ledger import run_id_of
from sql.tables import documents, freshness

if TYPE_CHECKING:
    from sqlalchemy import Connection

    Waits = np.ndarray[tuple[int], np.dtype[np.int64]]

_STAMPED_BEFORE = """
    AND NOT EXISTS (
        SELECT 1 FROM documents AS b
        WHERE b.customer_id = d.customer_id AND b.structure = d.structure AND b.version = d.version
          AND b.update_date_time >= d.update_date_time
          AND b.run_seq IN (SELECT p.run_seq FROM publications AS p WHERE p.run_seq < :run_seq))
"""
# Until the transaction ends: what a million documents' stamps take.
_GROUP_MEMORY = "64MB"
# The numbers of documents grow from run to run, and only they are indexed.
_OWN = """
    d.run_seq = :run_seq AND d.document_id > COALESCE((
        SELECT o.document_id FROM {source} AS o WHERE o.run_seq < :run_seq ORDER BY o.document_id DESC LIMIT 1), 0)
"""
# Many to a row, in no order: to sort them is dearer in the database than here, and so is to read them one by one.
_STAMPS = """
    SELECT d.structure, {join}(d.update_date_time, ' ') AS stamps
    FROM {source} AS d WHERE {mine}
    GROUP BY d.structure, d.document_id / 8192
"""
# What was stored before of one customer lies together, and not where the next one's does.
_BY_CUSTOMER = """
    (SELECT d.document_id, d.structure, d.version, d.customer_id, d.update_date_time
     FROM {source} AS d WHERE {mine} ORDER BY d.customer_id)
"""
_GROUPS = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("structure", "stamps")])
_GROUPS_AT_ONCE = 64
_LOADED = text("""
    SELECT DISTINCT c.structure FROM run_counts AS c JOIN publications AS p ON p.run_id = c.run_id
    WHERE p.run_seq < :run_seq AND c.published_new + c.published_changed + c.unchanged > 0
""")
_SECOND = 1_000_000
_HOUR = 3600 * _SECOND


def measure(connection: Connection, run_seq: int, served_at: str, *, few: bool = False) -> None:
    """Record, before a run's documents are settled, how long they will have waited when it is shown at a moment.

    ``few`` of all customers have documents in this run.
    """
    run_id = run_id_of(connection, run_seq)
    waited = _waited(connection, run_seq, run_id, few=few)
    served = int(as_moment(served_at).replace(microsecond=0).timestamp()) * _SECOND
    loaded = set(connection.scalars(_LOADED, {"run_seq": run_seq}))
    connection.execute(delete(freshness).where(freshness.c.run_id == run_id))
    rows = [
        {
            "run_id": run_id,
            "structure": name,
            "first_load": int(name not in loaded),
            **_row(served - np.concatenate(parts)),
        }
        for name, parts in waited.items()
    ]
    if rows:
        connection.execute(insert(freshness), rows)


def _waited(
    connection: Connection, run_seq: int, run_id: str, *, few: bool
) -> dict[str, list[stamps.Moments]]:
    """Return when the core changed the documents of each structure that have waited, in parts."""
    everything = stamps.all_waited(connection, run_seq)
    kept = stamps.kept(connection, run_seq, run_id) if everything else None
    return _read(connection, run_seq, everything=everything, few=few) if kept is None else kept


def _read(
    connection: Connection, run_seq: int, *, everything: bool, few: bool
) -> dict[str, list[stamps.Moments]]:
    """Read the stamps of a run's documents: of all, or of those with a later one than was ever published."""
    postgres = is_postgres(connection)
    if postgres:
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{_GROUP_MEMORY}'")
    shared = partitions.shared(documents) if postgres else "documents"
    source = (partitions.present(connection, documents, run_seq) if postgres else None) or shared
    mine = _OWN.format(source=source) if source == shared else "d.run_seq = :run_seq"
    if few:
        source, mine = _BY_CUSTOMER.format(source=source, mine=mine), "true"
    if not everything:
        mine += _STAMPED_BEFORE
    statement = _STAMPS.format(join="string_agg" if postgres else "group_concat", source=source, mine=mine)
    waited: dict[str, list[stamps.Moments]] = {}
    # By COPY: a server's cursor, which SQLAlchemy would stream through, is left open when its session is lost.
    for groups in read_each(connection, statement, _GROUPS, {"run_seq": run_seq}, _GROUPS_AT_ONCE):
        for structure, joined in zip(*groups.columns, strict=True):
            texts = pc.split_pattern(pa.array([joined]), " ").flatten()
            waited.setdefault(structure.as_py(), []).append(stamps.moments_of(texts))
    return waited


def _row(waits: Waits) -> dict[str, object]:
    """Return the figures of a row of ``sql.tables.freshness``; percentiles by nearest rank."""
    many = len(waits)
    half, most = (-(-many * percent // 100) - 1 for percent in (50, 95))
    waits.partition((half, most))
    return {
        "documents": many,
        "p50_seconds": int(waits[half]) // _SECOND,
        "p95_seconds": int(waits[most]) // _SECOND,
        "max_seconds": int(waits.max()) // _SECOND,
        "share_within_60_minutes": int((waits <= _HOUR).sum()) / many,
    }


def of_run(connection: Connection, run_id: str) -> list[dict[str, object]]:
    """List how long the documents of each structure of one run had waited."""
    statement = select(freshness).where(freshness.c.run_id == run_id).order_by(freshness.c.structure)
    return [dict(row) for row in connection.execute(statement).mappings()]
