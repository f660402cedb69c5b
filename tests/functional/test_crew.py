"""Buckets on several processes: the same documents, whoever works on them and whoever dies."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from flows.crew import Crew
from flows.pipeline import Job, Run
from sql.process import started
from sql.store import open_store
from tests.bank import CORE, NAMES, SECRET
from tests.exports import cnpj, company, cpf, natural_person, write_export
from tests.functional.test_lock import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Write an export of some twenty registers, some of one person, one refused and two of nobody."""
    people = [natural_person(f"F{number}", cpf(100_000_000 + number // 2)) for number in range(16)]
    firms = [company(f"J{number}", cnpj(100_000_000_001 + number * 10_000)) for number in range(4)]
    refused = natural_person("F90", cpf(123_123_123), pessoas_fisicas={"nome_civil": ""})
    return write_export(tmp_path / "export", *people, *firms, refused)


def run(export: Path, url: str, workers: int = 1) -> tuple[Run, list[dict[str, object]]]:
    """Run an export in buckets of five registers and return what is served then."""
    job = Job(core=CORE, export=export, database_url=url, secret=SECRET, bucket_size=5, workers=workers)
    done = Run(job)
    with done.holding():
        done.extract()
        done.execute()
    columns = "customer_id, core_key, tax_id, document, content_hash"
    with open_store(url) as store:
        return done, [
            row for name in NAMES for row in store.query(f"SELECT {columns} FROM {name} ORDER BY customer_id")
        ]


def test_two_processes_serve_what_one_does(export: Path, any_database: str, tmp_path: Path) -> None:
    one, served = run(export, f"sqlite:///{tmp_path}/one.db")
    two, by_two = run(export, any_database, workers=2)
    assert by_two == served
    assert one.report is not None
    assert two.report is not None
    assert two.report.tallies == one.report.tallies
    assert two.report.buckets > 2


def test_an_export_is_read_before_any_process_is_waited_for(export: Path, any_database: str) -> None:
    job = Job(core=CORE, export=export, database_url=any_database, secret=SECRET, bucket_size=5, workers=2)
    first = Run(job)
    with first.holding():
        first.extract()
        assert isinstance(first._crew, Crew)  # noqa: SLF001 (nobody else knows it)
        assert first._crew.members == []  # noqa: SLF001
        first.execute()
    again = Run(job)
    with again.holding():
        again.extract()
        assert again._crew is None  # noqa: SLF001 (who knows whether there is anything to judge)


def test_processes_end_with_the_last_bucket(export: Path, any_database: str) -> None:
    pids: set[int] = set()

    def tell(stage: str, _share: float) -> None:
        crew = working._crew  # noqa: SLF001 (as above)
        if stage == "map, check, nest" and isinstance(crew, Crew):
            pids.update(member.pid for member in crew.members)

    working = Run(
        Job(
            core=CORE,
            export=export,
            database_url=any_database,
            secret=SECRET,
            bucket_size=5,
            workers=2,
            tell=tell,
        )
    )
    with working.holding():
        working.extract()
        working.execute()
        assert len(pids) == 2
        assert isinstance(working._crew, Crew)  # noqa: SLF001
        assert working._crew.members == []  # noqa: SLF001
        wait_for(lambda: not any(started(pid) for pid in pids))


def test_a_killed_worker_costs_its_bucket_only(export: Path, any_database: str, tmp_path: Path) -> None:
    _, served = run(export, f"sqlite:///{tmp_path}/one.db")
    victims: list[int] = []

    def tell(stage: str, _share: float) -> None:
        if stage == "map, check, nest" and not victims:
            crew = working._crew  # noqa: SLF001 (nobody else knows its processes)
            assert isinstance(crew, Crew)
            victims.extend(member.pid for member in crew.members)
            os.kill(victims[0], signal.SIGKILL)

    job = Job(
        core=CORE,
        export=export,
        database_url=any_database,
        secret=SECRET,
        bucket_size=5,
        workers=2,
        tell=tell,
    )
    working = Run(job)
    with working.holding():
        working.extract()
        report = working.execute()
    assert victims
    assert report.state == "published"
    with open_store(any_database) as store:
        columns = "customer_id, core_key, tax_id, document, content_hash"
        again = [
            row for name in NAMES for row in store.query(f"SELECT {columns} FROM {name} ORDER BY customer_id")
        ]
        twice = store.query(
            "SELECT customer_id FROM documents GROUP BY structure, customer_id HAVING COUNT(*) > 1"
        )
    assert again == served
    assert not twice
