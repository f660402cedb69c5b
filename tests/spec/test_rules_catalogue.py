"""The rules as data: complete against the rule catalogue, and well formed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from customers.advice_rules import ADVICE_RULES, LEFT_OUT
from customers.blocks import ROOT, block_of, blocks
from customers.conditions import (
    And,
    Condition,
    Count,
    Distinct,
    ListedIn,
    Matches,
    Not,
    Or,
    Present,
    xpaths,
)
from customers.dictionary import effective_fields, versions
from customers.prose_rules import PROSE_RULES
from customers.rules import UNDECIDABLE, block_path, envelope_rules, field_rules, prose_rules, rules
from customers.structures import STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from customers.rule_kinds import FieldRule, ProseRule

EVERY = [structure.name for structure in STRUCTURES]

# The table of section 2 of the rule catalogue, envelope included: the same eight nodes in all six structures.
CATALOGUE: dict[str, dict[str, int]] = {
    "personal_identifications": {
        "enum": 6,
        "format": 14,
        "maxLength": 49,
        "minItems": 5,
        "minLength": 2,
        "null": 82,
        "pattern": 21,
        "required": 40,
        "type": 82,
    },
    "business_identifications": {
        "enum": 5,
        "format": 13,
        "maxLength": 45,
        "minItems": 3,
        "minLength": 5,
        "null": 70,
        "pattern": 18,
        "required": 36,
        "type": 70,
    },
    "personal_qualifications": {
        "enum": 2,
        "format": 8,
        "maxLength": 14,
        "maximum": 1,
        "minLength": 2,
        "null": 24,
        "pattern": 6,
        "required": 16,
        "type": 24,
    },
    "business_qualifications": {
        "enum": 1,
        "format": 8,
        "maxLength": 13,
        "maximum": 1,
        "minLength": 2,
        "null": 26,
        "pattern": 6,
        "required": 15,
        "type": 26,
    },
    "personal_financial_relations": {
        "enum": 4,
        "format": 10,
        "maxItems": 1,
        "maxLength": 26,
        "minItems": 3,
        "null": 42,
        "pattern": 16,
        "required": 28,
        "type": 42,
    },
    "business_financial_relations": {
        "enum": 3,
        "format": 8,
        "maxItems": 1,
        "maxLength": 15,
        "minItems": 1,
        "null": 26,
        "pattern": 6,
        "required": 17,
        "type": 26,
    },
}


def _schema_rules(found: tuple[FieldRule, ...]) -> Counter[str]:
    return Counter(rule.keyword for rule in found if rule.id.startswith(("S-", "D-null:")))


@pytest.mark.parametrize("structure", EVERY)
def test_schema_rules_are_those_of_the_catalogue(structure: str) -> None:
    around = _schema_rules(envelope_rules())
    assert around == {"required": 4, "type": 8, "null": 8, "maxLength": 6, "format": 6}
    assert _schema_rules(field_rules(structure)) + around == CATALOGUE[structure]


def test_schema_rules_in_total() -> None:
    around = _schema_rules(envelope_rules()).total()
    assert sum(_schema_rules(field_rules(structure)).total() + around for structure in EVERY) == 1036


def _ids(catalogue: str, start: str, end: str) -> set[str]:
    section = catalogue[catalogue.index(start) : catalogue.index(end)]
    return set(re.findall(r"^\| ([A-Z]-[A-Za-z0-9-]+|unknown-property) \|", section, re.MULTILINE))


def _stated_ids() -> set[str]:
    return {rule.id for structure in EVERY for rule in rules(structure)}


@pytest.fixture(scope="module")
def catalogue(shared_spec: Path) -> str:
    return (shared_spec / "RULES.md").read_text(encoding="utf-8")


def test_every_decidable_rule_is_stated(catalogue: str) -> None:
    asked = _ids(catalogue, "### 3a", "### 3b")
    assert len(asked) == 47
    stated = {"D-null" if rule_id.startswith("D-null:") else rule_id for rule_id in _stated_ids()}
    assert {rule_id for rule_id in stated if not rule_id.startswith(("S-", "A-"))} == asked


def test_classes_are_those_of_the_catalogue(catalogue: str) -> None:
    classes = dict(
        re.findall(r"^\| ([A-Z]-[A-Za-z0-9-]+|unknown-property) \|.*\| (\w+) \|$", catalogue, re.MULTILINE)
    )
    found = [rule for structure in EVERY for rule in rules(structure) if rule.id in classes]
    assert {(rule.id, rule.klass) for rule in found} <= set(classes.items())


def test_every_undecidable_rule_has_a_reason(catalogue: str) -> None:
    assert set(UNDECIDABLE) == _ids(catalogue, "### 3b", "### 3c")


def test_every_advice_is_stated_or_left_out_with_a_reason(catalogue: str) -> None:
    section = catalogue[catalogue.index("### 3c") : catalogue.index("## 4.")].replace(
        "/ -FIRST / -HTTP", "A-LINK-FIRST A-LINK-HTTP"
    )
    asked = set(re.findall(r"A-[A-Z]+(?:-[A-Z]+)*", section))
    stated = {rule_id for rule_id in _stated_ids() if rule_id.startswith("A-")}
    assert stated | set(LEFT_OUT) == asked
    assert not stated & set(LEFT_OUT)


@pytest.mark.parametrize("structure", EVERY)
def test_ids_are_unique_where_results_are_kept_apart(structure: str) -> None:
    found = Counter((rule.id, rule.xpath) for rule in field_rules(structure))
    assert found.most_common(1)[0][1] == 1


def test_no_prose_rule_is_lost_in_the_default_version() -> None:
    for rule in (*PROSE_RULES, *ADVICE_RULES):
        for structure in rule.on:
            assert rule in prose_rules(structure), (rule.id, structure, rule.xpaths)


def test_what_the_older_version_does_not_have() -> None:
    lost = {
        (rule.id, rule.xpath)
        for structure in EVERY
        for rule in prose_rules(structure)
        if rule not in prose_rules(structure, "2.0.0")
    }
    approval, opening = (
        "/data/portabilitiesReceived/portabilityApprovalDate",
        "/data/paychecksBankLink/accountOpeningDate",
    )
    assert lost == {("P-PORTABILITY-5Y", approval), ("P-FUTURE", approval), ("P-FUTURE", opening)}


def _operands(condition: Condition) -> Iterator[Condition]:
    match condition:
        case Not(part):
            yield from _operands(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _operands(part)
        case _:
            yield condition


def _each(structure: str) -> Iterator[tuple[ProseRule, str, Condition]]:
    for rule in prose_rules(structure):
        for condition in (*_operands(rule.when), *_operands(rule.must)):
            yield rule, block_path(structure, rule.field), condition


@pytest.mark.parametrize("structure", EVERY)
def test_operands_stand_where_the_interpreters_look_for_them(structure: str) -> None:
    leaves = {xpath for block in blocks(structure) for xpath in block.xpaths}
    for rule, path, condition in _each(structure):
        match condition:
            case Count(xpath) | Distinct(xpath):
                assert block_of(structure, xpath).parent == path, rule.id
            case ListedIn(xpath, other):
                assert block_of(structure, xpath).path == path, rule.id
                assert block_of(structure, other).scalar
                assert block_of(structure, other).parent == ROOT
            case Present(xpath):
                assert block_path(structure, xpath) == path, rule.id
            case _:
                assert xpaths(condition) <= leaves, rule.id
                assert {block_of(structure, xpath).path for xpath in xpaths(condition)} <= {path}, rule.id


@pytest.mark.parametrize("structure", EVERY)
def test_patterns_of_prose_rules_are_anchored(structure: str) -> None:
    for rule, _, condition in _each(structure):
        if isinstance(condition, Matches):
            assert condition.pattern.startswith("^"), rule.id
            assert condition.pattern.endswith("$"), rule.id


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("structure", EVERY)
def test_every_rule_says_what_it_asks_and_where(structure: str, version: str) -> None:
    known = {field.xpath for field in effective_fields(structure, version)}
    for rule in rules(structure, version):
        assert rule.xpath in known
        assert rule.english != rule.portuguese
        assert "{" not in rule.english.replace(str(getattr(rule, "argument", "")), "")
        assert rule.severity == ("reject" if rule.klass == "violation" else "warn")


def _found(structure: str, rule_id: str) -> set[str]:
    return {rule.xpath for rule in field_rules(structure) if rule.id == rule_id}


def test_errata_keep_the_ids_of_the_catalogue() -> None:
    assert _found("personal_identifications", "D-minItems") == {"/data/nationality/documents"}
    assert _found("business_qualifications", "P-YEAR") == {"/data/informedRevenue/year"}
    assert _found("business_identifications", "P-DATETIME-UTC") == {
        "/data/updateDateTime",
        "/data/incorporationDate",
    }
    assert _found("personal_identifications", "P-DATETIME-UTC") == set()
    assert "/data/parties/documentCountry" in _found("business_identifications", "P-ISO3166")


def test_blanks_and_fillers_are_asked_of_free_text_only() -> None:
    blank, filler = (
        _found("personal_financial_relations", "G-EMPTY"),
        _found("personal_financial_relations", "G-NA"),
    )
    assert filler - blank == {
        "/data/portabilitiesReceived/employerName",
        "/data/paychecksBankLink/employerName",
    }
    assert "/data/accounts/checkDigit" in blank
    assert not blank & {"/data/accounts/number", "/data/accounts/type", "/data/startDate"}
    assert "/data/contacts/emails/email" not in _found("personal_identifications", "G-EMPTY")
