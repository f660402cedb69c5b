"""One run at a time: who holds a serving database, and what becomes of a holder that died.

Two things make the lock. Something that the operating system takes from a dead process by itself: on PostgreSQL a
session's advisory lock on a connection of its own, on SQLite an flock on a file beside the database. And the one row
of ``run_lock``, which names the holder and whose token ``Store.publish`` demands in its own transaction.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError

from customers.errors import Busy, CadastraError
from sql import ledger, leftovers, sequences
from sql.clock import now, seconds_since
from sql.engine import is_postgres, writing
from sql.exclusive import exclusive, session_holds
from sql.process import started
from sql.tables import publications, run_buckets, run_lock, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, RowMapping

    from sql.exclusive import Exclusive
    from sql.store import Store

NAME = "run"
HEARTBEAT_SECONDS = 30.0
STALE_SECONDS = 15 * 60.0
_JOIN_SECONDS = 5.0
# How long a dead holder's session may take to end, and the lock's row to follow the lock.
_TAKEOVER_SECONDS = 10.0
_HANDOVER_SECONDS = 5.0
_POLL_SECONDS = 0.05
# The tokens of the locks that this very process holds.
_held: set[int] = set()


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held; ``lost`` is set by the heartbeat once the row is another's, or its session is gone."""

    run_id: str
    token: int
    lost: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A run whose process died, and that may be gone on with."""

    run_seq: int
    run_id: str


@contextmanager
def hold(
    store: Store,
    run_id: str,
    *,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    stale_seconds: float = STALE_SECONDS,
    resume_key: str | None = None,
) -> Iterator[Lock]:
    """Hold the serving database for one run, which begins inside.

    Whoever holds it finds no other run at work: runs that a dead holder left running become ``failed`` (problem
    ``killed``), and what they wrote unseen is discarded. A holder is dead when the operating system's lock is free
    and its process is gone from this host; of another host, when its heartbeat is older than ``stale_seconds``.
    One with ``resume_key`` that finished buckets is left as it is, for the holder to go on with
    (``Store.interrupted``). Inside, the store publishes only while this lock is still held. Raise Busy, naming run and
    age, where another run holds it.
    """
    exclusively = exclusive(store.engine)
    try:
        lock = _acquire(store, exclusively, run_id, stale_seconds, resume_key)
        stop = Event()
        beating = Thread(
            target=_beat, args=(store, exclusively, lock, stop, heartbeat_seconds), name="lock", daemon=True
        )
        beating.start()
        store.token = lock.token
        try:
            yield lock
        finally:
            store.token, store.interrupted = None, None
            stop.set()
            beating.join(_JOIN_SECONDS)
            _release(store, lock)
    finally:
        exclusively.release()


def verify(connection: Connection, token: int | None) -> None:
    """Keep the lock where it is until this transaction ends.

    Raise CadastraError unless it is held with this token, on PostgreSQL by a session that still lives. Without a
    token raise Busy where anybody holds it.
    """
    row = _row(connection)
    if token is None:
        if row is not None:
            raise Busy(_told(connection, row))
        return
    if row is None or row["token"] != token:
        message = "the lock of the serving database was lost to another run: nothing was published"
        raise CadastraError(message)
    if is_postgres(connection) and not session_holds(connection, row["backend_pid"]):
        message = "the connection that held the lock of the serving database was lost: nothing was published"
        raise CadastraError(message)


def _acquire(
    store: Store, exclusively: Exclusive, run_id: str, stale_seconds: float, resume_key: str | None
) -> Lock:
    deadline = monotonic() + _HANDOVER_SECONDS
    while not exclusively.acquire():
        if _evict(store, exclusively, stale_seconds, hopeful=monotonic() < deadline):
            break
    with writing(store.engine) as connection:
        row = _row(connection)
        if row is not None and not _is_dead(connection, row, stale_seconds):
            raise Busy(_told(connection, row))
        token = sequences.reserve(connection, "run_lock", 1)
        connection.execute(delete(run_lock).where(run_lock.c.name == NAME))
        connection.execute(insert(run_lock).values(_own_row(connection, run_id, token, exclusively)))
        store.interrupted = _interrupted(connection, run_id, resume_key)
        _close_dead_runs(connection, run_id, store.interrupted)
    _held.add(token)
    return Lock(run_id, token)


def _own_row(connection: Connection, run_id: str, token: int, exclusively: Exclusive) -> dict[str, object]:
    moment = now(connection)
    return {
        "name": NAME,
        "token": token,
        "run_id": run_id,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process_started": started(os.getpid()) or "",
        "backend_pid": exclusively.backend_pid,
        "started_at": moment,
        "heartbeat_at": moment,
    }


def _evict(store: Store, exclusively: Exclusive, stale_seconds: float, *, hopeful: bool) -> bool:
    """Take the operating system's lock from a dead holder; raise Busy for a living one.

    A server needs a moment to see that a process was killed, and may believe for hours in a machine that lost its
    power. Between the lock and its row there is a moment too: while ``hopeful``, wait for it
    and return False.
    """
    with store.engine.connect() as connection:
        row = _row(connection)
        if row is not None:
            told = _told(connection, row)
            dead = _is_gone(row) or (_is_elsewhere(row) and _is_silent(connection, row, stale_seconds))
    if row is None:
        if not hopeful:
            message = "another run is taking or leaving the serving database: try again"
            raise Busy(message)
        sleep(_POLL_SECONDS)
        return False
    if not (dead and exclusively.evict(row["backend_pid"], _TAKEOVER_SECONDS)):
        raise Busy(told)
    return True


def _is_dead(connection: Connection, row: RowMapping, stale_seconds: float) -> bool:
    """Judge a holder that has the operating system's lock no more."""
    if _is_gone(row):
        return True
    mine = not _is_elsewhere(row) and row["pid"] == os.getpid()
    return row["token"] not in _held if mine else _is_silent(connection, row, stale_seconds)


def _is_elsewhere(row: RowMapping) -> bool:
    return bool(row["host"] != socket.gethostname())


def _is_gone(row: RowMapping) -> bool:
    """Say whether the holder's process has left this host."""
    return not _is_elsewhere(row) and started(row["pid"]) != row["process_started"]


def _is_silent(connection: Connection, row: RowMapping, stale_seconds: float) -> bool:
    return seconds_since(connection, row["heartbeat_at"]) > stale_seconds


def _interrupted(connection: Connection, run_id: str, resume_key: str | None) -> Interrupted | None:
    """Find the run of a dead holder that may be gone on with: nothing was published since it began."""
    if resume_key is None:
        return None
    begun = select(run_buckets.c.run_seq)
    later = select(publications.c.run_seq).where(publications.c.run_seq > runs.c.run_seq).exists()
    statement = (
        select(runs.c.run_seq, runs.c.run_id)
        .where(runs.c.state == "running", runs.c.run_id != run_id, runs.c.resume_key == resume_key)
        .where(runs.c.run_seq.in_(begun), ~later)
        .order_by(runs.c.run_seq.desc())
        .limit(1)
    )
    found = connection.execute(statement).one_or_none()
    return None if found is None else Interrupted(found.run_seq, found.run_id)


def _close_dead_runs(connection: Connection, run_id: str, but: Interrupted | None) -> None:
    statement = select(runs.c.run_seq).where(runs.c.state == "running", runs.c.run_id != run_id)
    dead = [run_seq for run_seq in connection.scalars(statement) if but is None or run_seq != but.run_seq]
    for run_seq in dead:
        ledger.finish(connection, run_seq, "failed", now(connection), {"problem": "killed"})
    leftovers.discard(connection, dead)


def _release(store: Store, lock: Lock) -> None:
    _held.discard(lock.token)
    # A row that cannot be deleted now is that of a dead holder to the next one.
    with suppress(DBAPIError, Busy), writing(store.engine) as connection:
        connection.execute(delete(run_lock).where(run_lock.c.token == lock.token))


def _beat(store: Store, exclusively: Exclusive, lock: Lock, stop: Event, seconds: float) -> None:
    while not stop.wait(seconds):
        try:
            beaten = exclusively.beat(store.engine, lock.token)
        except Busy:
            continue  # another writer took long: the next beat comes soon enough
        except DBAPIError:
            beaten = False
        if not beaten:
            lock.lost.set()
            return


def _row(connection: Connection) -> RowMapping | None:
    statement = select(run_lock).where(run_lock.c.name == NAME).with_for_update()
    return connection.execute(statement).mappings().one_or_none()


def _told(connection: Connection, row: RowMapping) -> str:
    age = seconds_since(connection, row["started_at"])
    silent = seconds_since(connection, row["heartbeat_at"])
    return (
        f"run {row['run_id']} has held the serving database for {_span(age)} (process {row['pid']} on {row['host']},"
        f" last sign of life {_span(silent)} ago)"
    )


def _span(seconds: float) -> str:
    """Say a span of time roughly.

    >>> _span(59), _span(90), _span(7200)
    ('59 s', '1 min', '2 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
