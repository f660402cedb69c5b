"""Measure one command: wall time, processor time of all its processes and PostgreSQL's, memory of the largest."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from resource import struct_rusage

_POLL_SECONDS = 0.005
_LOOK_SECONDS = 0.1
_ORPHANS_SECONDS = 20.0
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
# Fields of /proc/<pid>/stat after the command's name, from 0.
_PARENT, _SESSION, _OWN, _WAITED_FOR = 1, 3, slice(11, 13), slice(13, 15)


class BenchError(Exception):
    """Something that was measured did not do its work."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds, megabytes, and what it wrote to standard output; ``server`` is None for no local server."""

    wall: float
    client: float
    server: float | None
    peak: float
    said: str

    @property
    def core_seconds(self) -> float:
        """Return the processor time of client and server."""
        return self.client + (self.server or 0.0)


class ServerClock:
    """Read the processor time that a PostgreSQL server on this machine has used, all its processes together."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT pg_backend_pid(), inet_server_addr() = inet_client_addr()"
            ).fetchone()
            backend, is_local = row or (0, False)
            self._pid = int(_stat(backend)[_PARENT]) if is_local and (_PROC / str(backend)).exists() else None

    def seconds(self) -> float | None:
        """Return the time used so far: the postmaster's, its children's, and that of those that have ended."""
        if self._pid is None:
            return None
        ticks = sum(int(part) for part in _stat(self._pid)[_WAITED_FOR])
        for pid in _processes():
            fields = _stat(pid)
            if fields and (pid == self._pid or int(fields[_PARENT]) == self._pid):
                ticks += sum(int(part) for part in fields[_OWN])
        return ticks / _TICKS


def _stat(pid: int) -> list[str]:
    """Return the fields of a process after its name; none where it has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def measured(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    clock: ServerClock | None,
    limit: float,
) -> Measured:
    """Run a command and measure it; raise BenchError where it fails or takes longer than ``limit`` seconds.

    What it says goes to files in ``folder``, where it runs.
    """
    _adopt()
    before = clock.seconds() if clock else None
    said, complained = folder / "stdout", folder / "stderr"
    with said.open("w") as out, complained.open("w") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=out, stderr=err, start_new_session=True
        )
        peak, looked = 0.0, start
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            wall = time.perf_counter() - start
            if start + wall - looked > _LOOK_SECONDS:
                peak, looked = max(peak, _peak(process.pid)), start + wall
            if pid:
                break
            if wall > limit:
                os.killpg(process.pid, signal.SIGKILL)
                os.wait4(process.pid, 0)
                process.returncode = -signal.SIGKILL
                raise BenchError(f"stopped after {wall:.0f} s: {_named(command)}")
            time.sleep(_POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    used = [usage, *_orphans(process.pid)]
    if process.returncode:
        raise BenchError(
            f"exit code {process.returncode}: {_named(command)}\n{complained.read_text()[-2000:]}"
        )
    after = clock.seconds() if clock else None
    server = None if before is None or after is None else after - before
    client = sum(each.ru_utime + each.ru_stime for each in used)
    return Measured(wall, client, server, peak, said.read_text())


@cache
def _adopt() -> None:
    """Become the parent of whatever a command leaves behind, so that its use is known."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise BenchError(os.strerror(ctypes.get_errno()))


def _orphans(session: int) -> list[struct_rusage]:
    """Wait for the processes that a command left behind (a fork server, workers), with what each used."""
    used = []
    until = time.monotonic() + _ORPHANS_SECONDS
    while pids := [pid for pid in _processes() if _adopted(_stat(pid), session)]:
        used += [usage for pid, _, usage in (os.wait4(pid, os.WNOHANG) for pid in pids) if pid]
        if time.monotonic() > until:
            raise BenchError("a process that the command began does not end")
        time.sleep(_POLL_SECONDS)
    return used


def _peak(session: int) -> float:
    """Return the most memory in MB that any process of a command has held so far.

    The kernel's own figure for a process that ended begins with what its parent, this process, held.
    """
    peaks = [0]
    for pid in _processes():
        fields = _stat(pid)
        if fields and int(fields[_SESSION]) == session:
            with suppress(FileNotFoundError, ProcessLookupError):
                status = (_PROC / str(pid) / "status").read_text()
                peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks) / 1024


def _processes() -> list[int]:
    return [int(folder.name) for folder in _PROC.iterdir() if folder.name.isdecimal()]


def _adopted(fields: list[str], session: int) -> bool:
    return bool(fields) and int(fields[_PARENT]) == os.getpid() and int(fields[_SESSION]) == session


def _named(command: Sequence[str]) -> str:
    return " ".join(part for part in command[1:] if "://" not in part)
