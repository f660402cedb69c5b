"""Which process is which: its number may be another's after it ended, its number and start may not."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PROCESSES = Path("/proc")
_BOOT = _PROCESSES / "sys/kernel/random/boot_id"
# Fields of /proc/PID/stat after the name in parentheses.
_STATE, _START = 0, 19
_ENDED = frozenset({"Z", "X", "x"})


def started(pid: int) -> str | None:
    """Return when a process of this host started, in a form to compare only, or None if it is gone.

    A process that ended and that nobody has waited for yet is gone.
    """
    return _started_on_linux(pid) if _BOOT.exists() else _started_by_ps(pid)


def _started_on_linux(pid: int) -> str | None:
    try:
        fields = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[_STATE] in _ENDED:
        return None
    return f"{_BOOT.read_text(encoding='ascii').strip()} {fields[_START]}"


def _started_by_ps(pid: int) -> str | None:
    answer = subprocess.run(  # noqa: S603 (a number of ours)
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, start = answer.stdout.strip().partition(" ")
    return start.strip() if start and state[:1] not in _ENDED else None
