"""Run the command line over and over, each time in a process of its own, and do harm to it at named points.

The tests start this program once and write it one order a line (see ``Order``); it imports everything, forks a child
for each order, and writes one line (id, status as of ``os.waitpid``) when the child has ended. So a run costs what it
does, and not each time what the imports do, and the product needs no hook: the points are commits as SQLAlchemy's
dialects make them, writes and syncs as SQLite's VFS makes them, and what psycopg copies.
"""

# ruff: noqa: ANN401, PLC0415 (patched functions take what they are given; only children import what they need)
from __future__ import annotations

import inspect
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.reliability.remembered import remember

if TYPE_CHECKING:
    from types import FrameType

POLL_SECONDS = 0.003
_SQL = f"{os.sep}sql{os.sep}"
# Between a commit and who wanted it.
_BETWEEN = frozenset({"writing", "_append", "_append_by_id"})


class Harm:
    """Count points as they come and act at the one that is ordered.

    A point is named for example ``before publish.2``: the second commit that ``Store.publish`` makes. ``act`` is one
    of ``kill``; ``pause``: wait until the file ``go`` is there; or the words of an error to raise.
    """

    def __init__(self, folder: Path, point: str | None, act: str) -> None:
        self._folder, self._point, self._act = folder, point, act
        self._counts: dict[str, int] = {}
        self._points = os.open(folder / "points", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def number(self, name: str) -> str:
        """Return the name with how often it came."""
        self._counts[name] = self._counts.get(name, 0) + 1
        return f"{name}.{self._counts[name]}"

    def reach(self, point: str) -> str | None:
        """Note a point; act there if it is the one, returning an error's words."""
        os.write(self._points, f"{point}\n".encode())
        if point != self._point:
            return None
        if self._act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._act != "pause":
            return self._act
        (self._folder / "paused").touch()
        while not (self._folder / "go").exists():
            time.sleep(POLL_SECONDS)
        return None


def wanted_by(frame: FrameType | None) -> str:
    """Return the function of ``sql`` that asked for a commit: the outermost, but within a lock the innermost."""
    names: list[str] = []
    while frame is not None:
        name = frame.f_code.co_name
        if (
            _SQL in frame.f_code.co_filename
            and "site-packages" not in frame.f_code.co_filename
            and name not in _BETWEEN
        ):
            names.append(name)
        frame = frame.f_back
    if not names:
        return "unknown"
    return names[0].strip("_") if "hold" in names or len(names) > 3 else names[-1].strip("_")


def watch_databases(harm: Harm) -> None:
    """Make every commit, statement and piece of a COPY in this process a point."""
    import psycopg
    from sqlalchemy.engine.default import DefaultDialect

    do_commit: Any = DefaultDialect.do_commit
    do_execute: Any = DefaultDialect.do_execute
    copy_write: Any = psycopg.Copy.write

    def commit(dialect: DefaultDialect, connection: Any) -> None:
        name = harm.number(wanted_by(inspect.currentframe()))
        fail(dialect, connection, harm.reach(f"before {name}"))
        do_commit(dialect, connection)
        harm.reach(f"after {name}")

    def execute(dialect: DefaultDialect, cursor: Any, *arguments: Any) -> None:
        fail(dialect, cursor.connection, harm.reach(harm.number("execute")))
        do_execute(dialect, cursor, *arguments)

    def write(copy: psycopg.Copy, piece: Any) -> None:
        harm.reach(harm.number("copy"))
        copy_write(copy, piece)

    for owner, name, ours in (
        (DefaultDialect, "do_commit", commit),
        (DefaultDialect, "do_execute", execute),
        (psycopg.Copy, "write", write),
    ):
        setattr(owner, name, ours)


def fail(dialect: Any, connection: Any, words: str | None) -> None:
    """Raise the driver's own error with these words, as a server or a disk would cause it."""
    import psycopg.errors

    if words is None:
        return
    if words == "dropped":
        connection.pgconn.finish()  # what comes now meets a connection that is gone
        return
    if words == "serialization":
        raise psycopg.errors.SerializationFailure("could not serialize access due to concurrent update")
    if words == "disk full":
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")
    raise dialect.loaded_dbapi.OperationalError(words)


def watch_files(harm: Harm) -> None:
    """Make every write, sync and truncation of SQLite a point, below Python: see ``tests.reliability.vfs``."""
    from tests.reliability.vfs import watch

    watch(lambda name: harm.reach(harm.number(name)))


def watch_renames(harm: Harm) -> None:
    """Make every rename a point."""
    replace = os.replace

    def fail_or_replace(*arguments: Any, **options: Any) -> None:
        words = harm.reach(harm.number("rename"))
        if words is not None:
            raise OSError(28, "No space left on device")
        replace(*arguments, **options)

    os.replace = fail_or_replace
    os.rename = fail_or_replace


def obey(order: dict[str, Any]) -> int:
    """Run the command line as ordered, in this process, and return its exit code."""
    from flows import cli

    folder = Path(order["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.update(order["environment"])
    harm = Harm(folder, order["point"], order["act"])
    watch_databases(harm)
    if order["files"]:
        watch_files(harm)
        watch_renames(harm)
    sys.argv = ["cadastra", *order["arguments"]]
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 (whatever the command line lets through is what the tests look for)
        traceback.print_exc()
        return 99
    return 0


def warm_up() -> None:
    """Do once, in front of all children, what each would do: import everything and compile the rules."""
    from tests.bank import Bank
    from tests.exports import company, natural_person

    with tempfile.TemporaryDirectory() as folder:
        Bank(Path(folder), f"sqlite:///{folder}/warm.db").run(natural_person(), company())


def serve() -> None:
    """Take orders until there are no more, and leave no child behind."""
    warm_up()
    remember(Path(tempfile.mkdtemp(prefix="verdicts-")))
    children: dict[int, int] = {}
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    say({"ready": True})
    pending = b""
    while True:
        readable, _, _ = select.select([0, wake], [], [])
        if wake in readable:
            os.read(wake, 1024)
            reap(children)
        if 0 in readable:
            read = os.read(0, 1 << 16)
            if not read:
                break
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                order = json.loads(line)
                child = start(order, (wake, waker))
                children[child] = order["id"]
                say({"id": order["id"], "pid": child})
    for child in children:
        os.kill(child, signal.SIGKILL)


def start(order: dict[str, Any], mine: tuple[int, int]) -> int:
    """Fork a child for an order and return its number."""
    child = os.fork()
    if child:
        return child
    code = 98
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in mine:
            os.close(descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.setpgid(0, 0)
        code = obey(order)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def reap(children: dict[int, int]) -> None:
    """Say of each child that ended how it did."""
    while children:
        with suppress(ChildProcessError):
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            say({"id": children.pop(child), "status": status})
            continue
        return


def say(words: dict[str, Any]) -> None:
    """Write one line to whoever started this program."""
    os.write(1, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    serve()
