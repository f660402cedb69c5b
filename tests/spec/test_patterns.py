"""Every pattern means the same to every engine: Python, RE2 (Arrow), and Rust (pydantic)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import StringConstraints, TypeAdapter
from pydantic_core import ValidationError

from customers.conditions import And, Condition, Matches, Not, Or
from customers.dictionary import effective_fields, envelope, versions
from customers.formats import FORMATS, NUMBER, UTC_DATE_TIME
from customers.models import model_of
from customers.rules import EXTENSION, prose_rules
from customers.structures import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

JUNK = (
    *(
        "",
        " ",
        "NA",
        "1091102",
        "1091102\n",
        "109110٢",
        "x3550308",
        "2021-5-1",
        "2021-05-01",
        "2021-05-01\n",
        "ÁUS",
    ),
    *(
        "a b",
        " a",
        "a ",
        "\u00a0a",
        "a\u0085",
        "a\u2028",
        "CAN",
        "can",
        "0.510000",
        "-23.5",
        "1e5",
        "01",
        "SSP/SP",
    ),
    *(
        "2021-05-21T08:30:00Z",
        "2021-05-21t08:30:00z",
        "ana@example.com",
        "ana@example.com\n",
        "ABCD-x",
        "ABCD-x\n",
    ),
)


def _matches(condition: Condition) -> Iterator[str]:
    match condition:
        case Matches(pattern=pattern):
            yield pattern
        case Not(part):
            yield from _matches(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _matches(part)
        case _:
            return


def _patterns() -> set[str]:
    found = {
        EXTENSION,
        NUMBER,
        UTC_DATE_TIME,
        *(pattern for patterns in FORMATS.values() for pattern in patterns),
    }
    fields = [
        field for name in BY_NAME for version in versions() for field in effective_fields(name, version)
    ]
    found |= {field.pattern for field in (*fields, *envelope()) if field.pattern is not None}
    for name in BY_NAME:
        for rule in prose_rules(name):
            found |= {*_matches(rule.when), *_matches(rule.must)}
    return found


def _in_rust(pattern: str, text: str) -> bool:
    adapter = TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("pattern", sorted(_patterns()), ids=ascii)
def test_every_engine_gives_the_same_verdict(pattern: str) -> None:
    assert pattern.isascii() or "\u2028" in pattern
    python = [re.fullmatch(pattern, text) is not None for text in JUNK]
    assert pc.match_substring_regex(pa.array(JUNK), pattern).to_pylist() == python
    assert [_in_rust(pattern, text) for text in JUNK] == python


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("structure", BY_NAME)
def test_every_version_has_a_model(structure: str, version: str) -> None:
    schema = model_of(structure, version).model_json_schema()
    names = {field.name for field in effective_fields(structure, version) if field.parent == "/data"}
    assert set(schema["properties"]) == names
