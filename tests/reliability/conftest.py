"""What the reliability tests share: the program that runs command lines, and databases filled once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.reliability.batches import BUCKET_SIZE, new_batch, old_batches
from tests.reliability.databases import Databases, Postgres, Sqlite, fingerprint
from tests.reliability.launching import Launcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stage:
    """A database that serves the old batch, and what a clean run of the new one makes of a copy of it.

    ``points`` are those of the clean run, ``export`` is the new batch.
    """

    databases: Databases
    launcher: Launcher
    template: str
    export: Path
    old: str
    new: str
    points: list[str]

    def fresh(self) -> str:
        """Return a database that serves the old batch."""
        return self.databases.fresh(self.template)


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    started = Launcher(tmp_path_factory.mktemp("processes"))
    yield started
    started.close()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    if request.param == "sqlite":
        return Sqlite(tmp_path_factory.mktemp("sqlite"))
    return Postgres(str(request.getfixturevalue("postgres_url")))


@pytest.fixture(scope="session")
def stage(databases: Databases, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_up(databases, launcher, tmp_path_factory.mktemp("batches"))


def set_up(databases: Databases, launcher: Launcher, folder: Path) -> Stage:
    """Fill a database with the old batches and try the new one on a copy."""
    template = databases.fresh()
    for export in old_batches(folder):
        run = launcher.run(export, template, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
        assert run.code == 0, run.said
    trial, export = databases.fresh(template), new_batch(folder)
    run = launcher.run(export, trial, files=databases.name == "sqlite", CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert run.code == 0, run.said
    old, new = fingerprint(databases, template), fingerprint(databases, trial)
    assert old != new
    return Stage(databases, launcher, template, export, old, new, run.points)
