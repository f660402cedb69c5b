"""Serve again what was served before a run: all structures and the customers, in one transaction.

Nothing is taken back: a run of kind ``rollback`` ends what the undone runs began and serves again what they ended,
so that the history tells what was served when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from customers.errors import UsageError
from sql import ledger, lock
from sql.clock import now
from sql.engine import writing
from sql.ledger import RunStart
from sql.tables import publications, purges, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from sql.ledger import Ending
    from sql.store import Store

# A document that another of its periods serves, before and after, is left alone.
_ENDED = """
    INSERT INTO rolled_ended
    SELECT DISTINCT r.document_id
    FROM retired AS r
    JOIN publications AS p ON p.run_seq = r.run_seq
    JOIN periods AS o ON o.document_id = r.document_id AND o.opened_run_seq = r.opened_run_seq
    WHERE r.run_seq >= :undone AND r.opened_run_seq < :undone
      AND NOT EXISTS (
          SELECT 1 FROM retired AS e
          WHERE e.document_id = r.document_id AND e.opened_run_seq = r.opened_run_seq AND e.run_seq < :undone
            AND e.run_seq IN (SELECT q.run_seq FROM publications AS q))
"""
_BEGUN = """
    INSERT INTO rolled_begun
    SELECT document_id, opened_run_seq FROM served WHERE opened_run_seq >= :undone
"""
# The mark that counted before, of every document then served that a later run marked or ended.
_MARKED = """
    INSERT INTO rolled_marked
    SELECT o.document_id, m.since, m.customer_ref, COALESCE(m.refused_run_seq, m.run_seq)
    FROM periods AS o
    LEFT JOIN stale_marks AS m
           ON m.customer_id = o.customer_id AND m.structure = o.structure AND m.version = o.version
          AND m.run_seq = (
              SELECT MAX(n.run_seq)
              FROM stale_marks AS n
              JOIN publications AS p ON p.run_seq = n.run_seq
              WHERE n.customer_id = o.customer_id AND n.structure = o.structure AND n.version = o.version
                AND n.run_seq >= o.opened_run_seq AND n.run_seq < :undone)
    WHERE o.opened_run_seq < :undone
      AND NOT EXISTS (
          SELECT 1 FROM retired AS e
          WHERE e.document_id = o.document_id AND e.opened_run_seq = o.opened_run_seq AND e.run_seq < :undone
            AND e.run_seq IN (SELECT q.run_seq FROM publications AS q))
      AND (o.document_id IN (SELECT document_id FROM rolled_ended)
           OR EXISTS (
              SELECT 1 FROM stale_marks AS l
              WHERE l.customer_id = o.customer_id AND l.structure = o.structure AND l.version = o.version
                AND l.run_seq >= :undone AND l.run_seq IN (SELECT q.run_seq FROM publications AS q)))
"""
_RESTORE = (
    """
    INSERT INTO retired (document_id, opened_run_seq, run_seq)
    SELECT document_id, opened_run_seq, CAST(:run_seq AS integer) FROM rolled_begun
    WHERE document_id NOT IN (SELECT document_id FROM rolled_ended)
    """,
    """
    INSERT INTO served_again (document_id, run_seq)
    SELECT document_id, CAST(:run_seq AS integer) FROM rolled_ended
    WHERE document_id NOT IN (SELECT document_id FROM rolled_begun)
    """,
    # A person whom nobody knew before has no state to go back to.
    """
    INSERT INTO customer_states (person_id, run_seq, tax_id, kind, availability, since)
    SELECT c.person_id, CAST(:run_seq AS integer), b.tax_id, COALESCE(b.kind, c.kind),
           COALESCE(b.availability, 'ABSENT'), COALESCE(b.since, CAST(:moment AS text))
    FROM (SELECT s.person_id, MIN(s.kind) AS kind
          FROM customer_states AS s
          JOIN publications AS p ON p.run_seq = s.run_seq
          WHERE s.run_seq >= :undone
          GROUP BY s.person_id) AS c
    LEFT JOIN customer_states AS b
           ON b.person_id = c.person_id
          AND b.run_seq = (SELECT MAX(n.run_seq)
                           FROM customer_states AS n
                           JOIN publications AS p ON p.run_seq = n.run_seq
                           WHERE n.person_id = c.person_id AND n.run_seq < :undone)
    """,
)
# Who is served otherwise than the last run left it is looked at by the next one.
_FORGET = """
    INSERT INTO forgotten (core_key, run_seq, gone)
    SELECT DISTINCT d.core_key, CAST(:run_seq AS integer), 0
    FROM documents AS d
    WHERE d.document_id IN (SELECT document_id FROM rolled_ended UNION SELECT document_id FROM rolled_begun
                            UNION SELECT document_id FROM rolled_marked)
"""
# After the rollback itself is visible, so that the view tells what would be shown without a new mark.
_MARK = """
    INSERT INTO stale_marks (customer_id, structure, version, run_seq, since, customer_ref, refused_run_seq)
    SELECT s.customer_id, s.structure, s.version, CAST(:run_seq AS integer), m.since, m.customer_ref,
           m.refused_run_seq
    FROM rolled_marked AS m
    JOIN served AS s ON s.document_id = m.document_id
    WHERE COALESCE(m.since, '') <> COALESCE(s.stale_since, '')
"""
_TABLES = {
    "rolled_ended": "document_id bigint",
    "rolled_begun": "document_id bigint, opened_run_seq integer",
    "rolled_marked": "document_id bigint, since text, customer_ref text, refused_run_seq integer",
}
_COUNTS = """
    SELECT d.structure, SUM(c.restored) AS restored, SUM(c.withdrawn) AS withdrawn
    FROM (SELECT document_id, 1 AS restored, 0 AS withdrawn FROM served_again WHERE run_seq = :run_seq
          UNION ALL SELECT document_id, 0, 1 FROM retired WHERE run_seq = :run_seq) AS c
    JOIN documents AS d ON d.document_id = c.document_id
    GROUP BY d.structure ORDER BY d.structure
"""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did: the runs it undid, oldest first, and per structure how many documents it moved."""

    run_id: str
    undone: list[str]
    structures: dict[str, dict[str, int]]


def rollback(store: Store, run_id: str, target: str, reason: str | None = None) -> RolledBack:
    """Restore what was served before the run ``target`` was published; that run and every later one are undone.

    To undo a release is to undo the run that it published. Everything happens in one transaction, recorded as run
    ``run_id``; call it inside ``sql.lock.hold``. Raise UsageError where no run of that id was ever published, or
    where a purge took away what was served then.
    """
    with store.engine.connect() as connection:
        undone = _undone(connection, target)
        moment = now(connection)
        core: str = connection.scalars(select(runs.c.core).where(runs.c.run_id == target)).one()
    run_seq = store.begin_run(RunStart(run_id, "rollback", core, "rollback", moment))
    try:
        with writing(store.engine) as connection:
            lock.verify(connection, store.token)
            return _roll_back(connection, run_seq, undone, reason)
    except BaseException as problem:
        state: Ending = "cancelled" if isinstance(problem, KeyboardInterrupt) else "failed"
        store.finish_run(run_seq, state, moment, {"problem": type(problem).__name__})
        raise


def _undone(connection: Connection, target: str) -> Sequence[Row[tuple[int, str]]]:
    """List the runs to undo, oldest first."""
    find = select(publications.c.run_seq).where(publications.c.run_id == target)
    first = _released_by(connection, target) or connection.scalars(find).one_or_none()
    if first is None:
        message = "no run of that id was ever published: see `cadastra runs`"
        raise UsageError(message)
    kept = select(purges.c.first_kept_run_seq).order_by(purges.c.first_kept_run_seq.desc()).limit(1)
    if first < (connection.scalars(kept).one_or_none() or 0):
        message = f"what was served before run {target} has been purged: it cannot be served again"
        raise UsageError(message)
    later = select(publications.c.run_seq, publications.c.run_id).where(publications.c.run_seq >= first)
    return connection.execute(later.order_by(publications.c.run_seq)).all()


def _released_by(connection: Connection, target: str) -> int | None:
    """Return the number of the held run that a release published, None where ``target`` is no release."""
    release = select(runs.c.run_seq).where(runs.c.run_id == target, runs.c.kind == "release")
    published = release.where(runs.c.run_seq.in_(select(publications.c.run_seq)))
    run_seq = connection.scalars(published).one_or_none()
    if run_seq is None:
        return None
    held = select(runs.c.run_seq).where(runs.c.run_id == ledger.counts_kept(connection, run_seq)["released"])
    number: int = connection.scalars(held).one()
    return number


def _roll_back(
    connection: Connection, run_seq: int, undone: Sequence[Row[tuple[int, str]]], reason: str | None
) -> RolledBack:
    moment = now(connection)
    values = {"run_seq": run_seq, "undone": undone[0].run_seq, "moment": moment}
    for table, columns in _TABLES.items():
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {table} ({columns})")
    for statement in (_ENDED, _BEGUN, _MARKED):
        connection.execute(text(statement), values)
    for table in _TABLES:
        connection.exec_driver_sql(f"ANALYZE {table}")
    for statement in (*_RESTORE, _FORGET):
        connection.execute(text(statement), values)
    moved = {
        row.structure: {"restored": int(row.restored), "withdrawn": int(row.withdrawn)}
        for row in connection.execute(text(_COUNTS), values)
    }
    run_id = ledger.run_id_of(connection, run_seq)
    done = RolledBack(run_id, [run.run_id for run in undone], moved)
    counts = {"reason": reason, "rolled_back": done.undone, "structures": moved}
    ledger.publish(connection, run_seq, moment, counts, [run.run_seq for run in undone])
    connection.execute(text(_MARK), values)
    for table in _TABLES:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    return done
