"""One export after the other: what is served, kept, withdrawn and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from customers.errors import ExportRefused
from flows.pipeline import Job, Run
from tests.bank import BF, BI, BQ, CORE, NAMES, PF, PI, PQ, SECRET, Bank
from tests.exports import Register, change_control, company, cpf, natural_person, rows, write_export

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settling import Tally

ANA, BIA = cpf(1), cpf(2)
BAD: dict[str, Any] = {
    "pessoas_fisicas": {"dt_nascimento": "31/02/1990"},
    "qualificacoes_pf": {"cnpj_empresa": "x"},
    "produtos": {"cod_produto": "77"},
}


@pytest.fixture
def bank(tmp_path: Path, sqlite_url: str) -> Bank:
    return Bank(tmp_path, sqlite_url)


def tally(found: Tally) -> dict[str, Any]:
    """Return the counts that are not zero."""
    names = (
        "read",
        "published_new",
        "published_changed",
        "unchanged",
        "rejected_stale",
        "rejected_unserved",
        "withdrawn",
    )
    counts = {name: getattr(found, name) for name in names}
    return {name: count for name, count in counts.items() if count} | {
        reason: count for reason, count in found.excluded.items() if count
    }


def person(key: str, tax_id: str = ANA, **tables: Any) -> Register:  # noqa: ANN401 (of natural_person)
    return natural_person(key, tax_id, **tables)


def closed(key: str, tax_id: str = ANA) -> Register:
    return person(key, tax_id, clientes={"situacao": "E"})


# Full exports.


def test_the_same_batch_again_is_a_new_run_and_changes_nothing(tmp_path: Path, any_database: str) -> None:
    bank = Bank(tmp_path, any_database, bucket_size=2)
    registers = [person("F1"), person("F2"), person("F3", BIA), company()]
    first = bank.run(*registers, day="2026-11-20")
    before = bank.query("SELECT * FROM served ORDER BY document_id")
    second = bank.run(*registers, day="2026-11-20")
    assert tally(first.tallies[PI]) == {"read": 3, "published_new": 3}
    assert tally(first.tallies[PF]) == {"read": 3, "published_new": 2, "merged": 1}
    assert tally(second.tallies[PI]) == {"read": 3, "unchanged": 3}
    assert tally(second.tallies[PF]) == {"read": 3, "unchanged": 2, "merged": 1}
    assert bank.query("SELECT * FROM served ORDER BY document_id") == before
    assert [row["state"] for row in bank.query("SELECT state FROM runs")] == ["published", "published"]


def test_who_is_not_in_a_full_export_has_left(tmp_path: Path, any_database: str) -> None:
    bank = Bank(tmp_path, any_database)
    bank.run(person("F1"), person("F2", BIA), company())
    report = bank.run(person("F2", BIA))
    assert {name: set(bank.served(name)) for name in NAMES} == {
        PI: {"F2"}, BI: set(), PQ: {"F2"}, BQ: set(), PF: {"F2"}, BF: set(),
    }  # fmt: skip
    assert tally(report.tallies[PI]) == {"read": 1, "unchanged": 1, "withdrawn": 1}
    assert bank.availability()[ANA] == "UNAVAILABLE"
    history = bank.query(f"SELECT valid_to FROM history WHERE structure = '{PI}'")
    assert sorted(row["valid_to"] is None for row in history) == [False, True]


def test_who_comes_back_is_served_again_without_being_stored_again(bank: Bank) -> None:
    bank.run(person("F1"), company())
    bank.run(company())
    report = bank.run(person("F1"), company())
    assert tally(report.tallies[PI]) == {"read": 1, "published_new": 1}
    assert set(bank.served(PI)) == {"F1"}
    assert bank.query(f"SELECT COUNT(*) AS n FROM documents WHERE structure = '{PI}'") == [{"n": 1}]
    assert bank.availability()[ANA] == "AVAILABLE"


def test_a_refused_document_leaves_the_last_good_one_stale_until_it_recovers(
    tmp_path: Path, any_database: str
) -> None:
    bank = Bank(tmp_path, any_database)
    bank.run(person("F1"), company())
    good = {name: bank.served(name) for name in (PI, PQ, PF)}
    second = bank.run(person("F1", **BAD), person("F2", BIA, **BAD), company())
    assert all(
        tally(second.tallies[name]) == {"read": 2, "rejected_stale": 1, "rejected_unserved": 1}
        for name in good
    )
    since = bank.query(f"SELECT stale_since FROM {PI}")
    bank.run(person("F1", **BAD), company())
    assert bank.query(f"SELECT stale_since FROM {PI}") == since
    assert {name: bank.served(name) for name in good} == good
    assert bank.stale(PI) == bank.stale(PQ) == bank.stale(PF) == {"F1"}
    bank.run(person("F1", produtos={"cod_produto": "05"}), company())
    assert bank.stale(PI) == bank.stale(PQ) == bank.stale(PF) == set()
    assert bank.served(PF)["F1"]["productsServicesType"] == ["OPERACAO_CREDITO"]


def test_a_qualification_whose_rows_vanished_is_withdrawn(bank: Bank) -> None:
    bank.run(person("F1"), person("F2"), company())
    report = bank.run(
        person("F1", qualificacoes_pf=None),
        person("F2", qualificacoes_pf=None),
        company(qualificacoes_pj=None),
    )
    assert bank.served(PQ) == bank.served(BQ) == {}
    assert tally(report.tallies[PQ]) == {"read": 2, "merged": 1, "no-source": 1, "withdrawn": 1}
    assert tally(report.tallies[BQ]) == {"read": 1, "no-source": 1, "withdrawn": 1}


def test_a_person_whose_registers_all_closed_keeps_the_last_relation(bank: Bank) -> None:
    bank.run(person("F1"), person("F2"))
    report = bank.run(closed("F1"), closed("F2"))
    assert tally(report.tallies[PF]) == {"read": 2, "merged": 1, "closed": 1}
    assert set(bank.served(PF)) == {"F1"}
    assert bank.stale(PF) == set()
    assert bank.availability() == {ANA: "UNAVAILABLE"}


def test_the_last_relation_is_kept_also_when_another_register_leads_now(bank: Bank) -> None:
    bank.run(person("F5"))
    report = bank.run(closed("F5"), closed("F1"))
    assert tally(report.tallies[PF]) == {"read": 2, "merged": 1, "closed": 1}
    assert set(bank.served(PF)) == {"F5"}


def test_the_last_relation_stays_stale_when_another_register_leads_and_is_refused(bank: Bank) -> None:
    bank.run(person("F5"))
    report = bank.run(person("F5"), person("F1", produtos={"cod_produto": "77"}))
    assert tally(report.tallies[PF]) == {"read": 2, "merged": 1, "rejected_stale": 1}
    assert set(bank.served(PF)) == bank.stale(PF) == {"F5"}
    bank.run(person("F5"), person("F1"))
    assert set(bank.served(PF)) == {"F1"}
    assert bank.stale(PF) == set()


def test_a_customer_whose_kind_cannot_be_read_any_more_has_not_left(bank: Bank) -> None:
    bank.run(person("F1"), person("F2", BIA), person("F3", BIA))
    unknown: dict[str, Any] = {"clientes": {"tipo_pessoa": "X"}}
    report = bank.run(person("F1", **unknown), person("F2", BIA, **unknown), person("F3", BIA))
    assert set(bank.served(PI)) == {"F1", "F2", "F3"}
    assert bank.stale(PI) == {"F1", "F2"}
    assert set(bank.served(PF)) == bank.stale(PF) == {"F1", "F2"}
    assert tally(report.tallies[PF]) == {"read": 1, "sibling-missing": 1}
    assert bank.availability() == {ANA: "AVAILABLE", BIA: "AVAILABLE"}


def test_one_customer_only_and_nobody_at_all(bank: Bank) -> None:
    bank.run(person("F1"))
    report = bank.run(absent=["clientes"])
    assert all(bank.served(name) == {} for name in NAMES)
    assert tally(report.tallies[PI]) == {"withdrawn": 1}
    bank.run(person("F1"))
    bank.run()
    assert all(bank.served(name) == {} for name in NAMES)


STATES = {
    "A": "AVAILABLE",
    "B": "TEMPORARILY_UNAVAILABLE",
    "E": "UNAVAILABLE",
    "BA": "AVAILABLE",
    "EB": "TEMPORARILY_UNAVAILABLE",
    "EA": "AVAILABLE",
    "EZ": "TEMPORARILY_UNAVAILABLE",
    "EBA": "AVAILABLE",
}


def test_a_person_is_as_available_as_the_best_register(bank: Bank) -> None:
    tax_ids = {states: cpf(number) for number, states in enumerate(STATES, 1)}
    bank.run(
        *(
            person(f"{states}{place}", tax_id, clientes={"situacao": state})
            for states, tax_id in tax_ids.items()
            for place, state in enumerate(states)
        )
    )
    assert bank.availability() == {tax_ids[states]: told for states, told in STATES.items()}


# Deltas.


def test_a_delta_touches_only_who_is_in_it(tmp_path: Path, any_database: str) -> None:
    bank = Bank(tmp_path, any_database)
    bank.run(person("F1"), person("F2", BIA), company())
    report = bank.run(person("F2", BIA, produtos={"cod_produto": "05"}), kind="delta")
    assert tally(report.tallies[PF]) == {"read": 1, "published_changed": 1}
    assert tally(report.tallies[PI]) == {"read": 1, "unchanged": 1}
    assert tally(report.tallies[BI]) == {}
    assert {name: len(bank.served(name)) for name in NAMES} == {PI: 2, BI: 1, PQ: 2, BQ: 1, PF: 2, BF: 1}
    assert bank.availability()[ANA] == "AVAILABLE"


@pytest.mark.parametrize("sent", ["F1", "F2"])
def test_where_a_register_is_missing_from_a_delta_nothing_is_united_anew(bank: Bank, sent: str) -> None:
    bank.run(person("F1"), person("F2", produtos={"cod_produto": "05"}))
    united = {name: bank.served(name) for name in (PQ, PF)}
    report = bank.run(
        person(sent, produtos={"cod_produto": "08"}, pessoas_fisicas={"nome_social": "Aninha"}), kind="delta"
    )
    assert tally(report.tallies[PI]) == {"read": 1, "published_changed": 1}
    assert tally(report.tallies[PQ]) == tally(report.tallies[PF]) == {"read": 1, "sibling-missing": 1}
    assert {name: bank.served(name) for name in united} == united
    assert bank.stale(PF) == set()


def test_what_a_missing_register_may_have_is_not_withdrawn(bank: Bank) -> None:
    bank.run(person("F1", qualificacoes_pf=None), person("F2"))
    report = bank.run(person("F1", qualificacoes_pf=None), kind="delta")
    assert set(bank.served(PQ)) == {"F1"}
    assert tally(report.tallies[PQ]) == {"read": 1, "sibling-missing": 1}
    bank.run(closed("F1"), kind="delta")
    assert set(bank.served(PF)) == {"F1"}
    assert bank.availability() == {ANA: "AVAILABLE"}


def test_a_new_register_beside_a_missing_one_leaves_the_united_documents(bank: Bank) -> None:
    bank.run(person("F2"), person("F3"))
    bank.run(person("F1"), person("F2"), kind="delta")
    assert set(bank.served(PI)) == {"F1", "F2", "F3"}
    assert set(bank.served(PQ)) == set(bank.served(PF)) == {"F2"}


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_a_smaller_core_key_takes_the_person_over(bank: Bank, kind: str) -> None:
    bank.run(person("F5"))
    report = bank.run(person("F1"), person("F5"), kind=kind)
    assert set(bank.served(PQ)) == set(bank.served(PF)) == {"F1"}
    assert tally(report.tallies[PF]) == {"read": 2, "merged": 1, "published_new": 1, "withdrawn": 1}
    assert set(bank.served(PI)) == {"F1", "F5"}


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_a_register_that_changes_its_tax_id_is_served_under_the_new_one(bank: Bank, kind: str) -> None:
    bank.run(person("F1"))
    bank.run(person("F1", BIA), kind=kind)
    for name in (PI, PQ, PF):
        (row,) = bank.query(f"SELECT core_key, tax_id FROM {name}")
        assert row == {"core_key": "F1", "tax_id": BIA}
    assert bank.availability() == {ANA: "UNAVAILABLE", BIA: "AVAILABLE"}


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_a_register_that_joins_another_person_leads_no_more(bank: Bank, kind: str) -> None:
    bank.run(person("F1", BIA), person("F5"))
    bank.run(person("F1", BIA), person("F5", BIA), kind=kind)
    assert set(bank.served(PQ)) == set(bank.served(PF)) == {"F1"}
    assert set(bank.served(PI)) == {"F1", "F5"}
    assert bank.availability() == {ANA: "UNAVAILABLE", BIA: "AVAILABLE"}


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_a_person_who_gets_a_tax_id_is_another_person(bank: Bank, kind: str) -> None:
    bank.run(person("F1", ""))
    bank.run(person("F1"), kind=kind)
    assert bank.availability() == {None: "UNAVAILABLE", ANA: "AVAILABLE"}


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_a_register_of_another_kind_of_person_is_not_served_as_both(bank: Bank, kind: str) -> None:
    bank.run(person("K1"))
    bank.run(company("K1"), kind=kind)
    assert {name: set(bank.served(name)) for name in NAMES} == {
        PI: set(), BI: {"K1"}, PQ: set(), BQ: {"K1"}, PF: set(), BF: {"K1"},
    }  # fmt: skip


def test_a_delta_refuses_and_recovers_like_a_full_export(bank: Bank) -> None:
    bank.run(person("F1"), person("F2", BIA))
    report = bank.run(person("F1", **BAD), kind="delta")
    assert tally(report.tallies[PF]) == {"read": 1, "rejected_stale": 1}
    assert bank.stale(PF) == {"F1"}
    bank.run(person("F1"), kind="delta")
    assert bank.stale(PF) == set()


def test_an_empty_delta_changes_nothing(bank: Bank) -> None:
    bank.run(person("F1"), company())
    before = bank.query("SELECT * FROM served ORDER BY document_id")
    bank.run(kind="delta")
    bank.run(kind="delta", absent=["clientes"])
    assert bank.query("SELECT * FROM served ORDER BY document_id") == before
    assert bank.availability()[ANA] == "AVAILABLE"


def test_rows_without_a_customer_do_not_withdraw_anybody_in_a_delta(bank: Bank) -> None:
    bank.run(person("F1"))
    report = bank.run(rows("emails", {"cod_cliente": "F1", "email": "x@example.com"}), kind="delta")
    assert report.orphans == {"emails.csv": 1}
    assert set(bank.served(PI)) == {"F1"}


# Exports that are refused.


def test_a_refused_export_records_no_run_and_touches_nothing(tmp_path: Path, any_database: str) -> None:
    bank = Bank(tmp_path, any_database)
    bank.run(person("F1"))
    folder = write_export(tmp_path / "refused", company())
    change_control(folder, lambda said: said["tables"]["clientes"].update(rows=2))
    run = Run(Job(core=CORE, export=folder, database_url=any_database, secret=SECRET))
    with pytest.raises(ExportRefused, match=r"clientes\.csv: 1 rows, _controle\.json says 2"):
        run.extract()
    assert len(bank.query("SELECT * FROM runs")) == 1
    assert set(bank.served(PI)) == {"F1"}


# The real world's dirt.


def test_parquet_publishes_the_same_bytes_as_csv(bank: Bank) -> None:
    registers = [person("F1", emails={}, telefones={}, enderecos={}), company(socios={}, contas={})]
    bank.run(*registers, file_format="csv")
    report = bank.run(*registers, file_format="parquet")
    assert [tally(report.tallies[name]) for name in NAMES] == [{"read": 1, "unchanged": 1}] * 6


def test_buckets_of_any_size_publish_the_same_bytes(tmp_path: Path, sqlite_url: str) -> None:
    registers = [person(f"F{number}", cpf(number // 2)) for number in range(2, 7)]
    Bank(tmp_path / "1", sqlite_url).run(*registers)
    for size in (1, 2):
        report = Bank(tmp_path / f"size-{size}", sqlite_url, bucket_size=size).run(*registers)
        assert tally(report.tallies[PI]) == {"read": 5, "unchanged": 5}
        assert tally(report.tallies[PF]) == {"read": 5, "merged": 2, "unchanged": 3}


def test_the_mark_of_the_unread_in_an_export_refuses_what_holds_it(bank: Bank) -> None:
    report = bank.run(
        person(
            "F1",
            pessoas_fisicas={"nome_civil": "\ufdd0Ana"},
            qualificacoes_pf={"ocupacao": "a\ufdd0", "cod_ocupacao": "O"},
        ),
        person("F2", "\ufdd0" + BIA, emails={"email": "\ufdd0"}),
        file_format="parquet",
    )
    found = {
        (row["structure"], row["occurrence"], row["rule"]) for row in bank.findings(report, severity="reject")
    }
    assert found == {
        (PI, "$.civilName", "X-UNMAPPED"),
        (PQ, "$.occupationDescription", "X-UNMAPPED"),
        (PI, "$.documents.cpfNumber", "S-pattern:/data/documents/cpfNumber"),
        (PI, "$.contacts.emails[0].email", "X-UNMAPPED"),
    }
    assert set(bank.served(PI)) == set()
    assert bank.availability() == {ANA: "AVAILABLE", None: "AVAILABLE"}


def test_a_nul_in_an_export_refuses_what_holds_it_and_not_the_night(bank: Bank) -> None:
    report = bank.run(
        person("F1", "1234\0"),
        person("F2", BIA, filiacao={"nome_civil": "a\0b"}),
        person("F\0", cpf(3)),
        person("F4", cpf(4)),
    )
    assert set(bank.served(PI)) == {"F4"}
    assert report.orphans == {
        f"{table}.csv": 1
        for table in ("clientes", "empresas_cadastro", "pessoas_fisicas", "produtos", "qualificacoes_pf")
    }
