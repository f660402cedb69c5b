"""The private folder of one run: only its owner can read it, and it is gone when the run ends, however it ends.

A run that is killed cannot clear up; the next one on this machine does. A folder is somebody's while the file in it is
locked, and the operating system takes the lock from a dead process. What lies behind another URL than ``file://`` has
no locks: see ``flows.spill_url``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import finalize

from customers.errors import UsageError

if TYPE_CHECKING:
    from typing import Self

PREFIX = "cadastra-spill-"
LOCAL_URL = "file://"
_LOCK = "_lock"


class SpillFolder:
    """A folder of mode 700 under ``root`` (None: the system's place for temporary files); close it, or let go of it.

    ``place`` names it to whoever reads and writes its files: a path, or a URL where the root is one.
    """

    def __init__(self, root: str | None = None) -> None:
        scheme = LOCAL_URL if root is not None and root.startswith(LOCAL_URL) else ""
        folder = Path(tempfile.gettempdir() if root is None else root.removeprefix(LOCAL_URL))
        try:
            sweep(folder)
            self.path, descriptor = _claim(folder)
        except OSError as problem:
            msg = (
                f"no private folder for the run can be made in {folder} (CADASTRA_SPILL): {problem.strerror}"
            )
            raise UsageError(msg) from None
        self.place = f"{scheme}{self.path}"
        self._remove = finalize(self, _remove, self.path, descriptor, os.getpid())

    def __enter__(self) -> Self:
        """Return the folder itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folder and all in it."""
        self.close()

    def close(self) -> None:
        """Remove the folder and all in it."""
        self._remove()


def _claim(place: Path) -> tuple[Path, int]:
    """Make a folder and lock it: again, where another run swept it before it was locked."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        try:
            descriptor = os.open(path / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)


def sweep(place: Path) -> None:
    """Remove the folders of this user's runs that were killed."""
    for folder in place.glob(f"{PREFIX}*"):
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            descriptor = os.open(folder / _LOCK, os.O_WRONLY)
        except OSError:
            continue  # it is being made, or removed, at this very moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def _remove(path: Path, descriptor: int, owner: int) -> None:
    if os.getpid() == owner:  # a forked child has only a copy
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)
