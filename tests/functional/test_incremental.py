"""Only what changed is worked on, and what is skipped is counted as if it had been: on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from flows.nightly import run_job
from flows.pipeline import Job, Run
from flows.undo import erase_person
from flows.working import work
from mappings.cores.reference.sample import write_sample
from sql.lock import hold
from sql.rollback import rollback
from sql.store import open_store
from tests.bank import BF, CORE, NAMES, PF, PI, PQ, SECRET, Bank
from tests.exports import company, cpf, natural_person, write_export

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline import Report

A, B = cpf(100000001), cpf(100000002)


def counts(report: Report) -> dict[str, Any]:
    """Return all that became of the registers, but for who was not judged again."""
    return {name: {**asdict(tally), "skipped": 0} for name, tally in report.tallies.items()}


def run_again(bank: Bank, folder: Path, **options: Any) -> Report:  # noqa: ANN401 (of Job)
    return run_job(Job(CORE, folder, bank.url, SECRET, thresholds=None, **options))


@pytest.fixture
def bank(tmp_path: Path, any_database: str) -> Bank:
    return Bank(tmp_path, any_database)


def test_counts_and_findings_are_those_of_a_full_rework(tmp_path: Path, any_database: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_sample(first, customers=400, seed=5, bad=0.1, date=date(2026, 11, 20))
    write_sample(second, customers=100, seed=5, date=date(2026, 11, 21), delta_of=first, changed=0.1)
    bank = Bank(tmp_path, any_database)
    run_again(bank, first)
    for folder in (first, second, second):
        skipping = run_again(bank, folder, rehearse=True)
        remapping = run_again(bank, folder, rehearse=True, full_remap=True)
        assert counts(skipping) == counts(remapping)
        assert skipping.rules == remapping.rules
        assert remapping.skipped == 0
        assert sum(tally.skipped for tally in remapping.tallies.values()) == 0
        assert all(tally.skipped <= tally.unchanged for tally in skipping.tallies.values())
        published = run_again(bank, folder)
        assert counts(published) == counts(skipping)
        assert published.skipped == skipping.skipped
    assert published.skipped > 0


def test_who_is_unchanged_is_skipped_and_who_was_refused_is_tried_again(bank: Bank) -> None:
    good, bad = natural_person("F1", A), natural_person("F2", B, pessoas_fisicas={"sexo": "?"})
    first = bank.run(good, bad)
    assert (first.skipped, first.rejected) == (0, 1)
    again = bank.run(good, bad)
    assert (again.skipped, again.rejected) == (1, 1)
    assert len(bank.findings(again)) == len(bank.findings(first))
    assert bank.run(good, natural_person("F2", B)).skipped == 1


def test_one_register_of_a_shared_tax_id_remakes_the_person(bank: Bank) -> None:
    first, second = natural_person("F1", A), natural_person("F2", A)
    bank.run(first, second, natural_person("F3", B))
    changed = natural_person("F2", A, produtos={"cod_produto": "02"})
    report = bank.run(first, changed, natural_person("F3", B))
    assert report.skipped == 1
    assert len(bank.served(PF)["F1"]["productsServicesType"]) == 2
    left = bank.run(first, natural_person("F3", B))
    assert left.skipped == 1
    assert left.tallies[PI].withdrawn == 1
    assert len(bank.served(PF)["F1"]["productsServicesType"]) == 1


def test_reasons_and_availability_are_remembered(bank: Bank) -> None:
    registers = (
        natural_person("F1", A, clientes={"situacao": "E"}),
        natural_person("F2", B, qualificacoes_pf=None, clientes={"situacao": "B"}),
        company("J1", clientes={"situacao": "E"}),
    )
    first = bank.run(*registers)
    states = bank.availability()
    again = bank.run(*registers)
    assert again.skipped == 3
    assert again.tallies[PF].excluded == first.tallies[PF].excluded == {"closed": 1}
    assert again.tallies[PQ].excluded == first.tallies[PQ].excluded == {"no-source": 1}
    assert again.tallies[BF].excluded == {"closed": 1}
    assert again.tallies[PQ].unchanged == 1
    assert bank.availability() == states


def test_a_portability_that_ends_remakes_the_person(bank: Bank) -> None:
    leaving = natural_person("F1", A, portabilidades={"dt_aprovacao": "21/11/2021"})
    staying = natural_person("F2", B, portabilidades={"dt_aprovacao": "01/02/2024"})
    bank.run(leaving, staying, day="2026-11-20")
    assert bank.run(leaving, staying, day="2026-11-21").skipped == 2
    late = bank.run(leaving, staying, day="2026-11-22")
    assert late.skipped == 1
    assert late.tallies[PF].published_changed == 1
    assert "portabilitiesReceived" not in bank.served(PF)["F1"]
    assert bank.run(leaving, staying, day="2026-11-23").skipped == 2


def test_another_version_of_the_rules_or_the_order_of_rows_counts(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    emails = [{"email": "a@example.com"}, {"email": "b@example.com", "ind_principal": "N"}]
    bank.run(natural_person("F1", A, emails=emails))
    assert bank.run(natural_person("F1", A, emails=emails[::-1])).skipped == 0
    assert bank.run(natural_person("F1", A, emails=emails[::-1])).skipped == 1
    monkeypatch.setattr("flows.memory.rules_version", lambda: "other rules")
    assert bank.run(natural_person("F1", A, emails=emails[::-1])).skipped == 0


def test_a_rollback_is_not_taken_for_what_was_remembered(bank: Bank) -> None:
    old, new = natural_person("F1", A), natural_person("F1", A, produtos={"cod_produto": "02"})
    bank.run(old)
    changed = bank.run(new)
    with open_store(bank.url) as store, hold(store, "undo"):
        rollback(store, "undo", changed.run_id)
    report = bank.run(new)
    assert (report.skipped, report.tallies[PF].published_changed) == (0, 1)
    with open_store(bank.url) as store, hold(store, "undo-2"):
        rollback(store, "undo-2", report.run_id)
    with open_store(bank.url) as store, hold(store, "undo-3"):
        rollback(store, "undo-3", "undo-2")
    back = bank.run(old)
    assert (back.skipped, back.tallies[PF].published_changed) == (0, 1)


def test_who_comes_back_is_served_again_and_a_stale_mark_ends(bank: Bank) -> None:
    register, other = natural_person("F1", A), natural_person("F2", B)
    bank.run(register, other)
    bank.run(other)
    back = bank.run(register, other)
    assert (back.skipped, back.tallies[PI].published_new) == (1, 1)
    bank.run(natural_person("F1", A, pessoas_fisicas={"sexo": "?"}), other)
    assert bank.stale(PI) == {"F1"}
    assert bank.run(register, other).skipped == 1
    assert bank.stale(PI) == set()


def test_the_erased_are_excluded_by_name(bank: Bank) -> None:
    bank.run(natural_person("F1", A), natural_person("F2", B))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CADASTRA_SECRET", SECRET)
        erase_person(bank.url, A, [], as_json=True)
    report = bank.run(natural_person("F1", A), natural_person("F2", B))
    assert report.skipped == 1
    assert report.tallies[PI].excluded == report.tallies[PQ].excluded == {"erased": 1}
    assert set(bank.served(PI)) == {"F2"}
    assert set(bank.availability()) == {B}
    assert all(A not in str(row) for row in bank.query("SELECT * FROM fingerprints"))


def test_a_failed_run_is_not_remembered(bank: Bank, tmp_path: Path) -> None:
    bank.run(natural_person("F1", A))
    changed = write_export(
        tmp_path / "changed", natural_person("F1", A, produtos={"cod_produto": "02"}), day="2026-11-21"
    )
    run = Run(Job(CORE, changed, bank.url, SECRET))
    run.extract()
    with open_store(bank.url) as store:
        run_seq = store.begin_run(run._start())  # noqa: SLF001 (there is no other way to end before the flip)
        work(run.job, store, run_seq, run.extracted, run.watch)
        store.finish_run(run_seq, "failed", "2026-11-21T02:00:00Z", {})
    assert bank.query("SELECT COUNT(*) AS n FROM fingerprints") == [{"n": 1}]
    report = run_again(bank, changed)
    assert (report.skipped, report.tallies[PF].published_changed) == (0, 1)
    assert {name for name in NAMES if report.tallies[name].read} == {PI, PQ, PF}
