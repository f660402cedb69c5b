"""Documents for Hypothesis: valid ones of ``tests/spec``, changed in places and ways that the dictionary names.

Only what blocks can hold as well: no null, no unknown property, no empty object, required lists always there.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from customers.dictionary import effective_fields
from tests.spec.drawn import Document, around, valid_of
from tests.spec.mutations import places

if TYPE_CHECKING:
    from customers.field import Field

_ODD_TEXTS = (
    *(
        "",
        " ",
        "\u00a0",
        "\ufeff",
        "\u3000x",
        "x\n",
        "NA",
        " n/a",
        "Não Informado",
        "NAO_SE_APLICA",
        "nao aplicável",
    ),
    *(
        "x",
        "X" * 71,
        "ã" * 70,
        "😀" * 71,
        "BRA",
        "bra",
        "XXX",
        "PRT",
        "BRL",
        "AAA",
        "CAN BRA",
        "SSP/SP",
        "SSP SP\n",
    ),
    *(
        "0",
        "7",
        "11",
        "011",
        "20",
        "55",
        "0000",
        "12345678",
        "1234567",
        "3550308",
        "3304557",
        "9950308",
        "٣٥٥٠٣٠٨",
    ),
    *("12345678909", "12345678900", "11111111111", "12345678000195", "12345678000190", "12ABC34501DE35"),
    *(
        "2021-02-28",
        "2021-02-29",
        "2021-2-8",
        "0000-01-01",
        "9999-12-31",
        "2026-11-20",
        "2026-11-21",
        "2021-11-19",
    ),
    *("2026-11-21T02:59:59Z", "2026-11-21T03:00:00Z", "2026-11-21t03:00:00z", "2026-11-20T23:59:60Z"),
    *(
        "2026-11-20T23:59:59-03:00",
        "2026-11-21T00:00:00-03:00",
        "2021-02-29T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
    ),
    *("9999-12-31T23:59:59-23:59", "2021-05-21T08:30:00.123456789Z", "2021-05-21T08:30:00"),
    *(
        "90.0",
        "-90.000000001",
        "180.00000001",
        "05.5",
        "-0.0",
        "1e2",
        "1E999999999",
        "9" * 400,
        "1,5",
        "NaN",
        "Infinity",
    ),
    *("0.250000", "0.249999", "1.000001", "0.51", "1000.00", "-1.0000", "1.00000"),
    *(
        "a@x",
        "a@b@c",
        "a..b@x.com",
        "a" * 65 + "@x.com",
        "2124-05",
        "-.-",
        "5a1e-12345678909",
        "https://x.example",
    ),
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufdd0"), max_size=12)
_NUMBERS = st.one_of(
    st.sampled_from((999, 1000, 2025, 9999, 10000, -1, 2025.0, 2025.5, 1e300, 10**30, "2025", "x", True)),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)


@cache
def _fields(structure: str) -> dict[str, Field]:
    return {field.xpath: field for field in effective_fields(structure)}


@cache
def _seen(structure: str, xpath: str) -> tuple[Any, ...]:
    """Return the values that the valid documents have at an xpath."""
    found = []
    for document in valid_of(structure):
        for place in places(document, xpath):
            holder, last = around(document, place)
            found.append(holder[last])
    return tuple(found)


@cache
def _values(structure: str, xpath: str) -> st.SearchStrategy[Any]:
    """Return values for a leaf, or for an element of a list of scalars."""
    field = _fields(structure)[xpath]
    match field.type:
        case "boolean":
            return st.sampled_from((True, False, "true", "sim", 0))
        case "number":
            return _NUMBERS
        case _:
            seen = _seen(structure, xpath)
            known = [item for value in seen for item in (value if isinstance(value, list) else [value])]
            return st.one_of(st.sampled_from((*known, *field.domain, *_ODD_TEXTS)), _TEXTS)


def _holders(document: Document, field: Field) -> list[Document]:
    """Return the objects of a document in which a field may stand."""
    if field.parent == "/data":
        return [document]
    found = []
    for place in places(document, field.parent or ""):
        holder, last = around(document, place)
        value = holder[last]
        found += value if isinstance(value, list) else [value]
    return found


def _change_list(draw: st.DrawFn, holder: Document, field: Field, structure: str) -> None:
    elements = holder.get(field.name, [])
    match draw(st.sampled_from(("clear", "repeat", "add"))):
        case "repeat" if elements:
            elements.append(copy.deepcopy(draw(st.sampled_from(elements))))
        case "add" if field.items == "string":
            elements.append(draw(_values(structure, field.xpath)))
        case "add":
            elements.append(copy.deepcopy(draw(st.sampled_from(_elements(structure, field.xpath)))))
        case _:
            elements = []
    if elements or field.obligation == "required":
        holder[field.name] = elements
    else:
        holder.pop(field.name, None)


@cache
def _elements(structure: str, xpath: str) -> tuple[Document, ...]:
    return tuple(item for value in _seen(structure, xpath) for item in value) or ({},)


def _change(draw: st.DrawFn, document: Document, structure: str) -> None:
    fields = [
        field for field in _fields(structure).values() if field.type != "object" and field.xpath != "/data"
    ]
    field = draw(st.sampled_from(fields))
    holders = _holders(document, field)
    if not holders:
        return
    holder = holders[draw(st.integers(0, len(holders) - 1))]
    if field.type == "array":
        _change_list(draw, holder, field, structure)
    elif draw(st.booleans()):
        holder[field.name] = draw(_values(structure, field.xpath))
    else:
        holder.pop(field.name, None)


def _without_empty_objects(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    if isinstance(value, list):
        return [_without_empty_objects(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_empty_objects(item) for name, item in value.items()}
    return {name: item for name, item in kept.items() if item != {}}


@st.composite
def documents(draw: st.DrawFn, structure: str) -> Document:
    """Draw a valid document of a structure with some changes."""
    document = copy.deepcopy(draw(st.sampled_from(valid_of(structure))))
    for _ in range(draw(st.integers(0, 6))):
        _change(draw, document, structure)
    found: Document = _without_empty_objects(document)
    return found
