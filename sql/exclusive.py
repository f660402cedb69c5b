"""A lock that the operating system takes from a dead process by itself.

PostgreSQL ends a session, and with it the session's advisory lock, when its client dies; the kernel gives up an
flock when the last copy of its descriptor is closed. A forked child would keep either alive, so it lets go.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from customers.errors import CadastraError
from sql.clock import now
from sql.engine import writing
from sql.tables import run_lock

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# Two numbers that no other program on the server takes for its own advisory lock.
_KEYS = {"space": 1_128_350_785, "lock": 1}
# A machine that lost its power is noticed after two minutes, not after the two hours of most servers.
_KEEPALIVES = ("tcp_keepalives_idle = 60", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 6")
_POLL_SECONDS = 0.1
_descriptors: set[int] = set()


class Exclusive(Protocol):
    """What only one process at a time can have."""

    @property
    def backend_pid(self) -> int | None:
        """Return the number of PostgreSQL's session, None on SQLite."""

    def acquire(self) -> bool:
        """Try once; False where another process has it."""

    def release(self) -> None:
        """Give it up, held or not."""

    def evict(self, backend_pid: int | None, seconds: float) -> bool:
        """Take it from a dead holder; False where that is not possible in time."""

    def beat(self, engine: Engine, token: int) -> bool:
        """Write a sign of life for the holder with a token; False where the lock's row is not its own any more."""


def exclusive(engine: Engine) -> Exclusive:
    """Return the lock of a database, not yet acquired."""
    if engine.dialect.name == "postgresql":
        return SessionLock(engine)
    return FileLock(_file_of(engine))


def session_holds(connection: Connection, backend_pid: int | None) -> bool:
    """Say whether a session of this PostgreSQL database lives and has the lock."""
    statement = text(
        "SELECT EXISTS (SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted AND l.pid = :pid"
        " AND l.classid = :space AND l.objid = :lock AND l.objsubid = 2)"
    )
    return bool(connection.scalars(statement, {"pid": backend_pid, **_KEYS}).one())


class SessionLock:
    """An advisory lock of PostgreSQL, on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        """Open the connection, which no pool knows."""
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        driver: Any = self._connection.connection.driver_connection
        self._connection.detach()
        for setting in _KEEPALIVES:
            self._connection.exec_driver_sql(f"SET {setting}")
        self._pid: int = self._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        self._descriptor: int = driver.fileno()
        _descriptors.add(self._descriptor)

    @property
    def backend_pid(self) -> int:
        """Return the number of the session."""
        return self._pid

    def acquire(self) -> bool:
        """Try once; False where another session has it."""
        return bool(self._connection.scalars(text("SELECT pg_try_advisory_lock(:space, :lock)"), _KEYS).one())

    def release(self) -> None:
        """Give up the lock and end the session."""
        _descriptors.discard(self._descriptor)
        # A session that was lost has lost the lock; one that ends gives it up, but only in its own time.
        if not self._connection.invalidated:
            with suppress(DBAPIError):
                self._connection.execute(text("SELECT pg_advisory_unlock(:space, :lock)"), _KEYS)
        self._connection.close()

    def beat(self, engine: Engine, token: int) -> bool:  # noqa: ARG002 (the sign must come from the very session)
        """Write a sign of life from the session that has the lock; False where the row is not its own."""
        return _beat(self._connection, token)

    def evict(self, backend_pid: int | None, seconds: float) -> bool:
        """End the session that has the lock and take it; False where that is not possible in time."""
        try:
            if session_holds(self._connection, backend_pid):
                self._connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend_pid})
            return _acquired_within(self, seconds)
        except DBAPIError:
            return False  # the right to end another role's session may be missing


class FileLock:
    """An flock on a file that stays beside a SQLite database; a database in memory is this process's anyway."""

    backend_pid = None

    def __init__(self, path: str | None) -> None:
        """Take the name of the file, None for a database in memory."""
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Try once; False where another process, or another lock of this one, has it."""
        if self._path is None:
            return True
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            _descriptors.add(self._descriptor)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        except OSError as error:
            self.release()
            message = f"the file {self._path} cannot be locked: {error.strerror}"
            raise CadastraError(message) from None
        return True

    def release(self) -> None:
        """Close the file; it is not removed, for another process may have it open already."""
        if self._descriptor is not None:
            _descriptors.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def evict(self, backend_pid: int | None, seconds: float) -> bool:  # noqa: ARG002 (a file has no session)
        """Wait for the kernel to take it from a dead holder; False where that takes longer."""
        return _acquired_within(self, seconds)

    def beat(self, engine: Engine, token: int) -> bool:
        """Write a sign of life; False where the row is not this holder's."""
        with writing(engine) as connection:
            return _beat(connection, token)


def _acquired_within(exclusively: Exclusive, seconds: float) -> bool:
    deadline = monotonic() + seconds
    while not exclusively.acquire():
        if monotonic() > deadline:
            return False
        sleep(_POLL_SECONDS)
    return True


def _beat(connection: Connection, token: int) -> bool:
    statement = update(run_lock).where(run_lock.c.token == token).values(heartbeat_at=now(connection))
    return connection.execute(statement).rowcount == 1


def _file_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        files = {row.name: row.file for row in connection.exec_driver_sql("PRAGMA database_list")}
    return f"{files['main']}.lock" if files["main"] else None


def _let_go() -> None:
    """Leave the locks to the parent: a child that outlives it must not keep them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in _descriptors:
        os.dup2(nothing, descriptor)
    os.close(nothing)
    _descriptors.clear()


os.register_at_fork(after_in_child=_let_go)
