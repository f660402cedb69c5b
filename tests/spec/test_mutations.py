"""Break each rule of each field alone: it is reported under its id, and nothing else is unless it follows."""

from __future__ import annotations

import pytest

from customers.dictionary import effective_fields
from customers.rules import envelope_rules, field_rules, rules
from customers.structures import BY_NAME
from tests.spec.drawn import by_blocks, by_documents, examples, valid_of
from tests.spec.mutations import Mutation, mutations, of_one_document

# What else is found, by the rules (the part of the id before the colon) that cannot be broken without it, and why.
IMPLICATIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "S-pattern": (("S-minLength", "S-maxLength"), "The pattern bounds the length as well."),
    "S-maxLength": (("G-NA",), "The check digit has one character, every filler has two."),
    "S-format": (
        ("S-maxLength", "S-pattern"),
        "Too long a text is no date and no address; a date's pattern is the format's.",
    ),
    "P-DATETIME-UTC": (("S-maxLength",), "The one form has as many characters as there may be."),
    "P-YEAR": (("S-maximum",), "A year has four digits, and so has the maximum."),
    "P-ISO3166": (("S-maxLength", "S-pattern", "G-EMPTY", "G-NA"), "No code of the list looks like that."),
    "P-ISO4217": (("S-maxLength", "S-pattern"), "No code of the list looks like that."),
    "P-NAT-ALPHA3": (("G-NA",), "No filler is a code."),
    "P-UF-FOREIGN": (("S-maxLength", "S-pattern", "P-ISO3166"), "What is not BRA is abroad."),
    "P-IBGE-UF-MATCH": (("S-enum",), "A town lies in no state that does not exist."),
    "P-DDD": (("S-minLength", "S-maxLength", "S-pattern"), "No Brazilian area code looks like that."),
    "P-OCCUPATION-CODE": (("G-EMPTY", "G-NA"), "A blank and a filler are no code."),
    "P-RG-ISSUER-FORMAT": (
        ("S-maxLength", "G-EMPTY", "G-NA"),
        "A blank, a filler and an x do not end with a state.",
    ),
    "P-ACCOUNT-PRODUCT": (
        ("S-required", "D-null", "S-minItems", "S-enum"),
        "Without products no account's type is among them; what is no type is no product.",
    ),
    "P-PRODUCT-ACCOUNT": (
        ("S-required", "D-null", "S-enum"),
        "Without accounts, or with an account of no type, a product lacks its account.",
    ),
    "P-DOC-CPF-OR-PASSPORT": (("S-required", "D-null"), "Null is no value, nor is what is not there."),
    "P-BRANCH": (("D-null",), "Null is no value."),
    "P-FREQUENCY-OUTROS": (("D-null",), "Null is no value."),
    "P-MARITAL-OUTRO": (("D-null",), "Null is no value."),
    "P-OCCUPATION-DESC": (("D-null",), "Null is no value."),
    "P-OCCUPATION-ORPHAN": (("D-null",), "Null is no value."),
    "P-OTHERDOC-OUTROS": (("D-null",), "Null is no value."),
    "P-PARTY-CIVILNAME": (("D-null",), "Null is no value."),
    "P-PARTY-COMPANYNAME": (("D-null",), "Null is no value."),
    "P-PHONE-OUTRO": (("D-null",), "Null is no value."),
    "P-PRODUCTS-OUTROS": (("D-null",), "Null is no value."),
    "P-RG-ISSUER": (("D-null",), "Null is no value."),
    "P-SHARE-REQUIRED": (("D-null",), "Null is no value."),
    "A-CONDITIONAL": (
        ("S-required", "D-null", "S-minItems", "S-enum"),
        "A value that the domain does not have, or no list at all, is not what the field waits for.",
    ),
    "A-DUP": (("S-maxItems",), "The domain has as many products as the list may have."),
    "A-CBO": (("S-maxLength", "G-EMPTY", "G-NA"), "A code has six digits."),
    "A-CPF": (("S-maxLength", "S-pattern"), "Only eleven digits can have check digits."),
    "A-CNPJ": (("S-maxLength", "S-pattern"), "Only fourteen characters can have check digits."),
    "A-PHONE": (("S-maxLength", "S-pattern"), "A Brazilian number has eight or nine digits."),
}

EVERY = [
    pytest.param(structure, mutation, id=f"{structure}-{mutation.rule.id}-{mutation.rule.xpath}")
    for structure in BY_NAME
    for mutation in mutations(structure)
]


def family(rule_id: str) -> str:
    return rule_id.partition(":")[0]


@pytest.mark.parametrize(("structure", "mutation"), EVERY)
def test_nothing_but_the_broken_rule_and_what_follows_is_reported(structure: str, mutation: Mutation) -> None:
    assert (mutation.rule.id, mutation.occurrence) in by_documents(structure, mutation.document)
    for rule, occurrence in mutation.others:
        causes, reason = IMPLICATIONS.get(family(rule), ((), "nothing implies it"))
        assert family(mutation.rule.id) in causes, f"{rule} at {occurrence}: {reason}"


def test_every_implication_happens() -> None:
    listed = {(cause, implied) for implied, (causes, _) in IMPLICATIONS.items() for cause in causes}
    seen = {
        (family(mutation.rule.id), family(rule))
        for structure in BY_NAME
        for mutation in mutations(structure)
        for rule, _ in mutation.others
    }
    assert listed == seen


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_rule_of_every_field_fires(structure: str) -> None:
    broken = {(mutation.rule.id, mutation.rule.xpath) for mutation in mutations(structure)}
    assert {(rule.id, rule.xpath) for rule in of_one_document(structure)} - broken == set()


@pytest.mark.parametrize("structure", BY_NAME)
def test_rules_without_those_that_fire_are_none(structure: str) -> None:
    """Field rules by mutation, prose rules as drawn; those of the envelope: ``tests/unit/test_check.py``."""
    fired = {(mutation.rule.id) for mutation in mutations(structure)}
    fired |= {
        rule for example in examples() if example.structure == structure for rule, _ in example.expected
    }
    of_envelope = {rule.id for rule in {*field_rules(structure)} - {*of_one_document(structure)}}
    every = {rule.id for rule in rules(structure)}
    assert every - fired == of_envelope - fired
    assert of_envelope <= {f"{kind}:/data" for kind in ("S-required", "S-type", "D-null", "S-minItems")} | {
        f"{kind}:/data[]" for kind in ("S-type", "D-null")
    }
    assert not {rule.id for rule in envelope_rules()} & (every - {"P-DATETIME-UTC"})


@pytest.mark.parametrize("structure", BY_NAME)
def test_valid_documents_have_every_field(structure: str) -> None:
    """Else a rule of a field could not be broken alone."""
    found = {mutation.rule.xpath for mutation in mutations(structure)}
    assert found >= {rule.xpath for rule in field_rules(structure)} - {"/data"}
    assert valid_of(structure)


def _in_blocks(structure: str, mutation: Mutation) -> bool:
    """Say whether a block can hold it: no null, no unknown property, only texts; required lists are always there."""
    (field,) = (item for item in effective_fields(structure) if item.xpath == mutation.rule.xpath)
    match mutation.rule.keyword:
        case "null" | "knownProperties":
            return False
        case "type":
            return field.type in {"boolean", "number"}
        case "required":
            return field.type != "array" and field.name != "contacts"
        case "minItems":
            return field.obligation == "required"
        case _:
            return True


@pytest.mark.parametrize("structure", BY_NAME)
def test_the_block_engine_reports_the_same(structure: str) -> None:
    chosen = [mutation for mutation in mutations(structure) if _in_blocks(structure, mutation)]
    found = by_blocks(structure, [mutation.document for mutation in chosen])
    expected = [sorted([(mutation.rule.id, mutation.occurrence), *mutation.others]) for mutation in chosen]
    assert [sorted(findings) for findings in found] == expected
