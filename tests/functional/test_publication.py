"""One run at a time, an orderly end on a signal, the order of batches, and a plan that writes nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from flows.nightly import run_job
from flows.pipeline import Job
from mappings.cores.reference.sample import write_sample
from sql.lock import hold
from sql.store import open_store
from tests.bank import CORE, NAMES, PF, PI, PQ, SECRET, Bank
from tests.conftest import ROOT
from tests.exports import cpf, natural_person, write_export
from tests.unmeasured import unmeasured

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (cpf(number) for number in (100000001, 100000002, 100000003))
OTHER = {"cod_produto": "02"}


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=ROOT,
        env={**unmeasured(), "CADASTRA_SECRET": SECRET},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def states(url: str) -> list[str]:
    with open_store(url) as store:
        return [str(run["state"]) for run in store.query("SELECT state FROM runs ORDER BY run_seq")]


@pytest.fixture
def bank(tmp_path: Path, sqlite_url: str) -> Bank:
    return Bank(tmp_path, sqlite_url)


def test_a_second_runner_is_told_who_runs_and_since_when(tmp_path: Path, any_database: str) -> None:
    folder = write_export(tmp_path / "export", natural_person("F1", A))
    with open_store(any_database) as store, hold(store, "the-first-run"):
        second = start("run", "--export", str(folder), "--database", any_database)
        said = second.communicate(timeout=60)[1]
        assert second.returncode == 6
        assert "run the-first-run has held the serving database for " in said
        assert "Traceback" not in said
        planned = run_job(Job(CORE, folder, any_database, SECRET, rehearse=True))
        assert planned.tallies[PI].published_new == 1
    assert states(any_database) == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_in_good_order(number: int, code: int, tmp_path: Path, any_database: str) -> None:
    folder = tmp_path / "export"
    write_sample(folder, customers=20_000, seed=2, date=date(2026, 11, 20))
    arguments = ("run", "--export", str(folder), "--database", any_database, "--no-docs", "--quiet")
    with open_store(any_database):
        process = start(*arguments)
        while states(any_database) != ["running"]:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(number)
        began = time.monotonic()
        said = process.communicate(timeout=30)[1]
        assert time.monotonic() - began < 10
    assert process.returncode == code
    assert said.count("\n") == 1, said
    assert states(any_database) == ["cancelled"]
    with open_store(any_database) as store:
        assert store.query("SELECT * FROM documents") == store.query("SELECT * FROM run_lock") == []
    following = start(*arguments)
    said = following.communicate(timeout=120)[1]
    assert following.returncode == 0, said
    assert states(any_database) == ["cancelled", "published"]


def test_a_batch_older_than_what_is_served_is_refused_for_those_registers(
    tmp_path: Path, any_database: str
) -> None:
    bank = Bank(tmp_path, any_database)
    bank.run(natural_person("F1", A), natural_person("F2", B), day="2026-11-20")
    bank.run(natural_person("F1", A, produtos=OTHER), natural_person("F3", C), kind="delta", day="2026-11-22")
    before = bank.served(PF)
    late = bank.run(
        natural_person("F1", A), natural_person("F2", B, produtos=OTHER), kind="delta", day="2026-11-21"
    )
    assert (
        late.tallies[PI].excluded
        == late.tallies[PQ].excluded
        == late.tallies[PF].excluded
        == {"stale-batch": 1}
    )
    assert bank.served(PF)["F1"] == before["F1"]
    assert bank.served(PF)["F2"] != before["F2"]
    full = bank.run(
        natural_person("F2", B, produtos=OTHER), day="2026-11-21", generated_at="2026-11-21T23:30:00-03:00"
    )
    assert all(tally.withdrawn == 0 for tally in full.tallies.values())
    assert set(bank.served(PI)) == {"F1", "F2", "F3"}
    assert set(bank.availability().values()) == {"AVAILABLE"}


def test_a_batch_older_than_a_full_one_changes_nothing_unless_replayed(bank: Bank) -> None:
    bank.run(natural_person("F1", A), natural_person("F2", B), day="2026-11-22")
    old = write_export(bank.folder / "old", natural_person("F1", A, produtos=OTHER), day="2026-11-21")
    before = bank.served(PF)
    report = run_job(Job(CORE, old, bank.url, SECRET))
    assert report.state == "published"
    assert report.tallies[PI].excluded == {"stale-batch": 1}
    assert all(tally.withdrawn == 0 for tally in report.tallies.values())
    assert bank.served(PF) == before
    assert set(bank.availability().values()) == {"AVAILABLE"}
    replayed = run_job(Job(CORE, old, bank.url, SECRET, replay=True))
    assert replayed.tallies[PF].published_changed == replayed.tallies[PF].withdrawn == 1
    assert set(bank.served(PF)) == {"F1"}


def test_equal_is_not_older_and_generated_at_decides_within_a_day(bank: Bank) -> None:
    bank.run(natural_person("F1", A), day="2026-11-20", generated_at="2026-11-20T12:00:00-03:00")
    changed = natural_person("F1", A, produtos=OTHER)
    same_time = bank.run(changed, day="2026-11-20", generated_at="2026-11-20T15:00:00Z")
    assert same_time.tallies[PF].published_changed == 1
    earlier = bank.run(natural_person("F1", A), day="2026-11-20", generated_at="2026-11-20T14:59:59Z")
    assert earlier.tallies[PF].excluded == {"stale-batch": 1}


def dump(url: str) -> dict[str, Any]:
    tables = (
        "documents",
        "runs",
        "run_counts",
        "findings",
        "rule_results",
        "customer_states",
        "fingerprints",
        "forgotten",
        "retired",
    )
    with open_store(url) as store:
        return {table: store.query(f"SELECT * FROM {table}") for table in tables}


def test_a_plan_has_the_figures_of_the_run_and_writes_nothing(tmp_path: Path, any_database: str) -> None:
    bank = Bank(tmp_path, any_database)
    bank.run(natural_person("F1", A), natural_person("F2", B))
    folder = write_export(
        tmp_path / "next",
        natural_person("F1", A, produtos=[{"cod_produto": "02"}, {"cod_produto": "06"}], emails={}),
        natural_person("F3", C),
        day="2026-11-21",
    )
    before = dump(any_database)
    process = start("run", "--export", str(folder), "--database", any_database, "--dry-run", "--json")
    told, said = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert dump(any_database) == before
    plan = json.loads(told)
    report = run_job(Job(CORE, folder, any_database, SECRET))
    assert plan["state"] == "planned"
    for name in NAMES:
        tally = report.tallies[name]
        assert plan["structures"][name]["published_changed"] == tally.published_changed
        assert plan["structures"][name]["published_new"] == tally.published_new
        assert plan["structures"][name]["withdrawn"] == tally.withdrawn
    found = {
        (row["structure"], row["xpath"], row["difference"]): row for row in plan["differences"]["xpaths"]
    }
    assert found[PI, "/data/contacts/emails/email", "added"]["shapes"] == ["AAA@AAAAAAA.AAA"]
    assert (PF, "/data/productsServicesType", "added") in found
    assert plan["differences"]["changed_documents"] == plan["differences"]["compared_documents"] == 2
    assert A not in told


def test_a_plan_makes_no_database(tmp_path: Path, sqlite_url: str) -> None:
    folder = write_export(tmp_path / "export", natural_person("F1", A))
    report = run_job(Job(CORE, folder, sqlite_url, SECRET, rehearse=True))
    assert report.tallies[PI].published_new == 1
    assert not (tmp_path / "cadastra.db").exists()
