"""The check stage: masks, Great Expectations' verdicts, findings, severities, omissions."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.dictionary import effective_fields
from customers.errors import UnreadableInput
from customers.formats import NUMBER
from customers.structures import BY_NAME
from customers.text import BLANKS, FILLERS
from customers.unread import UNREAD
from expectations.catalogue import NEVER_APPLIES, catalogue, unread_rule
from expectations.cells import Cells, Texts
from expectations.judge import Judgement, judge
from expectations.kernels import KERNELS, in_range, is_not_among, is_not_blank, matches
from expectations.masking import masks
from expectations.severity import severities
from expectations.verdict import suite, validate, verdicts, verdicts_on_nothing
from tests.flatten import flatten
from tests.invented import good

if TYPE_CHECKING:
    from pathlib import Path

    from customers.blocks import Documents

PI, BI, PQ, BQ, PF, BF = BY_NAME
DAY = dt.date(2026, 11, 20)


def judged(structure: str, *documents: dict[str, Any], table: Path | None = None) -> Judgement:
    refs = pa.array([f"c{number}" for number in range(len(documents))])
    blocks = flatten(structure, list(documents))
    return judge(blocks, refs=refs, reference_date=DAY, severity_table=table)


def listed(judgement: Judgement) -> list[tuple[str, str, str]]:
    rows = judgement.findings.to_pylist()
    return sorted((row["occurrence"], row["rule"], row["severity"]) for row in rows)


def counts(judgement: Judgement, rule: str, xpath: str) -> tuple[int, int, int, int]:
    (row,) = (row for row in judgement.results.to_pylist() if row["rule"] == rule and row["xpath"] == xpath)
    return row["applied"], row["passed"], row["failed"], row["unknown"]


# Unread values


@pytest.mark.parametrize(
    ("structure", "xpath", "rule"),
    [
        (PI, "/data/birthDate", "S-format:/data/birthDate"),
        (PI, "/data/updateDateTime", "S-format:/data/updateDateTime"),
        (PI, "/data/sex", "S-enum:/data/sex"),
        (PI, "/data/hasBrazilianNationality", "S-type:/data/hasBrazilianNationality"),
        (PI, "/data/brandName", "X-UNMAPPED"),
        (BI, "/data/incorporationDate", "S-format:/data/incorporationDate"),
        (PQ, "/data/informedPatrimony/year", "S-type:/data/informedPatrimony/year"),
        (PQ, "/data/informedIncome/amount/amount", "S-pattern:/data/informedIncome/amount/amount"),
        (PQ, "/data/occupationCode", "S-enum:/data/occupationCode"),
    ],
)
def test_an_unread_value_has_exactly_one_finding(structure: str, xpath: str, rule: str) -> None:
    document = good(structure)
    at = document
    *way, name = xpath.removeprefix("/data/").split("/")
    for step in way:
        at = at[step]
    at[name] = f"{UNREAD}31/02/x"
    judgement = judged(structure, document)
    occurrence = "$." + ".".join([*way, name])
    assert listed(judgement) == [(occurrence, rule, "reject")]
    assert judgement.findings["shape"].to_pylist() == ["99/99/A"]
    assert judgement.refused.tolist() == [True]
    for row in judgement.results.to_pylist():
        if row["xpath"] == xpath and row["rule"] != rule and row["applied"]:
            assert row["failed"] == 0
            assert row["rule"].startswith("S-required") or row["unknown"] == 1, row["rule"]


def test_unread_elements_of_lists_are_found_where_they_stand() -> None:
    relation = good(PF)
    relation["productsServicesType"] = ["SEGURO", f"{UNREAD}77", "OUTROS", "CONTA_DEPOSITO_A_VISTA"]
    assert listed(judged(PF, relation)) == [
        ("$.productsServicesType[1]", "S-enum:/data/productsServicesType[]", "reject")
    ]
    company = good(BI)
    company["parties"].append({**company["parties"][0], "shareholding": f"{UNREAD}51,0000001"})
    judgement = judged(BI, company)
    assert listed(judgement) == [
        ("$.parties[1].shareholding", "S-pattern:/data/parties/shareholding", "reject")
    ]
    assert counts(judgement, "P-SHARE-MIN", "/data/parties/shareholding") == (2, 1, 0, 1)


def test_a_rule_whose_condition_was_not_read_is_unknown() -> None:
    document = good(PI)
    document["contacts"]["phones"][1]["type"] = f"{UNREAD}Z"
    del document["contacts"]["phones"][1]["additionalInfo"]
    judgement = judged(PI, document)
    assert listed(judgement) == [("$.contacts.phones[1].type", "S-enum:/data/contacts/phones/type", "reject")]
    assert counts(judgement, "P-PHONE-OUTRO", "/data/contacts/phones/additionalInfo") == (1, 0, 0, 1)


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_leaf_has_one_rule_for_what_could_not_be_read(structure: str) -> None:
    known = {tuple(rule.key) for rule in catalogue(structure)}
    for field in effective_fields(structure):
        if field.is_leaf:
            assert (unread_rule(structure, field.xpath), field.xpath) in known


# Presence


def test_an_absent_optional_object_is_not_judged() -> None:
    document = good(PQ)
    del document["informedIncome"]
    judgement = judged(PQ, document)
    assert listed(judgement) == []
    assert counts(judgement, "S-required:/data/informedIncome/date", "/data/informedIncome/date") == (
        0,
        0,
        0,
        0,
    )


def test_an_optional_object_is_there_when_any_leaf_of_it_is() -> None:
    document = good(PQ)
    document["informedIncome"] = {"amount": {"currency": "BRL"}}
    below = "/data/informedIncome"
    assert listed(judged(PQ, document)) == [
        ("$.informedIncome.amount.amount", f"S-required:{below}/amount/amount", "reject"),
        ("$.informedIncome.date", f"S-required:{below}/date", "reject"),
        ("$.informedIncome.frequency", f"S-required:{below}/frequency", "reject"),
    ]


def test_a_missing_required_object_is_one_finding_and_its_children_none() -> None:
    document = good(PQ)
    del document["informedIncome"]["amount"]
    assert listed(judged(PQ, document)) == [
        ("$.informedIncome.amount", "S-required:/data/informedIncome/amount", "reject")
    ]


def test_required_lists_may_be_empty_and_optional_ones_absent() -> None:
    document = good(PI)
    document["contacts"] = {}
    del document["nationality"], document["filiation"], document["otherDocuments"]
    judgement = judged(PI, document)
    assert listed(judgement) == []
    assert counts(judgement, "S-required:/data/contacts/phones", "/data/contacts/phones") == (1, 1, 0, 0)
    assert counts(judgement, "S-minItems:/data/filiation", "/data/filiation") == (0, 0, 0, 0)
    document["companiesCnpj"] = []
    assert listed(judged(PI, document)) == [("$.companiesCnpj", "S-minItems:/data/companiesCnpj", "reject")]


def test_too_many_elements() -> None:
    document = good(BF)
    document["productsServicesType"] = ["SEGURO"] * 11 + ["CONTA_DEPOSITO_A_VISTA", "OUTROS"]
    assert ("$.productsServicesType", "S-maxItems:/data/productsServicesType", "reject") in listed(
        judged(BF, document)
    )


# Occurrences, sources, customers


def test_a_finding_names_customer_place_shape_and_source() -> None:
    first, second = good(PI), good(PI)
    papers = second["nationality"][0]["documents"]
    second["nationality"].append({"otherNationalitiesInfo": "PRT", "documents": [*papers, {"type": "RG"}]})
    judgement = judged(PI, first, second)
    assert judgement.refused.tolist() == [False, True]
    # The papers of both documents are one block: the last of them is its fourth row, line 5 of the file.
    assert judgement.findings.to_pylist() == [
        {
            "structure": PI,
            "customer_ref": "c1",
            "occurrence": "$.nationality[1].documents[1].number",
            "rule": "S-required:/data/nationality/documents/number",
            "severity": "reject",
            "shape": None,
            "source_file": "test.csv",
            "source_line": 5,
        }
    ]


def test_a_row_without_line_has_no_source() -> None:
    document = good(PQ)
    document["companyCnpj"] = "12"
    blocks = flatten(PQ, [document], file=None)
    judgement = judge(blocks, refs=pa.array(["c"]), reference_date=DAY)
    assert set(judgement.findings["source_file"].to_pylist()) == {None}
    blocks = flatten(PQ, [document])
    blocks.root.origins["/data/companyCnpj"].lines[:] = 0
    judgement = judge(blocks, refs=pa.array(["c"]), reference_date=DAY)
    assert set(judgement.findings["source_line"].to_pylist()) == {None}


def test_every_failing_rule_is_reported() -> None:
    document = good(PI)
    document["documents"]["cpfNumber"] = "1234567890123"
    assert {rule for _, rule, _ in listed(judged(PI, document))} == {
        "S-maxLength:/data/documents/cpfNumber",
        "S-pattern:/data/documents/cpfNumber",
        "A-CPF",
    }


# Great Expectations


def damaged(structure: str, rng: np.random.Generator, size: int) -> Documents:
    """Make good documents and spoil one cell in ten, in every way there is."""
    blocks = flatten(structure, [good(structure) for _ in range(size)])
    spoilt = np.array([None, "", " ", "NA", f"{UNREAD}x", "2021-02-30", "99999999999999999999", "x" * 400])
    for rows in blocks.blocks.values():
        for xpath, column in rows.columns.items():
            cells = column.to_numpy(zero_copy_only=False).astype(object)
            chosen = rng.random(len(cells)) < 0.1
            cells[chosen] = rng.choice(spoilt, int(chosen.sum()))
            rows.columns[xpath] = pa.array(cells, pa.string())
    return blocks


@pytest.mark.parametrize("structure", BY_NAME)
def test_the_verdicts_are_the_masks(structure: str) -> None:
    found = masks(damaged(structure, np.random.default_rng(7), 60), DAY)
    judged_rules = verdicts(found, structure)
    assert [verdict.judged for verdict in judged_rules] == list(catalogue(structure))
    for verdict in judged_rules:
        mask = found[verdict.judged.key]
        assert (verdict.mask.applied, verdict.mask.unknown) == (mask.applied, mask.unknown)
        assert verdict.mask.failed.tolist() == mask.failed.tolist()
        assert verdict.success == (len(mask.failed) == 0)
    assert sum(not verdict.success for verdict in judged_rules) > 20


@pytest.mark.parametrize("structure", BY_NAME)
def test_on_no_documents_great_expectations_would_say_the_same(structure: str) -> None:
    nothing = masks(damaged(structure, np.random.default_rng(7), 0), DAY)
    asked, unasked = verdicts(nothing, structure), verdicts_on_nothing(structure)
    assert [(verdict.judged, verdict.success) for verdict in asked] == [
        (verdict.judged, verdict.success) for verdict in unasked
    ]
    for verdict in (*asked, *unasked):
        assert (verdict.mask.applied, verdict.mask.unknown, len(verdict.mask.failed)) == (0, 0, 0)


@pytest.mark.parametrize("structure", BY_NAME)
def test_counts_add_up_and_agree_with_the_findings(structure: str) -> None:
    blocks = damaged(structure, np.random.default_rng(11), 60)
    refs = pa.array([f"c{number}" for number in range(60)])
    judgement = judge(blocks, refs=refs, reference_date=DAY)
    per_rule: dict[str, int] = {}
    for row in judgement.results.to_pylist():
        assert row["applied"] == row["passed"] + row["failed"] + row["unknown"], row
        assert min(row["passed"], row["failed"], row["unknown"]) >= 0, row
        per_rule[row["rule"]] = per_rule.get(row["rule"], 0) + row["failed"]
    found = judgement.findings.to_pandas()
    assert found.groupby("rule").size().to_dict() == {
        rule: failed for rule, failed in per_rule.items() if failed
    }
    assert not found.duplicated(["customer_ref", "occurrence", "rule", "severity"]).any()
    refused = set(found.loc[found.severity == "reject", "customer_ref"])
    assert {ref for ref, no in zip(refs.to_pylist(), judgement.refused, strict=True) if no} == refused


def test_results_hold_no_value() -> None:
    secret = "SEGREDO-DE-ANA"
    document = good(PI)
    document["sex"] = document["civilName"] = f"{secret}\u2003" * 6
    document["birthDate"] = f"{UNREAD}{secret}"
    blocks = flatten(PI, [document])
    result: Any = validate(masks(blocks, DAY), PI)
    assert not result.success
    assert secret not in json.dumps(result.to_json_dict())
    judgement = judge(blocks, refs=pa.array(["c"]), reference_date=DAY)
    assert judgement.findings.num_rows == 3
    assert secret not in json.dumps(judgement.findings.to_pylist() + judgement.results.to_pylist())


@pytest.mark.parametrize("structure", BY_NAME)
def test_a_suite_has_one_expectation_for_each_rule_that_a_block_can_break(structure: str) -> None:
    expected = [tuple(rule.key) for rule in catalogue(structure) if rule.kind not in NEVER_APPLIES]
    compiled: list[Any] = suite(structure).expectations
    assert [(item.meta["rule_id"], item.meta["xpath"]) for item in compiled] == expected
    assert len(set(expected)) == len(expected)


def test_an_expectation_reads_as_a_sentence() -> None:
    from expectations.kinds import expectation  # noqa: PLC0415 (imports Great Expectations)

    (rule,) = (rule for rule in catalogue(PQ) if rule.key.rule == "S-maxLength:/data/companyCnpj")
    compiled: Any = expectation(rule)
    compiled.render()
    template = compiled.rendered_content[0].value
    read = template.template
    for name, param in template.params.items():
        read = read.replace(f"${name}", str(param["value"]))
    assert read == "/data/companyCnpj must have at most 14 characters (S-maxLength:/data/companyCnpj)"


def test_a_validation_is_a_page_that_reads_well_and_shows_no_value() -> None:
    from great_expectations.render.renderer.page_renderer import (  # noqa: PLC0415 (slow)
        ValidationResultsPageRenderer,
    )
    from great_expectations.render.view.view import DefaultJinjaPageView  # noqa: PLC0415 (slow)

    document = good(PQ)
    document["companyCnpj"] = "98765"
    result = validate(masks(flatten(PQ, [document]), DAY), PQ)
    page: str = DefaultJinjaPageView().render(  # type: ignore[no-untyped-call]
        ValidationResultsPageRenderer().render(result)
    )
    assert "must match ^[0-9]{14}$" in page
    assert "1 of 1 fail, 0 unknown" in page
    assert "98765" not in page


def test_importing_the_stage_does_not_import_great_expectations() -> None:
    code = "import sys, expectations.judge; print('great_expectations' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"


# Severities


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "severity.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_halt_names_the_rule_and_refuses_the_document(tmp_path: Path) -> None:
    halt = table(
        tmp_path, '[[exception]]\nrule = "G-NA"\nseverity = "halt"\nreason = "a broken extraction"\n'
    )
    document = good(PI)
    document["civilName"] = "n/a"
    judgement = judged(PI, document, good(PI), table=halt)
    assert judgement.halted == ("G-NA",)
    assert judgement.refused.tolist() == [True, False]


def test_classes_and_exceptions_change_what_refuses(tmp_path: Path) -> None:
    document = good(PI)
    document["documents"]["passport"] = {"number": "P1", "country": "CAN"}
    assert judged(PI, document).refused.tolist() == [False]
    strict = table(tmp_path, '[classes]\nsuspect = "reject"\n')
    assert judged(PI, document, table=strict).refused.tolist() == [True]


def test_an_expired_exception_no_longer_holds_and_is_reported(tmp_path: Path) -> None:
    waived = (
        '[[exception]]\nrule = "S-enum:/data/sex"\nseverity = "warn"\nreason = "old codes"\nexpires = {}\n'
    )
    document = good(PI)
    document["sex"] = "X"
    judgement = judged(PI, document, table=table(tmp_path, waived.format("2026-11-20")))
    assert (judgement.refused.tolist(), judgement.expired) == ([False], ())
    (tmp_path / "later").mkdir()
    judgement = judged(PI, document, table=table(tmp_path / "later", waived.format("2026-11-19")))
    assert (judgement.refused.tolist(), judgement.expired) == ([True], ("S-enum:/data/sex",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('rule = "S-none:/data/sex"', "no structure"),
        (
            'rule = "S-enum:/data/contacts/phones/type"\nleave_out = "/data/contacts/phones/type"',
            "is required",
        ),
        ('rule = "S-required:/data/brandName"\nleave_out = "/data/brandName"', "can leave out the element"),
        ('rule = "S-pattern:/data/personalId"\nleave_out = "/data"', "can leave out the element"),
        ('rule = "S-enum:/data/sex"\nleave_out = "/data/civilName"', "can leave out the element"),
        ('rule = "S-enum:/data/sex"\nleave_out = "/data/sex"\nwhen = {xpath = "/data/sex"}', "when needs"),
        ('rule = "S-enum:/data/sex"\nleave_out = "/data/sex"\nbecause = "x"', "knows only"),
    ],
)
def test_an_omission_that_cannot_be_is_refused_at_load(tmp_path: Path, text: str, says: str) -> None:
    path = table(tmp_path, f'[[exception]]\nseverity = "omit"\nreason = "test"\n{text}\n')
    with pytest.raises(UnreadableInput, match=says):
        severities(DAY, path)


@pytest.mark.parametrize(
    "text", ['[classes]\nviolation = "omit"', "[more]\nx = 1", "not toml", '[classes]\nnone = "warn"']
)
def test_a_table_that_means_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableInput):
        severities(DAY, table(tmp_path, text))


# Omissions


def test_a_foreign_address_without_cep_is_left_out() -> None:
    document = good(PI)
    (home,) = document["contacts"]["postalAddresses"]
    abroad = {
        "isMain": False,
        "address": "Main St 1",
        "townName": "Toronto",
        "country": "Canadá",
        "countryCode": "CAN",
    }
    document["contacts"]["postalAddresses"] = [abroad, home]
    judgement = judged(PI, document)
    rule = "S-required:/data/contacts/postalAddresses/postCode"
    assert listed(judgement) == [("$.contacts.postalAddresses[0].postCode", rule, "omit")]
    assert judgement.refused.tolist() == [False]
    assert [row for row in judgement.omitted.to_pylist() if row["count"]] == [
        {"xpath": "/data/contacts/postalAddresses", "rule": rule, "count": 1}
    ]
    left = judgement.documents.blocks["/data/contacts/postalAddresses"]
    assert left.position.tolist() == [0]
    assert left.columns["/data/contacts/postalAddresses/countryCode"].to_pylist() == ["BRA"]
    assert left.origins["/data/contacts/postalAddresses/countryCode"].lines.tolist() == [3]
    assert counts(judgement, rule, "/data/contacts/postalAddresses/postCode") == (2, 1, 1, 0)


def test_a_brazilian_address_without_cep_is_refused() -> None:
    for country in ("BRA", None, f"{UNREAD}?"):
        document = good(PI)
        (home,) = document["contacts"]["postalAddresses"]
        home["countryCode"] = country
        del home["postCode"]
        judgement = judged(PI, document)
        assert judgement.refused.tolist() == [True]
        assert len(judgement.documents.blocks["/data/contacts/postalAddresses"]) == 1


@pytest.mark.parametrize("structure", [PI, BI])
def test_a_phone_without_area_code_is_left_out(structure: str) -> None:
    document, other = good(structure), good(structure)
    del document["contacts"]["phones"][0]["areaCode"]
    judgement = judged(structure, other, document)
    rule = "S-required:/data/contacts/phones/areaCode"
    assert ("$.contacts.phones[0].areaCode", rule, "omit") in listed(judgement)
    assert judgement.refused.tolist() == [False, False]
    left = judgement.documents.blocks["/data/contacts/phones"]
    assert (left.document.tolist(), left.position.tolist()) == ([0, 0, 1], [0, 1, 0])


def test_a_further_nationality_without_documents_is_left_out_of_a_brazilian() -> None:
    brazilian, foreigner = good(PI), good(PI)
    portuguese = {"otherNationalitiesInfo": "PRT", "documents": []}
    brazilian["nationality"] = [portuguese, *brazilian["nationality"]]
    foreigner["nationality"] = [portuguese, *foreigner["nationality"]]
    foreigner["hasBrazilianNationality"] = False
    judgement = judged(PI, brazilian, foreigner)
    assert listed(judgement) == [
        ("$.nationality[0].documents", "D-minItems", "omit"),
        ("$.nationality[0].documents", "D-minItems", "reject"),
    ]
    assert judgement.refused.tolist() == [False, True]
    nationalities = judgement.documents.blocks["/data/nationality"]
    papers = judgement.documents.blocks["/data/nationality/documents"]
    assert nationalities.document.tolist() == [0, 1, 1]
    assert nationalities.position.tolist() == [0, 0, 1]
    assert (papers.document.tolist(), papers.parent.tolist()) == ([0, 1], [0, 2])
    assert counts(judgement, "D-minItems", "/data/nationality/documents") == (4, 2, 2, 0)


def test_rows_below_a_row_that_is_left_out_go_with_it(tmp_path: Path) -> None:
    text = '[[exception]]\nrule = "P-NAT-ALPHA3"\nseverity = "omit"\nleave_out = "/data/nationality"\nreason = "test"\n'
    document = good(PI)
    odd = {**document["nationality"][0], "otherNationalitiesInfo": "Canadense"}
    document["nationality"] = [odd, document["nationality"][0]]
    judgement = judged(PI, document, table=table(tmp_path, text))
    papers = judgement.documents.blocks["/data/nationality/documents"]
    assert (len(papers), papers.parent.tolist()) == (1, [0])
    assert judgement.refused.tolist() == [False]


def test_an_optional_leaf_can_be_left_out(tmp_path: Path) -> None:
    text = '[[exception]]\nrule = "S-enum:/data/sex"\nseverity = "omit"\nleave_out = "/data/sex"\nreason = "test"\n'
    document = good(PI)
    document["sex"] = f"{UNREAD}Q"
    judgement = judged(PI, document, good(PI), table=table(tmp_path, text))
    assert listed(judgement) == [("$.sex", "S-enum:/data/sex", "omit")]
    assert judgement.documents.root.columns["/data/sex"].to_pylist() == [None, "FEMININO"]
    assert judgement.refused.tolist() == [False, False]


def test_leaving_out_never_hides_a_document_that_the_rules_refuse(tmp_path: Path) -> None:
    text = (
        '[[exception]]\nrule = "S-maxLength:/data/maritalStatusAdditionalInfo"\nseverity = "omit"\n'
        'leave_out = "/data/maritalStatusAdditionalInfo"\nreason = "test"\n'
    )
    document = good(PI)
    document["maritalStatusAdditionalInfo"] = "x" * 51
    judgement = judged(PI, document, table=table(tmp_path, text))
    assert judgement.refused.tolist() == [True]
    assert ("$.maritalStatusAdditionalInfo", "P-MARITAL-OUTRO", "reject") in listed(judgement)


def test_judging_what_was_judged_finds_nothing_more_to_leave_out() -> None:
    document = good(PI)
    del document["contacts"]["phones"][0]["areaCode"]
    first = judged(PI, document)
    again = judge(first.documents, refs=pa.array(["c0"]), reference_date=DAY)
    assert sum(again.omitted["count"].to_pylist()) == 0
    assert "omit" not in again.findings["severity"].to_pylist()


# Kernels


def texts_of(values: list[str]) -> Texts:
    return Texts(pa.array(values, pa.string()), np.arange(len(values)))


@given(st.lists(st.text(max_size=12), max_size=20))
def test_blanks_and_fillers_are_judged_as_python_would(values: list[str]) -> None:
    texts = texts_of(values)
    assert is_not_blank(texts).tolist() == [bool(value.strip(BLANKS)) for value in values]
    assert is_not_among(texts, FILLERS).tolist() == [
        value.strip(BLANKS).upper() not in FILLERS for value in values
    ]


@given(st.lists(st.from_regex(r"\A[0-9]{0,5}[\x00-\x7f]?\Z") | st.text(max_size=6), max_size=20))
def test_runs_of_digits_are_judged_as_the_pattern_would(values: list[str]) -> None:
    texts = texts_of(values)
    for pattern in ("^[0-9]{3}$", "^([0-9]{2}|[0-9]{5})$", "^[0-9]{1,4}$"):
        assert matches(texts, pattern).tolist() == [bool(re.fullmatch(pattern, value)) for value in values]


@given(st.lists(st.none() | st.text(max_size=5), max_size=12), st.integers(0, 6))
def test_lengths_and_slices_agree_with_python(values: list[str | None], start: int) -> None:
    cells = Cells(pa.array(values, pa.string())[start:])
    kept = [value for value in values[start:] if value is not None and not value.startswith(UNREAD)]
    assert cells.texts.lengths.tolist() == [len(value) for value in kept]
    assert KERNELS["maxLength"](cells.texts, 3).tolist() == [len(value) <= 3 for value in kept]


@given(
    st.lists(
        st.decimals(-10, 10, places=7) | st.sampled_from(["", "x", "1e400", "-0", "1" * 400]), max_size=20
    )
)
def test_ranges_are_exact(values: list[Any]) -> None:
    written = [value if isinstance(value, str) else f"{value:f}" for value in values]
    texts = texts_of(written)
    known, within = in_range(texts, Decimal(-1), Decimal("0.25"))
    assert known.tolist() == matches(texts, NUMBER).tolist()
    for text, number, inside in zip(written, known, within, strict=True):
        assert inside == (bool(number) and Decimal(-1) <= Decimal(text) <= Decimal("0.25"))


def test_a_column_of_any_text_type_is_judged() -> None:
    chunks = pa.chunked_array([["a", None], [f"{UNREAD}b"]], pa.large_string())
    cells = Cells(chunks)
    assert (cells.applied, cells.unread.tolist(), cells.texts.rows.tolist()) == (2, [2], [0])
