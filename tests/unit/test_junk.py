"""Junk through every format and document function, and through whole documents: a verdict, never an exception."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from customers.brazil import cep, cnpj, cpf, ddd, ibge
from customers.dictionary import effective_fields
from customers.document_values import names_below
from customers.findings import shapes
from customers.formats import FORMATS
from customers.judge_documents import judge_document, judge_envelope
from customers.models import model_of
from customers.problems import is_number, shape
from customers.rules import field_rules
from customers.structures import BY_NAME
from customers.value_tests import decimal, full_match, value_test
from tests.spec.drawn import DAY, Document, around, valid_of
from tests.spec.mutations import places


def _nested(depth: int) -> Any:  # noqa: ANN401 (any JSON value)
    found: Any = "x"
    for _ in range(depth):
        found = {"x": [found]}
    return found


TEXTS = [
    *(
        "",
        " ",
        "³",
        "😀",
        "\u00a0",
        "19\n",
        "x" * 10_000,
        "9" * 10_000,
        "\ud800",
        "a\udfff",
        "\0",
        "٣",
        "½",
        "\ufdd0x",
    ),
    *(
        "1e1000000000000000000",
        "-0",
        "NaN",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "{",
        "\\",
        "'",
    ),
]
JUNK: list[Any] = [
    *TEXTS,
    *(None, 0, -1, 10**5000, True, 1e308, float("nan"), float("inf"), Decimal("1e999999"), Decimal("NaN")),
    *(
        [],
        {},
        [[]],
        [None],
        {"": None},
        {"x": {}},
        {1: 2},
        b"bytes",
        object(),
        _nested(500),
        dt.date(2020, 1, 1),
    ),
]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_no_document_number_and_no_format_is_made_of_junk(text: str) -> None:
    for module in (cpf, cnpj, cep, ddd, ibge):
        assert module.is_valid(text) is False
    for patterns in FORMATS.values():
        odd_but_real = text.endswith("23:59") and "T" in text
        assert bool(full_match(*patterns)(text)) is (odd_but_real and patterns == FORMATS["date-time"])
    for module in (cpf, cnpj, cep):
        assert isinstance(module.compact(text), str)


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_test_of_a_rule_takes_any_text(structure: str) -> None:
    types = {field.xpath: field.type for field in effective_fields(structure)}
    for rule in field_rules(structure):
        structural = {"required", "type", "null", "minItems", "maxItems", "knownProperties"}
        if rule.keyword not in structural and types[rule.xpath] != "number":
            for text in TEXTS:
                assert value_test(rule)(text) in {True, False, None} or value_test(rule)(text)


def test_a_huge_exponent_is_no_decimal() -> None:
    assert decimal("1e1000000000000000000") is None
    assert decimal("9" * 10_000) == Decimal("9" * 10_000)


@pytest.mark.parametrize("junk", JUNK, ids=lambda value: ascii(type(value).__name__))
@pytest.mark.parametrize("structure", BY_NAME)
def test_junk_as_a_document(structure: str, junk: object) -> None:
    problems = judge_document(structure, junk, reference_date=DAY)
    assert problems
    json.dumps([problem.occurrence + str(problem.shape) for problem in problems], ensure_ascii=False).encode()
    if isinstance(junk, dict):
        judge_envelope(structure, junk)
    with pytest.raises(ValueError, match=r"validation error"):
        model_of(structure).model_validate(junk)


def _places(structure: str) -> list[tuple[Document, str]]:
    document = valid_of(structure)[0]
    fields = [field for field in effective_fields(structure) if field.xpath != "/data"]
    return [(document, place) for field in fields for place in places(document, field.xpath)[:1]]


# Free text that is odd, and yet text that somebody may have: no rule of the standard forbids it.
_MAY_BE_TEXT = frozenset(
    {"³", "😀", "19\n", "\0", "٣", "½", "\ufdd0x", "-0", "NaN", "{", "\\", "'", "1e1000000000000000000"}
    | {text for text in TEXTS if text.endswith("23:59")}
)


@pytest.mark.parametrize("structure", BY_NAME)
def test_junk_at_every_place(structure: str) -> None:
    for document, place in _places(structure):
        holder, last = around(document, place)
        kept = holder[last]
        for junk in JUNK:
            holder[last] = junk
            found = judge_document(structure, document, reference_date=DAY)
            if isinstance(kept, type(junk)) and (junk in _MAY_BE_TEXT if isinstance(junk, str) else True):
                continue
            assert [problem for problem in found if problem.occurrence.startswith(place)], (
                place,
                ascii(junk)[:40],
            )
        holder[last] = kept


@pytest.mark.parametrize(
    "junk", [text for text in TEXTS if "\ud800" not in text and "\udfff" not in text], ids=ascii
)
def test_both_ways_to_a_shape_agree(junk: str) -> None:
    unmarked = junk.replace("\ufdd0", "")
    assert shapes(pa.array([unmarked])).to_pylist() == [shape(unmarked)]


def test_shapes_of_what_is_no_text() -> None:
    assert [
        shape(value) for value in (10**5000, -(10**5000), 2.5, Decimal("2.50"), [1], {"a": 1}, object())
    ] == [*("9" * 64 + "…", "-" + "9" * 63 + "…", "9.9", "9.99", "[]", "{}", "?")]
    assert not is_number(Decimal("NaN"))
    assert names_below("/data", "/data/a/b") == ("a", "b")
