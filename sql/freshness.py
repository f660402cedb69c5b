"""How long the documents of a run had waited when they were served, since the core changed them.

Counted are documents that are new or changed and of which the core says so: whose ``update_date_time`` is later than
that of every document published of the same customer before. What is unchanged has not waited; what changed by a new
mapping, or without a stamp of the core, has no time to count from.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, text

from sql import partitions
from sql.clock import as_moment
from sql.engine import is_postgres
from sql.ledger import run_id_of
from sql.tables import documents, freshness, publications

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

_STAMPED_BEFORE = """
    AND NOT EXISTS (
        SELECT 1 FROM documents AS b
        WHERE b.customer_id = d.customer_id AND b.structure = d.structure AND b.version = d.version
          AND b.update_date_time >= d.update_date_time
          AND b.run_seq IN (SELECT p.run_seq FROM publications AS p WHERE p.run_seq < :run_seq))
"""
# Until the transaction ends; of a few hundred thousand stamps none need be sorted in files.
_SORT_MEMORY = "64MB"
# The numbers of documents grow from run to run, and only they are indexed.
_OWN = """
    d.run_seq = :run_seq AND d.document_id > COALESCE((
        SELECT o.document_id FROM {source} AS o WHERE o.run_seq < :run_seq ORDER BY o.document_id DESC LIMIT 1), 0)
"""
# Percentiles by nearest rank. The later the stamp, the shorter the wait; stamps are in order as the texts they are, so
# that only a few of them need be read as times.
_STAMPS = "(SELECT d.structure, d.update_date_time{collation} AS stamp FROM {source} AS d WHERE {mine})"
_FIRST_LOAD = """
    CASE WHEN EXISTS (
        SELECT 1 FROM run_counts AS c JOIN publications AS p ON p.run_id = c.run_id
        WHERE c.structure = w.structure AND p.run_seq < :run_seq
          AND c.published_new + c.published_changed + c.unchanged > 0) THEN 0 ELSE 1 END AS first_load
"""
_MEASURE_POSTGRES = f"""
    SELECT w.structure, COUNT(*) AS documents, percentile_disc(0.5) WITHIN GROUP (ORDER BY w.stamp DESC) AS p50,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY w.stamp DESC) AS p95, MIN(w.stamp) AS oldest,
           COUNT(*) FILTER (WHERE w.stamp >= :hour_before) AS within, {_FIRST_LOAD}
    FROM {_STAMPS} AS w
    GROUP BY w.structure
"""  # noqa: S608 (our own words)
# SQLite has no aggregate for it.
_MEASURE_SQLITE = f"""
    SELECT w.structure, MAX(w.many) AS documents, MAX(CASE WHEN w.place * 100 >= w.many * 50 THEN w.stamp END) AS p50,
           MAX(CASE WHEN w.place * 100 >= w.many * 95 THEN w.stamp END) AS p95, MIN(w.stamp) AS oldest,
           SUM(CASE WHEN w.stamp >= :hour_before THEN 1 ELSE 0 END) AS within, {_FIRST_LOAD}
    FROM (
        SELECT m.structure, m.stamp, ROW_NUMBER() OVER (PARTITION BY m.structure ORDER BY m.stamp DESC) AS place,
               COUNT(*) OVER (PARTITION BY m.structure) AS many
        FROM {_STAMPS} AS m) AS w
    GROUP BY w.structure
"""  # noqa: S608 (as above)


def measure(connection: Connection, run_seq: int, served_at: str) -> None:
    """Record, before a run's documents are settled, how long they will have waited when it is shown at a moment."""
    served = as_moment(served_at).replace(microsecond=0)
    hour_before = (served - timedelta(hours=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    statement = text(_statement(connection, run_seq))
    if is_postgres(connection):
        connection.exec_driver_sql(f"SET LOCAL work_mem = '{_SORT_MEMORY}'")
    found = connection.execute(statement, {"run_seq": run_seq, "hour_before": hour_before}).mappings().all()
    run_id = run_id_of(connection, run_seq)
    connection.execute(delete(freshness).where(freshness.c.run_id == run_id))
    if found:
        connection.execute(insert(freshness), [{"run_id": run_id, **_row(row, served)} for row in found])


def _statement(connection: Connection, run_seq: int) -> str:
    postgres = is_postgres(connection)
    shared = partitions.shared(documents) if postgres else "documents"
    source = (partitions.present(connection, documents, run_seq) if postgres else None) or shared
    mine = _OWN.format(source=source) if source == shared else "d.run_seq = :run_seq"
    before = select(publications.c.run_seq).where(publications.c.run_seq < run_seq).limit(1)
    if connection.scalars(before).first() is not None:
        mine += _STAMPED_BEFORE
    statement = _MEASURE_POSTGRES if postgres else _MEASURE_SQLITE
    return statement.format(collation=' COLLATE "C"' if postgres else "", source=source, mine=mine)


def _row(found: RowMapping, served: datetime) -> dict[str, object]:
    """Return a row of ``sql.tables.freshness``, but for its run."""
    names = {"p50_seconds": "p50", "p95_seconds": "p95", "max_seconds": "oldest"}
    return {
        "structure": found["structure"],
        "documents": found["documents"],
        **{name: int((served - as_moment(found[stamp])).total_seconds()) for name, stamp in names.items()},
        "share_within_60_minutes": found["within"] / found["documents"],
        "first_load": found["first_load"],
    }


def of_run(connection: Connection, run_id: str) -> list[dict[str, object]]:
    """List how long the documents of each structure of one run had waited."""
    statement = select(freshness).where(freshness.c.run_id == run_id).order_by(freshness.c.structure)
    return [dict(row) for row in connection.execute(statement).mappings()]
