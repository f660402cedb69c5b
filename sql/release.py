"""Publish a run that a circuit breaker held, recorded as a run of kind ``release``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from customers.errors import UsageError
from sql import ledger, lock, partitions, preparing
from sql.clock import now
from sql.engine import is_postgres, writing
from sql.ledger import RunStart
from sql.tables import publications, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from sql.ledger import Ending
    from sql.store import Store


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: its own run, and the run it published."""

    run_id: str
    released: str
    reason: str


def release(store: Store, run_id: str, target: str, reason: str) -> Released:
    """Publish the held run ``target`` and record run ``run_id``, in one transaction; inside ``sql.lock.hold``.

    Raise UsageError where no held run has that id, or where anything was published since.
    """
    with store.engine.connect() as connection:
        held = _held(connection, target)
        moment = now(connection)
    run_seq = store.begin_run(RunStart(run_id, "release", held["core"], "release", moment))
    try:
        preparing.prepare(store.engine, held["run_seq"], moment)
        with writing(store.engine) as connection:
            lock.verify(connection, store.token)
            _release(connection, run_seq, held, reason)
    except BaseException as problem:
        state: Ending = "cancelled" if isinstance(problem, KeyboardInterrupt) else "failed"
        store.give_up(run_seq, state, moment, {"problem": type(problem).__name__})
        raise
    return Released(run_id, target, reason)


def _held(connection: Connection, target: str) -> RowMapping:
    """Return the held run, if it may still be published."""
    run = connection.execute(select(runs).where(runs.c.run_id == target)).mappings().one_or_none()
    if run is None or run["state"] != "held":
        message = "no held run has that id: see `cadastra runs`"
        raise UsageError(message)
    since = select(publications.c.run_id).where(publications.c.run_seq > run["run_seq"]).limit(1)
    later = connection.scalars(since).one_or_none()
    if later is not None:
        message = f"run {target} cannot be released: run {later} was published since; run the export again"
        raise UsageError(message)
    return run


def _release(connection: Connection, run_seq: int, held: RowMapping, reason: str) -> None:
    moment = now(connection)
    counts = ledger.counts_kept(connection, held["run_seq"])
    ledger.publish(connection, held["run_seq"], moment, {**counts, "released": reason}, [])
    if is_postgres(connection):
        partitions.settle(connection, held["run_seq"])
    ledger.publish(connection, run_seq, moment, {"reason": reason, "released": held["run_id"]}, [])
