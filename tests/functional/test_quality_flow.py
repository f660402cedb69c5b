"""What is served is judged again by the present rules, and nothing of it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from sqlalchemy import text

from customers.pseudonyms import customer_refs
from flows.cli import main
from flows.quality import judge_served
from sql.store import open_store
from tests.bank import NAMES, PI, SECRET, Bank
from tests.exports import company, cpf, natural_person

if TYPE_CHECKING:
    from pathlib import Path

    from flows.quality import Judgement


@pytest.fixture
def bank(tmp_path: Path, any_database: str) -> Bank:
    """Return a bank that serves two persons and a company."""
    made = Bank(tmp_path, any_database)
    made.run(natural_person(), natural_person("F2", cpf(100000002)), company())
    return made


def judge(bank: Bank, *, force: bool = False) -> Judgement:
    return judge_served(database=bank.url, force=force, tell=lambda _told: None)


def served(bank: Bank) -> list[dict[str, object]]:
    with open_store(bank.url) as store:
        return [
            row
            for name in NAMES
            for row in store.query(f"SELECT * FROM {name} ORDER BY core_key, customer_id")
        ]


def spoil(bank: Bank) -> None:
    """Let one served document lack what it must have."""
    with open_store(bank.url) as store, store.engine.begin() as connection:
        statement = f"""UPDATE documents SET document = replace(document, '"brandName":', '"brandNam":')
                        WHERE structure = '{PI}' AND core_key = 'F2'"""
        connection.execute(text(statement))


def test_a_served_document_that_breaks_a_rule_is_named_and_stays_served(bank: Bank) -> None:
    spoil(bank)
    before = served(bank)
    judgement = judge(bank)
    assert judgement.structures[PI] == {"judged": 2, "refused": 1}
    assert judgement.refused == 1
    assert sum(counts["judged"] for counts in judgement.structures.values()) == len(before)
    assert served(bank) == before
    with open_store(bank.url) as store:
        run = store.runs(1)[0]
        found = store.query("SELECT * FROM findings WHERE run_id = :run", {"run": judgement.run_id})
        results = store.query("SELECT * FROM rule_results WHERE run_id = :run", {"run": judgement.run_id})
    assert (run["flow"], run["kind"], run["state"]) == ("quality", "quality", "judged")
    wanted = {("S-required:/data/brandName", "$.brandName"), ("unknown-property", "$.brandNam")}
    refused = {(row["rule"], row["occurrence"]) for row in found if row["severity"] == "reject"}
    assert refused <= wanted
    assert ("S-required:/data/brandName", "$.brandName") in refused
    assert {row["customer_ref"] for row in found} == set(customer_refs(pa.array(["F2"]), SECRET).to_pylist())
    assert all((row["applied"], row["passed"], row["failed"]) == (2, 1, 1) for row in results)


def test_the_same_rules_judge_once_unless_forced(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judge(bank)
    assert (first.state, first.refused, first.rules) == ("judged", 0, [])
    assert judge(bank).state == "skipped"
    assert judge(bank, force=True).state == "judged"
    monkeypatch.setattr("flows.quality.rules_version", lambda: "other rules")
    assert judge(bank).state == "judged"


def test_a_judgement_leaves_a_held_run_to_be_released(bank: Bank) -> None:
    judge(bank)
    with open_store(bank.url) as store:
        assert len(store.query("SELECT run_seq FROM publications")) == 1


def test_the_verb_exits_with_1_where_a_document_would_be_refused(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(bank)
    monkeypatch.setattr("sys.argv", ["cadastra", "quality", "--database", bank.url])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "1 documents would be refused now" in capsys.readouterr().err
