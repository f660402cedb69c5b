"""A PostgreSQL server of one test's own: it may be stopped as by a crash, and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests import servers

if TYPE_CHECKING:
    from collections.abc import Iterator


class OwnServer:
    """A server that is running; its data is on the disk as far as the operating system knows."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        if not servers.runs_for(self._owner, programs, folder):
            self._programs = servers.copied(programs, folder, self._owner)
        self.url = servers.started(self._programs, folder, self._owner)

    def stop(self) -> None:
        """Stop as a crash would: every process at once, nothing written any more."""
        self._tell("stop", "--mode", "immediate", "--silent")

    def start(self) -> None:
        """Start again, on the same port; the server recovers from its log first."""
        options = f"{servers.SERVER_OPTIONS} -p {urlsplit(self.url).port}"
        self._tell("start", "--wait", "--log", self._folder / "log", "--options", options)

    def _tell(self, verb: str, *options: object) -> None:
        program = [self._programs / "pg_ctl", verb, "--pgdata", self._folder / "data", *options]
        servers.tell(program, self._owner, self._folder)


@contextmanager
def own_server() -> Iterator[OwnServer | None]:
    """Yield a server of the caller's own, None where this machine has none to start."""
    programs = servers.installed_programs() or servers.wheel_programs()
    if programs is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="cadastra-own-postgres-"))
    try:
        server = OwnServer(folder, programs)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
