"""A crew's imports begin at once where a run surely needs them, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from customers.errors import CadastraError
from flows.foresight import needs_crew
from flows.pipeline import Job, Run
from tests.bank import CORE, SECRET
from tests.exports import cpf, natural_person, write_export

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write an export of two buckets."""
    monkeypatch.setenv("CADASTRA_BUCKET_SIZE", "2")
    people = [natural_person(f"F{number}", cpf(100_000_000 + number)) for number in range(4)]
    return write_export(tmp_path / "export", *people)


def foreseen(export: Path, url: str, **choices: object) -> bool:
    given: dict[str, Any] = {"core": None, "database": url, "workers": 2, "full_remap": False, **choices}
    return needs_crew(export, **given)


def test_a_database_that_knows_nothing_needs_a_crew(
    export: Path, any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert foreseen(export, any_database)
    assert not foreseen(export, any_database, workers=1)
    monkeypatch.setenv("CADASTRA_BUCKET_SIZE", "4")
    assert not foreseen(export, any_database)
    monkeypatch.setenv("CADASTRA_BUCKET_SIZE", "2")
    monkeypatch.setenv("CADASTRA_SCHEDULER", "tcp://127.0.0.1:1")
    assert not foreseen(export, any_database)


def test_a_database_that_knows_the_customers_does_not(export: Path, any_database: str) -> None:
    run = Run(Job(core=CORE, export=export, database_url=any_database, secret=SECRET))
    with run.holding():
        run.extract()
        run.execute()
    assert not foreseen(export, any_database)
    assert foreseen(export, any_database, full_remap=True)


def test_what_is_wrong_is_left_to_the_run(export: Path, any_database: str) -> None:
    (export / "_controle.json").unlink()
    with pytest.raises(CadastraError, match="is missing"):
        foreseen(export, any_database)
    assert not foreseen(export / "absent", any_database)
