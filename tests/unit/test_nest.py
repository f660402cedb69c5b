"""Blocks folded into JSON text, held against the standard library's JSON."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.structures import STRUCTURES
from mappings.nest import content_hashes, escaped, nest
from tests.flatten import flatten
from tests.invented import good

NAMES = [structure.name for structure in STRUCTURES]


def nested(structure: str, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in nest(flatten(structure, list(documents))).to_pylist()]


@given(st.lists(st.text() | st.none()))
def test_text_is_escaped_as_json_wants_it(texts: list[str | None]) -> None:
    found = escaped(pa.array(texts, pa.string())).to_pylist()
    assert [text if text is None else json.loads(f'"{text}"') for text in found] == texts


@pytest.mark.parametrize("structure", NAMES)
def test_a_document_comes_back_as_it_was(structure: str) -> None:
    assert nested(structure, good(structure), good(structure)) == [good(structure), good(structure)]


@pytest.mark.parametrize("structure", NAMES)
def test_the_text_is_compact_and_in_the_dictionarys_order(structure: str) -> None:
    (text,) = nest(flatten(structure, [good(structure)])).to_pylist()
    assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    assert text.startswith('{"updateDateTime":"2026-11-20T03:00:00Z",')


@pytest.mark.parametrize("structure", NAMES)
def test_no_documents(structure: str) -> None:
    assert nest(flatten(structure, [])).to_pylist() == []
    assert content_hashes(pa.array([], pa.string())).to_pylist() == []


def without(structure: str, *names: str) -> dict[str, Any]:
    return {name: value for name, value in good(structure).items() if name not in names}


@pytest.mark.parametrize(
    ("structure", "optional"),
    [
        ("personal_identifications", ("socialName", "otherDocuments", "nationality", "filiation")),
        ("business_identifications", ("tradeName", "otherDocuments")),
        (
            "personal_qualifications",
            ("occupationCode", "occupationDescription", "informedIncome", "informedPatrimony"),
        ),
        ("business_qualifications", ("economicActivities", "informedRevenue", "informedPatrimony")),
        (
            "personal_financial_relations",
            ("portabilitiesReceived", "paychecksBankLink", "productsServicesTypeAdditionalInfo"),
        ),
    ],
)
def test_what_is_optional_and_absent_is_left_out(structure: str, optional: tuple[str, ...]) -> None:
    bare = without(structure, *optional)
    assert nested(structure, bare, good(structure)) == [bare, good(structure)]


@pytest.mark.parametrize(
    ("structure", "required"),
    [
        ("business_identifications", ("parties",)),
        ("personal_financial_relations", ("procurators", "accounts")),
        ("business_financial_relations", ("procurators", "accounts")),
    ],
)
def test_a_required_list_without_elements_is_empty(structure: str, required: tuple[str, ...]) -> None:
    bare = without(structure, *required)
    assert nested(structure, bare) == [bare | {name: [] for name in required}]


def test_contacts_are_three_lists_even_when_empty() -> None:
    bare = without("personal_identifications", "contacts")
    contacts: dict[str, list[Any]] = {"postalAddresses": [], "phones": [], "emails": []}
    assert nested("personal_identifications", bare) == [bare | {"contacts": contacts}]


def test_an_object_starts_with_whichever_member_is_there() -> None:
    document = without("business_qualifications", "informedRevenue")
    document["informedRevenue"] = {"amount": {"amount": "1.00", "currency": "BRL"}, "year": 2025}
    passport = without("personal_identifications", "documents")
    passport["documents"] = {"passport": {"number": "X", "country": "CAN"}}
    assert nested("business_qualifications", document) == [document]
    assert nested("personal_identifications", passport) == [passport]


def test_lists_inside_lists_stay_with_their_own_parent() -> None:
    document = good("personal_identifications")
    document["nationality"] = [
        {
            "otherNationalitiesInfo": code,
            "documents": [{"type": "ID", "number": f"{code}{n}"} for n in range(count)],
        }
        for code, count in (("CAN", 3), ("USA", 1), ("PRT", 2))
    ]
    assert nested("personal_identifications", document, document)[1] == document


def test_equal_bytes_have_equal_hashes() -> None:
    one, other, same = content_hashes(pa.array(["{}", '{"a":1}', "{}"])).to_pylist()
    assert one == same != other
    assert len(one) == 32
