"""Retention: take away what was not served for long, and what no rollback within that time needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import func, insert, select, text

from sql import ledger, leftovers, lock, partitions
from sql.clock import as_moment, as_text, now
from sql.engine import is_postgres, writing
from sql.tables import publications, purges, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sql.store import Store

_EXPIRED = (
    """
    INSERT INTO expired
    SELECT r.document_id
    FROM retired AS r
    WHERE r.run_seq IN (SELECT p.run_seq FROM publications AS p)
    GROUP BY r.document_id
    HAVING MAX(r.run_seq) < :kept
    """,
    # Served again since, or about to be by a held run.
    """
    DELETE FROM expired
    WHERE document_id IN (SELECT s.document_id FROM served AS s)
       OR document_id IN (SELECT a.document_id FROM served_again AS a
                          WHERE a.run_seq NOT IN (SELECT p.run_seq FROM publications AS p))
    """,
)
_OVERTAKEN = """
    EXISTS (
        SELECT 1 FROM {by} AS n
        WHERE n.core_key = {table}.core_key AND n.run_seq > {table}.run_seq AND n.run_seq < :kept
          AND n.run_seq IN (SELECT p.run_seq FROM publications AS p))
"""
_PURGE = {
    "documents": "DELETE FROM documents WHERE document_id IN (SELECT document_id FROM expired)",
    "served_again": "DELETE FROM served_again WHERE document_id IN (SELECT document_id FROM expired)",
    "retired": "DELETE FROM retired WHERE document_id IN (SELECT document_id FROM expired)",
    # The last one before the runs that are kept says what they began with.
    "stale_marks": """
        DELETE FROM stale_marks
        WHERE EXISTS (
            SELECT 1 FROM stale_marks AS n
            WHERE n.customer_id = stale_marks.customer_id AND n.structure = stale_marks.structure
              AND n.version = stale_marks.version AND n.run_seq > stale_marks.run_seq AND n.run_seq < :kept
              AND n.run_seq IN (SELECT p.run_seq FROM publications AS p))
    """,
    "customer_states": """
        DELETE FROM customer_states
        WHERE EXISTS (
            SELECT 1 FROM customer_states AS n
            WHERE n.person_id = customer_states.person_id AND n.run_seq > customer_states.run_seq
              AND n.run_seq < :kept AND n.run_seq IN (SELECT p.run_seq FROM publications AS p))
    """,
    # Without one, a person is worked on once more than needed.
    "fingerprints": f"""
        DELETE FROM fingerprints
        WHERE {_OVERTAKEN.format(table="fingerprints", by="fingerprints")}
           OR {_OVERTAKEN.format(table="fingerprints", by="forgotten")}
    """,  # noqa: S608 (our own words; so below)
    # After them: who is gone is known no more, and must not be taken for who is as remembered.
    "forgotten": f"""
        DELETE FROM forgotten
        WHERE {_OVERTAKEN.format(table="forgotten", by="fingerprints")}
           OR {_OVERTAKEN.format(table="forgotten", by="forgotten")}
           OR (gone = 1 AND run_seq < :kept AND run_seq IN (SELECT p.run_seq FROM publications AS p)
               AND NOT EXISTS (SELECT 1 FROM fingerprints AS f WHERE f.core_key = forgotten.core_key))
    """,  # noqa: S608
    "findings": "DELETE FROM findings WHERE run_id IN (SELECT run_id FROM old_runs)",
    "rule_results": "DELETE FROM rule_results WHERE run_id IN (SELECT run_id FROM old_runs)",
}
# What rollback reads; the rest only explains.
_RESTORABLE = ("documents", "stale_marks", "customer_states")
# Findings are kept of runs at work or held, of the last published run that judged anything, and of runs that
# refused what is still in quarantine.
_OLD_RUNS = """
    DELETE FROM old_runs
    WHERE run_id IN (SELECT r.run_id FROM runs AS r WHERE r.state IN ('running', 'held'))
       OR run_id = (SELECT p.run_id FROM publications AS p
                    WHERE EXISTS (SELECT 1 FROM rule_results AS t WHERE t.run_id = p.run_id)
                    ORDER BY p.run_seq DESC LIMIT 1)
       OR run_id IN (SELECT r.run_id FROM runs AS r JOIN refused_now AS m ON m.refused_run_seq = r.run_seq)
"""
_TABLES = {"expired": "document_id bigint", "old_runs": "run_id text"}


def purge(store: Store, days: int, *, dry_run: bool = False) -> dict[str, int]:
    """Delete what is older than some days and return the number of rows by table.

    Deleted are documents not served since, which no rollback to a run of these days needs; superseded stale marks
    and customer states; findings and rule results of older runs; whatever failed and cancelled runs left, and held
    ones that nobody can release any more since another run was published: these become ``cancelled``. On
    PostgreSQL ``partitions`` counts those that are empty and go as a whole. With ``dry_run`` everything is undone
    again; else call it inside ``sql.lock.hold``.
    """
    cutoff = datetime.now(UTC) - timedelta(days=days)
    with writing(store.engine) as connection:
        if not dry_run:
            lock.verify(connection, store.token)
        done = connection.begin_nested()
        counts = _purge(connection, cutoff)
        if dry_run:
            done.rollback()
        else:
            done.commit()
        return counts


def _purge(connection: Connection, cutoff: datetime) -> dict[str, int]:
    kept = _first_kept(connection, cutoff)
    for table, columns in _TABLES.items():
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {table} ({columns})")
    counts = _leftovers(connection)
    for statement in _EXPIRED:
        connection.execute(text(statement), {"kept": kept})
    _choose_old_runs(connection, cutoff)
    for table in _TABLES:
        connection.exec_driver_sql(f"ANALYZE {table}")
    for table, statement in _PURGE.items():
        counts[table] = counts.get(table, 0) + connection.execute(text(statement), {"kept": kept}).rowcount
    for table in _TABLES:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    counts["partitions"] = partitions.drop_empty(connection) if is_postgres(connection) else 0
    gone = any(counts[table] for table in _RESTORABLE)
    row = {
        "purge_id": str(uuid4()),
        "purged_at": as_text(datetime.now(UTC)),
        "cutoff": as_text(cutoff),
        "first_kept_run_seq": kept if gone else 0,
        "counts": json.dumps(counts, sort_keys=True),
    }
    connection.execute(insert(purges).values(row))
    return counts


def _first_kept(connection: Connection, cutoff: datetime) -> int:
    """Return the number of the first run published since; runs are published in the order of their numbers."""
    published = connection.execute(select(publications.c.run_seq, publications.c.published_at)).all()
    since = [run_seq for run_seq, moment in published if as_moment(moment) >= cutoff]
    return min(since) if since else max((run_seq for run_seq, _ in published), default=0) + 1


def _leftovers(connection: Connection) -> dict[str, int]:
    last = select(func.max(publications.c.run_seq)).scalar_subquery()
    overtaken = select(runs.c.run_seq).where(runs.c.state == "held", runs.c.run_seq < last)
    for run_seq in connection.scalars(overtaken).all():
        counts = {**ledger.counts_kept(connection, run_seq), "problem": "overtaken"}
        ledger.finish(connection, run_seq, "cancelled", now(connection), counts)
    dead = select(runs.c.run_seq).where(runs.c.state.in_(("failed", "cancelled")))
    return leftovers.discard(connection, connection.scalars(dead).all())


def _choose_old_runs(connection: Connection, cutoff: datetime) -> None:
    started = connection.execute(select(runs.c.run_id, runs.c.started_at)).all()
    old = [{"run_id": run_id} for run_id, moment in started if as_moment(moment) < cutoff]
    if old:
        connection.execute(text("INSERT INTO old_runs VALUES (:run_id)"), old)
    connection.execute(text(_OLD_RUNS))
