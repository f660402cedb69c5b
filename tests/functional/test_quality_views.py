"""The views that dashboards read, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from customers.dictionary import effective_fields
from customers.findings import FINDINGS_SCHEMA, RULE_RESULTS_SCHEMA, occurrence
from customers.structures import STRUCTURES
from expectations.catalogue import catalogue
from sql.store import RunCount, Store, open_store
from tests.bank import PF, PI, PQ, Bank
from tests.exports import cpf, natural_person
from tests.functional.test_store import ANA, BIA, NAMES, VERSION, begun, documents, publish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Row = dict[str, object]


@pytest.fixture
def store(any_database: str) -> Iterator[Store]:
    with open_store(any_database) as opened:
        yield opened


def result(
    xpath: str, rule: str, applied: int, failed: int = 0, unknown: int = 0, severity: str = "reject"
) -> Row:
    passed = applied - failed - unknown
    counts = {"applied": applied, "passed": passed, "failed": failed, "unknown": unknown}
    return {"structure": NAMES[0], "xpath": xpath, "rule": rule, "severity": severity, **counts}


def finding(ref: str, rule: str, where: str = "$", shape: str | None = "A", severity: str = "reject") -> Row:
    source = {"shape": shape, "source_file": "clientes.csv", "source_line": 2}
    return {
        "structure": NAMES[0],
        "customer_ref": ref,
        "occurrence": where,
        "rule": rule,
        "severity": severity,
        **source,
    }


def judged(store: Store, day: int, results: Iterable[Row] = (), found: Iterable[Row] = ()) -> int:
    run_seq = begun(store, day)
    store.write_rule_results(run_seq, pa.Table.from_pylist(list(results), RULE_RESULTS_SCHEMA))
    store.write_findings(run_seq, pa.Table.from_pylist(list(found), FINDINGS_SCHEMA))
    return run_seq


def mark(store: Store, run_seq: int, customer: str, since: str | None, ref: str | None) -> None:
    row = {
        "structure": NAMES[0],
        "version": VERSION,
        "customer_id": customer,
        "since": since,
        "customer_ref": ref,
    }
    store.mark_stale(run_seq, pa.table({name: pa.array([value], pa.string()) for name, value in row.items()}))


def test_runs_are_summed_over_their_structures(store: Store) -> None:
    run_seq = begun(store, 1)
    counts = [
        RunCount(name, read=5, published_new=3, excluded=1, rejected_stale=1, withdrawn=2)
        for name in NAMES[:2]
    ]
    store.write_run_counts(run_seq, counts)
    publish(store, run_seq, 1)
    begun(store, 2)
    first, second = store.query("SELECT * FROM quality_runs ORDER BY run_seq")
    assert (first["run_id"], first["state"], first["published_at"]) == (
        "run-1",
        "published",
        "2026-11-01T02:00:00Z",
    )
    numbers = {
        "read": 10,
        "published_new": 6,
        "excluded": 2,
        "rejected_stale": 2,
        "withdrawn": 4,
        "unchanged": 0,
    }
    assert {name: first[name] for name in numbers} == numbers
    assert (second["state"], second["published_at"], second["read"]) == ("running", None, None)


def test_conformance_adds_up_the_rules_of_an_xpath(store: Store) -> None:
    sex = "/data/sex"
    judged(
        store,
        1,
        [
            result(sex, f"S-type:{sex}", 10),
            result(sex, f"S-enum:{sex}", 10, failed=2, unknown=1),
            result(sex, "A-X", 4, failed=1, severity="warn"),
            result("/data", "P-NOTHING", 0),
        ],
    )
    nothing, some = store.query("SELECT * FROM quality_conformance ORDER BY xpath")
    assert nothing["rate"] is None
    assert some == {
        "run_id": "run-1",
        "structure": NAMES[0],
        "xpath": sex,
        "applied": 24,
        "passed": 20,
        "failed": 3,
        "unknown": 1,
        "suspects": 1,
        "rate": pytest.approx(20 / 23),
        "judged": None,
        "skipped": None,
    }


def test_completeness_holds_a_property_against_the_object_around_it(store: Store) -> None:
    phones = "/data/contacts/phones"
    judged(
        store,
        1,
        [
            result("/data", "S-type:/data", 100),
            result("/data", "S-type:/data[]", 90),
            result("/data/contacts", "S-type:/data/contacts", 90),
            result(phones, f"S-type:{phones}", 80),
            result(phones, f"S-type:{phones}[]", 200),
            result(phones, f"S-required:{phones}", 90, failed=10),
            result(f"{phones}/type", f"S-type:{phones}/type", 150),
            result(f"{phones}/type", f"S-enum:{phones}/type", 150),
        ],
    )
    rows = store.query("SELECT * FROM quality_completeness ORDER BY xpath")
    assert [tuple(row.values())[2:7] for row in rows] == [
        ("/data/contacts", 0, 90, 90, 1.0),
        (phones, 1, 90, 80, pytest.approx(80 / 90)),
        (f"{phones}/type", 0, 200, 150, 0.75),
    ]


def test_completeness_knows_every_property_of_the_dictionary(store: Store) -> None:
    for day, structure in enumerate(STRUCTURES, start=1):
        rules = [result(rule.key.xpath, rule.key.rule, 7) for rule in catalogue(structure.name, VERSION)]
        judged(store, day, [{**rule, "structure": structure.name} for rule in rules])
        fields = {
            field.xpath: field
            for field in effective_fields(structure.name, VERSION)
            if field.xpath != "/data"
        }
        rows = store.query(
            "SELECT * FROM quality_completeness WHERE structure = :structure", {"structure": structure.name}
        )
        assert {row["xpath"]: row["required"] for row in rows} == {
            xpath: int(field.obligation == "required") for xpath, field in fields.items()
        }
        assert {(row["expected"], row["present"]) for row in rows} == {(7, 7)}


def test_top_rules_are_held_against_the_published_run_before(store: Store) -> None:
    for day, failures in ((1, (4, 0, 0)), (2, (9, 9, 9)), (3, (1, 6, 0))):
        rules = zip(("R-1", "R-2", "R-3"), failures, strict=True)
        results = [result("/data/sex", rule, 12, failed, unknown=2) for rule, failed in rules]
        results.append(result("/data/name", "R-2", 10, failed=1, severity="warn"))
        run_seq = judged(store, day, results)
        if day != 2:  # never published
            publish(store, run_seq, day)
    between = begun(store, 4)
    publish(store, between, 4)  # judged nothing, as a rollback
    columns = "place, rule, severity, failed, failed_before, change"
    shown = store.query(f"SELECT {columns} FROM quality_top_rules WHERE run_id = 'run-3' ORDER BY place")
    assert [tuple(row.values()) for row in shown] == [
        (1, "R-2", "reject", 7, 1, 6),
        (2, "R-1", "reject", 1, 4, -3),
    ]
    share = store.query("SELECT share, share_before, run_before FROM quality_top_rules WHERE rule = 'R-1'")
    assert [tuple(row.values()) for row in share] == [(0.4, None, None), (0.1, 0.4, "run-1")]


def test_the_quarantine_counts_stale_documents_by_rule_and_day(store: Store) -> None:
    first = begun(store, 1)
    store.write_documents(first, documents({ANA: "1", BIA: "1", "id-eva": "1", "id-dan": "1"}))
    publish(store, first, 1)
    refused = judged(
        store,
        2,
        found=[
            finding("r-ana", "R-1", "$.phones[0]"),
            finding("r-ana", "R-1", "$.phones[1]"),
            finding("r-ana", "R-2"),
            finding("r-ana", "A-X", severity="warn"),
            finding("r-bia", "R-1"),
            finding("r-dan", "R-1"),
            finding("r-unserved", "R-1"),
        ],
    )
    for customer, ref in (
        (ANA, "r-ana"),
        (BIA, "r-bia"),
        ("id-eva", None),
        ("id-dan", "r-dan"),
        ("id-zoe", "r-zoe"),
    ):
        mark(store, refused, customer, "2026-11-02T02:00:00Z", ref)
    publish(store, refused, 2)
    accepted = begun(store, 3)
    mark(store, accepted, "id-dan", None, "r-dan")
    publish(store, accepted, 3)
    rows = store.query("SELECT * FROM quality_quarantine ORDER BY COALESCE(rule, '')")
    assert [tuple(row.values()) for row in rows] == [
        (NAMES[0], VERSION, None, None, "2026-11-02", 1),
        (NAMES[0], VERSION, "R-1", "reject", "2026-11-02", 2),
        (NAMES[0], VERSION, "R-2", "reject", "2026-11-02", 1),
    ]


def test_what_was_not_judged_again_is_told_beside_what_was(any_database: str, tmp_path: Path) -> None:
    bank = Bank(tmp_path, any_database)
    sound = [natural_person(f"F{number}", cpf(number)) for number in range(1, 4)]
    bad = natural_person("F9", cpf(9), pessoas_fisicas={"sexo": "?"})
    first = bank.run(*sound, bad)
    second = bank.run(*sound[:2], natural_person("F3", cpf(3), produtos={"cod_produto": "02"}), bad)
    told = {
        run: dict(zip(("judged", "skipped"), counts, strict=True))
        for run, counts in ((first.run_id, (4, 0)), (second.run_id, (2, 2)))
    }
    for view in ("quality_conformance", "quality_completeness"):
        rows = bank.query(
            f"SELECT DISTINCT run_id, judged, skipped FROM {view} WHERE structure = :structure",
            structure=PI,
        )
        assert {row.pop("run_id"): row for row in rows} == told
    runs = bank.query("SELECT read, excluded, judged, skipped FROM quality_runs ORDER BY run_seq")
    assert [row["judged"] + row["skipped"] + row["excluded"] == row["read"] for row in runs] == [True, True]
    assert [row["skipped"] for row in runs] == [0, 6]
    (rule,) = bank.query(
        "SELECT rule, share, share_before, per_thousand, per_thousand_before FROM quality_top_rules"
        " WHERE run_id = :run_id AND structure = :structure",
        run_id=second.run_id,
        structure=PI,
    )
    assert rule["share"] > rule["share_before"]  # of what was judged: no news
    assert (rule["per_thousand"], rule["per_thousand_before"]) == (250, 250)


def test_a_run_tells_whose_findings_explain_the_quarantine(any_database: str, tmp_path: Path) -> None:
    good = [natural_person("F1", cpf(1)), natural_person("F2", cpf(2)), natural_person("F3", cpf(3))]
    bank = Bank(tmp_path, any_database)
    bank.run(*good)
    nameless = natural_person("F1", cpf(1), pessoas_fisicas={"nome_civil": ""})
    unplaced = natural_person("F2", cpf(2), clientes={"tipo_pessoa": "X"})
    # The person's documents are those of another register by now.
    led = natural_person("F0", cpf(3), qualificacoes_pf={"ts_atualizacao": "yesterday"})
    bank.run(nameless, unplaced, led, natural_person("F3", cpf(3)))
    rows = bank.query("SELECT structure, rule, documents FROM quality_quarantine ORDER BY structure, rule")
    found = {(str(row["structure"]), str(row["rule"]).split(":")[0]) for row in rows}
    assert all(row["rule"] is not None for row in rows), rows
    assert {(PI, "S-required"), (PI, "X-UNMAPPED"), (PF, "X-UNMAPPED"), (PQ, "X-UNMAPPED")} <= found
    assert len([rule for structure, rule in found if structure == PQ]) == 2, found


def test_unmapped_codes_are_counted_by_field_and_shape(store: Store) -> None:
    state = "S-enum:/data/contacts/postalAddresses/countrySubDivision"
    judged(
        store,
        1,
        found=[
            finding("r-1", state, "$.contacts.postalAddresses[12].countrySubDivision", "AA"),
            finding("r-1", state, "$.contacts.postalAddresses[0].countrySubDivision", "AA"),
            finding("r-2", state, "$.contacts.postalAddresses[3].countrySubDivision", "AA"),
            finding("r-2", state, "$.contacts.postalAddresses[3].countrySubDivision", "99"),
            finding("r-3", "X-UNMAPPED", "$.brandName", "99"),
            finding("r-3", "X-UNMAPPED", "$", None),
            finding("r-4", "S-enum:/data/productsServicesType[]", "$.productsServicesType[7]", "99"),
            finding("r-5", "P-DDD", "$.contacts.phones[0].areaCode", "99"),
        ],
    )
    columns = "field, rule, shape, customers, findings"
    rows = store.query(f"SELECT {columns} FROM quality_unmapped_codes ORDER BY field, shape")
    assert [tuple(row.values()) for row in rows] == [
        ("/data", "X-UNMAPPED", None, 1, 1),
        ("/data/brandName", "X-UNMAPPED", "99", 1, 1),
        ("/data/contacts/postalAddresses/countrySubDivision", state, "99", 1, 1),
        ("/data/contacts/postalAddresses/countrySubDivision", state, "AA", 2, 3),
        ("/data/productsServicesType", "S-enum:/data/productsServicesType[]", "99", 1, 1),
    ]


def test_the_digits_of_an_occurrence_are_list_indexes() -> None:
    xpaths = {field.xpath for structure in STRUCTURES for field in effective_fields(structure.name, VERSION)}
    assert [xpath for xpath in xpaths if any(letter.isdigit() for letter in occurrence(xpath))] == []
