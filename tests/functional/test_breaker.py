"""The circuit breaker holds what is far from usual, small counts never, and a person may release it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from customers.errors import UsageError
from customers.findings import RULE_RESULTS_SCHEMA
from flows.breaker import Finished, Thresholds, breaches
from flows.cli import main
from flows.nightly import run_job
from flows.pipeline import Job
from flows.settling import Tally
from sql.ledger import RunCount, RunStart
from sql.lock import hold
from sql.purge import purge
from sql.release import release
from sql.store import Store, open_store
from tests.bank import CORE, PI, SECRET, Bank
from tests.exports import cpf, natural_person, write_export

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flows.pipeline import Report
    from tests.exports import Register

STRICT = Thresholds(least=2)
RULE = {"structure": PI, "xpath": "/data/sex", "rule": "S-enum:/data/sex", "severity": "reject"}


def people(*numbers: int) -> list[Register]:
    return [natural_person(f"F{number}", cpf(100000000 + number)) for number in numbers]


class Strict(Bank):
    """A bank whose breaker judges the smallest counts."""

    def run_strictly(self, name: str, registers: Sequence[Register], day: str) -> Report:
        """Run an export of these registers."""
        folder = write_export(self.folder / name, *registers, day=day)
        return run_job(Job(CORE, folder, self.url, SECRET, thresholds=STRICT))


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    with open_store(sqlite_url) as opened:
        yield opened


def published(store: Store, *, read: int = 1_000, rejected: int = 0, failed: int = 0) -> None:
    start = RunStart("usual", "nightly", "reference", "full", "2026-11-20T01:00:00Z")
    run_seq = store.begin_run(start)
    store.write_run_counts(run_seq, [RunCount(PI, read, read - rejected, rejected_unserved=rejected)])
    row = {**RULE, "applied": read, "passed": read - failed, "failed": failed, "unknown": 0}
    store.write_rule_results(
        run_seq, RULE_RESULTS_SCHEMA.empty_table().from_pylist([row], RULE_RESULTS_SCHEMA)
    )
    store.publish(run_seq, finished_at="2026-11-20T02:00:00Z", counts={})


def judged(
    store: Store, tally: Tally, *, served: int = 1_000, failed: int = 0, kind: str = "full", halted: str = ""
) -> list[str]:
    row = {**RULE, "applied": tally.read, "passed": tally.read - failed, "failed": failed, "unknown": 0}
    results = RULE_RESULTS_SCHEMA.empty_table().from_pylist([row], RULE_RESULTS_SCHEMA)
    run = Finished(kind, {PI: tally}, {PI: served}, results, frozenset([halted] if halted else []))
    return breaches(store, run, Thresholds())


USUAL = Tally(1_000, unchanged=1_000)
LEAVING = Tally(1_000, unchanged=949, published_new=51)


def test_each_threshold_holds_past_it_and_not_at_it(store: Store) -> None:
    published(store, rejected=20)
    assert judged(store, USUAL) == []
    assert judged(store, replace(LEAVING, withdrawn=50)) == []
    (said,) = judged(store, replace(LEAVING, withdrawn=51))
    assert said == f"{PI}: withdrawn share is 5.10% (51 of 1,000), more than 5.00%"
    assert judged(store, Tally(1_000, unchanged=500, published_changed=500)) == []
    (said,) = judged(store, Tally(1_000, unchanged=499, published_changed=501))
    assert "changed share is 50.10%" in said
    assert judged(store, Tally(1_000, published_changed=1_000), kind="delta") == []
    assert judged(store, Tally(1_000, unchanged=880, rejected_stale=120)) == []
    (said,) = judged(store, Tally(1_000, unchanged=879, rejected_stale=121))
    assert "rejected share (usual 2.00%) is 12.10% (121 of 1,000), more than 12.00%" in said


def test_a_rule_past_its_usual_share_holds(store: Store) -> None:
    published(store, read=10_000, failed=300, rejected=300)
    assert judged(store, Tally(1_000, unchanged=1_000), failed=150) == []
    (said,) = judged(store, Tally(1_000, unchanged=1_000), failed=151)
    assert "S-enum:/data/sex at /data/sex is 15.10%" in said


def test_small_and_first_runs_are_not_held(store: Store) -> None:
    assert judged(store, Tally(1_000, published_new=260, rejected_unserved=740), served=0) == []
    (said,) = judged(store, Tally(1_000, published_new=249, rejected_unserved=751), served=0)
    assert "first publication" in said
    published(store)
    assert judged(store, Tally(99, rejected_stale=99, withdrawn=10)) == []
    assert judged(store, Tally(99, unchanged=99, withdrawn=900)) != []
    assert judged(store, Tally(8, rejected_unserved=8), served=8, failed=8) == []


def test_a_rule_of_severity_halt_holds_whatever_the_counts(store: Store) -> None:
    assert judged(store, Tally(1, published_new=1), served=0, halted="S-enum:/data/sex") != []


def test_a_held_run_is_stored_unseen_and_can_be_released(tmp_path: Path, any_database: str) -> None:
    bank = Strict(tmp_path, any_database)
    bank.run(*people(1, 2, 3, 4), day="2026-11-20")
    before = bank.served(PI)
    held = bank.run_strictly("half", people(1, 5), "2026-11-21")
    assert held.state == "held"
    assert f"{PI}: withdrawn share is 75.00% (3 of 4), more than 5.00%" in held.held
    assert bank.served(PI) == before
    assert bank.query("SELECT COUNT(*) AS n FROM customers") == [{"n": 4}]
    assert [row["state"] for row in bank.query("SELECT state FROM runs ORDER BY run_seq")] == [
        "published",
        "held",
    ]
    with open_store(any_database) as store, hold(store, "release"):
        done = release(store, "release", held.run_id, "two branches were sold")
    assert done.released == held.run_id
    assert set(bank.served(PI)) == {"F1", "F5"}
    rows = bank.query("SELECT kind, state FROM runs ORDER BY run_seq")
    assert [tuple(row.values()) for row in rows] == [
        ("full", "published"),
        ("full", "published"),
        ("release", "published"),
    ]
    again = bank.run_strictly("again", people(1, 5), "2026-11-22")
    assert (again.state, again.skipped) == ("published", 2)


def test_what_was_overtaken_cannot_be_released(tmp_path: Path, sqlite_url: str) -> None:
    bank = Strict(tmp_path, sqlite_url)
    first = bank.run(*people(1, 2, 3, 4), day="2026-11-20")
    held = bank.run_strictly("half", people(1), "2026-11-21")
    bank.run(*people(1, 2, 3, 4), day="2026-11-21", generated_at="2026-11-21T23:30:00-03:00")
    with open_store(sqlite_url) as store, hold(store, "release"):
        with pytest.raises(UsageError, match="published since"):
            release(store, "release", held.run_id, "no")
        with pytest.raises(UsageError, match="no held run"):
            release(store, "release", first.run_id, "no")
        done = purge(store, 30)
    assert done["documents"] == 0  # F1 is as it was
    assert done["retired"] > 0
    assert set(bank.served(PI)) == {"F1", "F2", "F3", "F4"}
    (run,) = bank.query("SELECT state, counts FROM runs WHERE run_id = :run_id", run_id=held.run_id)
    assert run["state"] == "cancelled"
    assert json.loads(run["counts"])["problem"] == "overtaken"
    assert (
        bank.query("SELECT 1 AS one FROM retired WHERE run_seq NOT IN (SELECT run_seq FROM publications)")
        == []
    )


def test_the_command_line_holds_releases_and_can_be_told_not_to(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CADASTRA_SECRET", SECRET)
    monkeypatch.setenv("CADASTRA_BREAKER_LEAST", "2")
    bank = Strict(tmp_path, sqlite_url)
    bank.run(*people(1, 2, 3, 4), day="2026-11-20")
    half = write_export(tmp_path / "half", *people(1, 2), day="2026-11-21")

    def cadastra(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["cadastra", *arguments, "--database", sqlite_url])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    assert cadastra("run", "--export", str(half), "--no-docs", "--quiet") == 3
    said = capsys.readouterr().err
    run_id = bank.query("SELECT run_id FROM runs WHERE state = 'held'")[0]["run_id"]
    assert f"{PI}: withdrawn share is 50.00% (2 of 4), more than 5.00%" in said
    assert f"cadastra release {run_id}" in said
    assert cadastra("release", run_id, "--reason", "seen and believed") == 0
    assert set(bank.served(PI)) == {"F1", "F2"}
    released = bank.query("SELECT run_id FROM runs WHERE kind = 'release'")[0]["run_id"]
    assert cadastra("rollback", released) == 0
    assert run_id in capsys.readouterr().err  # to undo a release is to undo the run that it published
    assert set(bank.served(PI)) == {"F1", "F2", "F3", "F4"}
    monkeypatch.setenv("CADASTRA_BREAKER", "off")
    one = write_export(tmp_path / "one", *people(1), day="2026-11-22")
    assert cadastra("run", "--export", str(one), "--no-docs", "--quiet") == 0
    assert set(bank.served(PI)) == {"F1"}
