"""The drawn rules: examples of ``tests/spec/rules``, each a change of a valid document, and the two engines.

How an example is written: ``tests/spec/rules/README.md``.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.dictionary import DEFAULT_VERSION, effective_fields
from customers.judge_documents import judge_document
from customers.problems import is_number
from customers.unread import UNREAD
from expectations.judge import judge
from tests.flatten import flatten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from customers.field import Field

Document = dict[str, Any]
Found = frozenset[tuple[str, str]]

HERE = Path(__file__).parent
DAY = dt.date(2026, 11, 20)

_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")


@dataclass(frozen=True)
class Example:
    """Hold one drawn document and what is to be found in it; ``rule`` is None for what is legal.

    ``documents_only`` says why no block can hold it.
    """

    rule: str | None
    structure: str
    document: Document
    expected: Found
    documents_only: str | None
    name: str


@cache
def _stored(name: str) -> Document:
    found: Document = json.loads((HERE / "documents" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def valid(name: str) -> Document:
    """Return a copy of a valid document; ``<structure>``, or ``<structure>.<variant>``."""
    return copy.deepcopy(_stored(name))


def valid_of(structure: str) -> list[Document]:
    """Return every valid document of a structure, the richest first."""
    names = sorted(path.stem for path in (HERE / "documents").glob("*.json"))
    return [valid(name) for name in names if name.partition(".")[0] == structure]


def steps(occurrence: str) -> list[str | int]:
    """Split an occurrence.

    >>> steps("$.contacts.phones[1].areaCode")
    ['contacts', 'phones', 1, 'areaCode']
    """
    return [name or int(index) for name, index in _STEP.findall(occurrence)]


def around(document: Document, occurrence: str) -> tuple[Any, str | int]:
    """Return the object or list that holds a place, and the last step to it."""
    *way, last = steps(occurrence)
    found: Any = document
    for step in way:
        found = found[step]
    return found, last


def put(document: Document, occurrence: str, value: object) -> None:
    """Set a place of a document."""
    holder, last = around(document, occurrence)
    holder[last] = value


def remove(document: Document, occurrence: str) -> None:
    """Take a place out of a document."""
    holder, last = around(document, occurrence)
    del holder[last]


def _changed(structure: str, change: dict[str, Any]) -> Document:
    document = valid(change.get("base", structure))
    for occurrence, value in change.get("set", {}).items():
        put(document, occurrence, copy.deepcopy(value))
    for occurrence in change.get("null", ()):
        put(document, occurrence, None)
    for occurrence in change.get("remove", ()):
        remove(document, occurrence)
    return document


def _pairs(entries: Iterable[list[str]]) -> Iterator[tuple[str, str]]:
    return ((rule, occurrence) for rule, occurrence in entries)


def _of_rule(entry: dict[str, Any], file: str) -> Iterator[Example]:
    for structure in entry["on"]:
        for kind in ("good", "bad"):
            for number, change in enumerate(entry.get(kind, ()), start=1):
                found = {(entry["id"], change["at"])} if kind == "bad" else set()
                yield Example(
                    entry["id"],
                    structure,
                    _changed(structure, change),
                    frozenset({*found, *_pairs(change.get("also", ()))}),
                    change.get("documents_only", entry.get("documents_only")),
                    f"{file}: {entry['id']} on {structure}, {kind} {number}",
                )


@cache
def examples() -> tuple[Example, ...]:
    """Return every drawn example, file by file."""
    found: list[Example] = []
    for path in sorted((HERE / "rules").glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in table.get("rule", ()):
            found += _of_rule(entry, path.name)
        for entry in table.get("legal", ()):
            for structure in entry["on"]:
                name = f"{path.name}: {entry['says']}, on {structure}"
                found.append(Example(None, structure, _changed(structure, entry), frozenset(), None, name))
    return tuple(found)


def by_documents(structure: str, document: object) -> list[tuple[str, str]]:
    """Return what the document engine finds."""
    return [
        (problem.rule, problem.occurrence)
        for problem in judge_document(structure, document, reference_date=DAY)
    ]


def by_blocks(structure: str, documents: list[Document]) -> list[list[tuple[str, str]]]:
    """Return what the block engine finds in each document; nothing is left out of them."""
    refs = pa.array([str(number) for number in range(len(documents))], pa.string())
    blocks = flatten(structure, [unread_where_wrong(structure, document) for document in documents])
    judgement = judge(blocks, refs=refs, reference_date=DAY, severity_table=HERE / "no_exceptions.toml")
    found: list[list[tuple[str, str]]] = [[] for _ in documents]
    for row in judgement.findings.to_pylist():
        found[int(row["customer_ref"])].append((row["rule"], row["occurrence"]))
    return found


def unread_where_wrong(structure: str, document: Document) -> Document:
    """Mark flags and numbers of another type as staging would: it could not read them."""
    fields = {field.xpath: field for field in effective_fields(structure, DEFAULT_VERSION)}

    def marked(value: Any, xpath: str) -> Any:  # noqa: ANN401 (any JSON value)
        if isinstance(value, dict):
            return {name: marked(item, f"{xpath}/{name}") for name, item in value.items()}
        if isinstance(value, list):
            return [marked(item, xpath) for item in value]
        return f"{UNREAD}{value}" if value is not None and _is_wrong(value, fields[xpath]) else value

    found: Document = marked(document, "/data")
    return found


def _is_wrong(value: object, field: Field) -> bool:
    match field.type:
        case "boolean":
            return not isinstance(value, bool)
        case "number":
            return not is_number(value)
        case _:
            return False
