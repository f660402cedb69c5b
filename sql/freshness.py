"""How long the documents of a run had waited when they were served, since the core changed them.

Counted are documents that are new or changed and of which the core says so: whose ``update_date_time`` is later than
that of every document published of the same customer before. What is unchanged has not waited; what changed by a new
mapping, or without a stamp of the core, has no time to count from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, text

from sql import partitions
from sql.clock import as_moment
from sql.engine import is_postgres
from sql.ledger import run_id_of
from sql.tables import freshness, publications

if TYPE_CHECKING:
    from sqlalchemy import Connection

_EPOCH = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM CAST(d.update_date_time AS timestamptz)) AS bigint)",
    "sqlite": "CAST(strftime('%s', d.update_date_time) AS INTEGER)",
}
_STAMPED_BEFORE = """
    AND NOT EXISTS (
        SELECT 1 FROM documents AS b
        WHERE b.customer_id = d.customer_id AND b.structure = d.structure AND b.version = d.version
          AND b.update_date_time >= d.update_date_time
          AND b.run_seq IN (SELECT p.run_seq FROM publications AS p WHERE p.run_seq < :run_seq))
"""
# The numbers of documents grow from run to run, and only they are indexed.
_OWN = """
    d.run_seq = :run_seq AND d.document_id > COALESCE((
        SELECT o.document_id FROM {source} AS o WHERE o.run_seq < :run_seq ORDER BY o.document_id DESC LIMIT 1), 0)
"""
# Percentiles by nearest rank: PostgreSQL and SQLite have no function in common.
_MEASURE = """
    INSERT INTO freshness (run_id, structure, documents, p50_seconds, p95_seconds, max_seconds,
                           share_within_60_minutes, first_load)
    SELECT :run_id, w.structure, MAX(w.many), MIN(CASE WHEN w.place * 100 >= w.many * 50 THEN w.waited END),
           MIN(CASE WHEN w.place * 100 >= w.many * 95 THEN w.waited END), MAX(w.waited),
           SUM(CASE WHEN w.waited <= 3600 THEN 1.0 ELSE 0.0 END) / MAX(w.many),
           CASE WHEN EXISTS (
               SELECT 1 FROM run_counts AS c JOIN publications AS p ON p.run_id = c.run_id
               WHERE c.structure = w.structure AND p.run_seq < :run_seq
                 AND c.published_new + c.published_changed + c.unchanged > 0) THEN 0 ELSE 1 END
    FROM (
        SELECT m.structure, m.waited, ROW_NUMBER() OVER (PARTITION BY m.structure ORDER BY m.waited) AS place,
               COUNT(*) OVER (PARTITION BY m.structure) AS many
        FROM (SELECT d.structure, :served - {epoch} AS waited FROM {source} AS d WHERE {mine}) AS m) AS w
    GROUP BY w.structure
"""


def measure(connection: Connection, run_seq: int, served_at: str) -> None:
    """Record, before a run's documents are settled, how long they will have waited when it is shown at a moment."""
    postgres = is_postgres(connection)
    shared = "serving.documents_shared" if postgres else "documents"
    source = (partitions.present(connection, run_seq) if postgres else None) or shared
    mine = _OWN.format(source=source) if source == shared else "d.run_seq = :run_seq"
    before = select(publications.c.run_seq).where(publications.c.run_seq < run_seq).limit(1)
    if connection.scalars(before).first() is not None:
        mine += _STAMPED_BEFORE
    run_id = run_id_of(connection, run_seq)
    connection.execute(delete(freshness).where(freshness.c.run_id == run_id))
    statement = _MEASURE.format(epoch=_EPOCH[connection.dialect.name], source=source, mine=mine)
    served = int(as_moment(served_at).timestamp())
    connection.execute(text(statement), {"run_id": run_id, "run_seq": run_seq, "served": served})


def of_run(connection: Connection, run_id: str) -> list[dict[str, object]]:
    """List how long the documents of each structure of one run had waited."""
    statement = select(freshness).where(freshness.c.run_id == run_id).order_by(freshness.c.structure)
    return [dict(row) for row in connection.execute(statement).mappings()]
