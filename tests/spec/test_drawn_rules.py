"""The drawn rules judge both engines: each finds what is drawn, where it is drawn, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from customers.dictionary import effective_fields
from customers.document_truths import now, truth
from customers.rules import block_path, field_rules, prose_rules, rules
from customers.structures import BY_NAME
from tests.spec.drawn import DAY, Document, Example, around, by_blocks, by_documents, examples, valid_of
from tests.spec.mutations import places

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = [pytest.param(example, id=example.name) for example in examples()]


@pytest.mark.parametrize("example", EVERY)
def test_the_document_engine_finds_what_is_drawn(example: Example) -> None:
    assert Counter(by_documents(example.structure, example.document)) == Counter(example.expected)


@pytest.mark.parametrize("structure", BY_NAME)
def test_the_block_engine_finds_what_is_drawn(structure: str) -> None:
    drawn = [
        example for example in examples() if example.structure == structure and not example.documents_only
    ]
    found = by_blocks(structure, [example.document for example in drawn])
    assert {example.name: Counter(findings) for example, findings in zip(drawn, found, strict=True)} == {
        example.name: Counter(example.expected) for example in drawn
    }


@pytest.mark.parametrize("structure", BY_NAME)
def test_valid_documents_are_valid(structure: str) -> None:
    documents = valid_of(structure)
    assert documents
    assert [by_documents(structure, document) for document in documents] == [[] for _ in documents]
    assert by_blocks(structure, documents) == [[] for _ in documents]


def xpath_of(occurrence: str) -> str:
    return "/data" + re.sub(r"\[[0-9]+\]", "", occurrence).removeprefix("$").replace(".", "/")


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_prose_rule_is_drawn_broken_wherever_it_stands(structure: str) -> None:
    drawn = {
        (rule, xpath_of(occurrence))
        for example in examples()
        if example.structure == structure
        for rule, occurrence in example.expected
    }
    assert {(rule.id, rule.xpath) for rule in prose_rules(structure)} - drawn == set()


def rows(document: Document, block: str) -> Iterator[Document]:
    """Yield the rows of a block that a document has."""
    if block == "/data":
        yield document
        return
    for place in places(document, block):
        holder, last = around(document, place)
        yield from holder[last]


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_prose_rule_is_drawn_kept(structure: str) -> None:
    """In some valid or drawn document the rule applies, and holds."""
    fields = {field.xpath: field for field in effective_fields(structure)}
    documents = [*valid_of(structure), *(item.document for item in examples() if item.structure == structure)]
    never = []
    for rule in prose_rules(structure):
        block = block_path(structure, rule.xpath)
        when, must = truth(rule.when, block, fields), truth(rule.must, block, fields)
        kept = (
            when(row, document, now(DAY)) and must(row, document, now(DAY))
            for document in documents
            for row in rows(document, block)
        )
        if not any(kept):
            never.append((rule.id, rule.xpath))
    assert never == []


def test_every_kind_of_field_rule_is_drawn_broken() -> None:
    drawn = {rule for example in examples() for rule, _ in example.expected}
    by_kind = {(rule.keyword, rule.on_items): set[str]() for name in BY_NAME for rule in field_rules(name)}
    for name in BY_NAME:
        for rule in field_rules(name):
            by_kind[rule.keyword, rule.on_items].add(rule.id)
    assert [kind for kind, ids in by_kind.items() if not ids & drawn] == []


def test_each_example_names_a_rule_that_its_structure_has() -> None:
    for example in examples():
        known = {rule.id for rule in rules(example.structure)}
        assert {rule for rule, _ in example.expected} <= known, example.name
        assert example.rule is None or example.rule in known, example.name
