"""Blocks folded into JSON text, held against the standard library's JSON."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.structures import STRUCTURES
from mappings.fragments import Fragments
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


def changed(value: Any, draw: st.DrawFn) -> Any:  # noqa: ANN401 (any JSON value)
    """Draw another text for each leaf, few of them, or none."""
    match value:
        case dict():
            return {name: changed(inside, draw) for name, inside in value.items()}
        case list():
            return [changed(inside, draw) for inside in value for _ in range(draw(st.integers(0, 2)))]
        case str():
            return draw(st.sampled_from([None, None, "", "a", 'q"', "é\\", "\n"]))
        case _:
            return draw(st.sampled_from([None, value]))


@st.composite
def alike(draw: st.DrawFn, structure: str) -> list[dict[str, Any]]:
    return [changed(good(structure), draw) for _ in range(draw(st.integers(1, 5)))]


@pytest.mark.parametrize("structure", NAMES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_column_told_by_its_distinct_values_makes_the_same_text(
    structure: str, data: st.DataObject
) -> None:
    drawn = data.draw(alike(structure))
    documents = flatten(structure, drawn * 3)
    texts = nest(documents)
    assert texts.to_pylist() == [
        text for one in drawn * 3 for text in nest(flatten(structure, [one])).to_pylist()
    ]
    encoded = {
        xpath: column.dictionary_encode()
        for rows in documents.blocks.values()
        for xpath, column in rows.columns.items()
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(encoded))))
    assert nest(documents, encoded).equals(texts)
    assert nest(documents, {xpath: encoded[xpath] for xpath in chosen}).equals(texts)


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 2), st.none() | st.integers(0, 1)), max_size=12),
    st.integers(0, 2),
)
def test_fragments_are_the_texts_of_their_rows(rows: list[tuple[int | None, int | None]], start: int) -> None:
    here, there = pa.array(["a", "", "ü"]), pa.array(["1", "22"])
    left = Fragments.of(here, pa.array([row[0] for row in rows], pa.int32())[start:])
    right = Fragments.of(there, pa.array([row[1] for row in rows], pa.int32())[start:])
    assert left.followed_by(right).rows().to_pylist() == [
        ("" if one is None else here[one].as_py()) + ("" if two is None else there[two].as_py())
        for one, two in rows[start:]
    ]
