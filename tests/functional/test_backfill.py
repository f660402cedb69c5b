"""Past business dates in order: which of them are run, and what is said of those that cannot be."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from customers.errors import UsageError
from flows.backfill import BackfillParameters, backfill
from flows.pipeline import Run
from sql.store import open_store
from tests.conftest import ROOT
from tests.exports import CONTROL, natural_person, write_export
from tests.functional.test_run import cadastra
from tests.unmeasured import unmeasured

if TYPE_CHECKING:
    from pathlib import Path

    from flows.backfill import Dated


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write three dates; of 3 November there is none, the export of the 4th was broken off."""
    folder = tmp_path / "exports"
    for day in (1, 2, 5):
        dated(folder, day)
    write_export(folder / "2026-11-04", natural_person(), day="2026-11-04")
    (folder / "2026-11-04" / CONTROL).unlink()
    return folder


def dated(root: Path, day: int, name: str = "Ana Lima", *, inside: int | None = None) -> Path:
    """Write the export of a day of November, in which one person's name changes daily."""
    names = {"nome_civil": f"{name} {'I' * day}"}
    return write_export(
        root / f"2026-11-{day:02}",
        natural_person(pessoas_fisicas=names),
        day=f"2026-11-{inside or day:02}",
    )


def run(root: Path, url: str, first: int = 1, last: int = 5, **options: bool) -> list[tuple[str, int]]:
    """Run a backfill of days of November: outcome and exit code of each."""
    days: dict[str, Any] = {"from": date(2026, 11, first), "to": date(2026, 11, last)}
    report = backfill(BackfillParameters(exports=root, database=url, docs=False, **days, **options))
    return [(dated.outcome, dated.exit_code) for dated in report.dates]


def published(url: str) -> list[object]:
    with open_store(url) as store:
        found = store.query("SELECT business_date, flow FROM runs WHERE state = 'published' ORDER BY run_seq")
        assert {row["flow"] for row in found} == {"backfill"}
        return [int(str(row["business_date"])[-2:]) for row in found]


def name_served(url: str) -> str:
    with open_store(url) as store:
        (row,) = store.query("SELECT document FROM personal_identifications")
        return str(json.loads(str(row["document"]))["civilName"])


def test_dates_that_cannot_be_run_are_named_and_the_others_run(root: Path, any_database: str) -> None:
    outcomes = run(root, any_database)
    assert outcomes == [("published", 0), ("published", 0), ("missing", 2), ("refused", 4), ("published", 0)]
    assert published(any_database) == [1, 2, 5]
    assert run(root, any_database) == [("skipped", 0), ("skipped", 0), *outcomes[2:4], ("skipped", 0)]
    assert published(any_database) == [1, 2, 5]


def test_until_failure_ends_there(root: Path, sqlite_url: str) -> None:
    outcomes = run(root, sqlite_url, until_failure=True)
    assert outcomes == [
        *[("published", 0)] * 2,
        ("missing", 2),
        ("refused", 4),
        ("not reached", 0),
    ]
    assert published(sqlite_url) == [1, 2]


def test_another_content_of_a_date_is_run_but_not_where_only_missing_dates_are_wanted(
    root: Path, sqlite_url: str
) -> None:
    run(root, sqlite_url, 1, 1)
    dated(root, 1, "Eva Sousa")
    assert run(root, sqlite_url, 1, 2, only_missing=True) == [("skipped", 0), ("published", 0)]
    assert name_served(sqlite_url) == "Ana Lima II"
    assert run(root, sqlite_url, 1, 1) == [("published", 0)]
    assert published(sqlite_url) == [1, 2, 1]
    assert name_served(sqlite_url) == "Ana Lima II"  # that of a later date


def test_a_replay_runs_every_date_and_the_last_one_has_the_last_word(root: Path, sqlite_url: str) -> None:
    run(root, sqlite_url, 1, 5)
    dated(root, 2, "Eva Sousa")
    assert run(root, sqlite_url, 1, 2, replay=True) == [("published", 0)] * 2
    assert name_served(sqlite_url) == "Eva Sousa II"


def test_an_export_in_the_folder_of_another_date_is_refused(root: Path, sqlite_url: str) -> None:
    dated(root, 3, inside=4)
    assert run(root, sqlite_url, 3, 3) == [("refused", 4)]


def test_a_file_that_is_not_what_the_control_file_says_is_refused(root: Path, sqlite_url: str) -> None:
    with (root / "2026-11-01" / "clientes.csv").open("ab") as file:
        file.write(b"F9;F;A\r\n")
    assert run(root, sqlite_url, 1, 2) == [("refused", 4), ("published", 0)]


def test_no_more_than_two_exports_are_in_memory(root: Path, sqlite_url: str) -> None:
    for day in (3, 4):
        dated(root, day)
    kept: list[int] = []

    def count(_dated: Dated) -> None:
        runs = [each for each in gc.get_objects() if isinstance(each, Run)]
        kept.append(sum(run.has_read for run in runs))

    days: dict[str, Any] = {"from": date(2026, 11, 1), "to": date(2026, 11, 5)}
    backfill(BackfillParameters(exports=root, database=sqlite_url, docs=False, **days), told=count)
    assert len(kept) == 5
    assert max(kept) <= 2


def test_a_held_date_ends_it(root: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run(root, sqlite_url, 1, 1)
    monkeypatch.setenv("CADASTRA_BREAKER_LEAST", "1")
    assert run(root, sqlite_url, 1, 5) == [
        ("skipped", 0),
        ("held", 3),
        ("missing", 2),
        ("refused", 4),
        ("not reached", 0),
    ]


@pytest.mark.parametrize(
    "options", [{"to": "2026-10-31"}, {"only_missing": True, "replay": True}, {"unknown": True}]
)
def test_parameters_that_make_no_sense_are_a_usage_error(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        BackfillParameters.given(**{"exports": tmp_path, "from": "2026-11-01", "to": "2026-11-02", **options})


def test_the_command_line_says_what_became_of_each_date(root: Path, sqlite_url: str) -> None:
    options = ("--exports", str(root), "--database", sqlite_url, "--no-docs")
    done = cadastra("backfill", *options, "--from", "2026-11-01", "--to", "2026-11-04", "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert [dated["outcome"] for dated in told["dates"]] == ["published", "published", "missing", "refused"]
    assert done.stderr.splitlines() == [
        "cadastra: 2 of 4 dates not published: 2026-11-03 missing, 2026-11-04 refused"
    ]
    again = cadastra("backfill", *options, "--from", "2026-11-01", "--to", "2026-11-02")
    assert (again.returncode, again.stdout) == (0, "")
    assert "2026-11-02  skipped" in again.stderr


def test_ctrl_c_ends_it_with_one_line_and_the_same_command_goes_on(root: Path, sqlite_url: str) -> None:
    dates = ("--from", "2026-11-01", "--to", "2026-11-02")
    command = ("backfill", "--exports", str(root), "--database", sqlite_url, "--no-docs", *dates)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *command],
        cwd=ROOT,
        env=unmeasured(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = [process.stderr.readline(), process.stderr.readline()]
    assert said == ["2026-11-01 …\n", "2026-11-02 …\n"]
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert rest == "cadastra: interrupted by SIGINT; `cadastra runs` says what became of it\n"
    assert run(root, sqlite_url, 1, 2) == [("skipped", 0), ("published", 0)]
