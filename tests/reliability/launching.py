"""Start command lines through ``tests.reliability.runner`` and see how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003 (of a dataclass)
from typing import TYPE_CHECKING, Any, TypeVar

from tests.bank import SECRET
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")
# Longer than any run of these tests takes on a busy machine: beyond it a run hangs.
PATIENCE = 120.0
_POLL_SECONDS = 0.003
_MADE_FOR_TESTS = {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", "CADASTRA_WORKERS": "1"}


@dataclass(slots=True)
class Process:
    """A command line at work: ``code`` is negative where a signal ended it."""

    folder: Path
    pid: int
    ended: Future[int] = field(repr=False)

    @property
    def code(self) -> int:
        """Wait for its end; a process that does not end in time hangs, and is ended, telling where it was."""
        try:
            return self.ended.result(PATIENCE)
        except TimeoutError:
            os.kill(self.pid, signal.SIGABRT)  # Python's fault handler writes every thread's stack
            with suppress(TimeoutError):
                self.ended.result(_POLL_SECONDS * 1_000)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            raise AssertionError(f"hangs after {self.points[-1:]}: {self.said[-4000:]}") from None

    @property
    def said(self) -> str:
        """Return what it wrote to standard error."""
        return self._text("stderr")

    @property
    def told(self) -> dict[str, Any]:
        """Return the JSON that it wrote to standard output."""
        told: dict[str, Any] = json.loads(self._text("stdout"))
        return told

    @property
    def points(self) -> list[str]:
        """List the points that it passed."""
        return self._text("points").splitlines()

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def kill(self) -> int:
        """Kill it, if it is still at work, and return how it ended."""
        if not self.ended.done():
            os.kill(self.pid, signal.SIGKILL)
        return self.code

    def paused(self) -> bool:
        """Wait until it is at its point; False where it ended without coming there."""
        await_(lambda: (self.folder / "paused").exists() or self.ended.done())
        return (self.folder / "paused").exists()

    def go_on(self) -> None:
        """Let it go on from its point."""
        (self.folder / "go").touch()


def await_(done: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(_POLL_SECONDS)


def two_at_a_time(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do work on each item on two threads; the first failure is raised."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, items))


class Launcher:
    """The program that runs command lines, and what it says of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self._pids: dict[int, Future[int]] = {}
        self._ends: dict[int, Future[int]] = {}
        self._lock = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.runner"],
            cwd=ROOT,
            env={**os.environ, "CADASTRA_SECRET": SECRET, **_MADE_FOR_TESTS, "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ready = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def close(self) -> None:
        """End the program."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._listener.join()
        self._server.stdout.close()
        self._server.wait()

    def start(
        self,
        *arguments: str,
        point: str | None = None,
        act: str = "kill",
        files: bool = False,
        **environment: str,
    ) -> Process:
        """Start one command line, which is harmed at a point; ``files``: points are below SQLite too."""
        assert self._ready.wait(PATIENCE)
        assert self._server.stdin is not None
        with self._lock:
            self._count += 1
            number = self._count
            self._pids[number], self._ends[number] = Future(), Future()
            folder = self._folder / f"process-{number}"
            folder.mkdir()
            order = {
                "id": number,
                "folder": str(folder),
                "arguments": arguments,
                "point": point,
                "act": act,
                "files": files,
                "environment": environment,
            }
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
        return Process(folder, self._pids[number].result(PATIENCE), self._ends[number])

    def run(self, export: Path, database: str, *options: str, **how: Any) -> Process:  # noqa: ANN401 (of start)
        """Start ``cadastra run`` of an export, circuit breaker off and without Data Docs."""
        docs = () if "--docs" in options else ("--no-docs",)
        arguments = ("run", "--export", str(export), "--database", database, "--json", *docs, *options)
        return self.start(*arguments, **{"CADASTRA_BREAKER": "off", **how})

    def _listen(self) -> None:
        assert self._server.stdout is not None
        for line in self._server.stdout:
            said = json.loads(line)
            if "ready" in said:
                self._ready.set()
            elif "pid" in said:
                self._pids[said["id"]].set_result(said["pid"])
            else:
                self._ends[said["id"]].set_result(os.waitstatus_to_exitcode(said["status"]))
        for end in self._ends.values():
            if not end.done():
                end.set_exception(AssertionError("the program that runs command lines has ended"))
