"""Break each rule of a field alone: one change of a valid document for every rule and field, made from the rules."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from customers.rules import field_rules
from tests.spec.drawn import Document, around, by_documents, put, remove, valid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from customers.rule_kinds import FieldRule, Keyword

_WRONG_TYPE: dict[str, object] = {
    "string": 5,
    "boolean": "true",
    "number": "2025",
    "object": "x",
    "array": {"x": 1},
}
_NOT_REAL = {
    "date": "2021-02-29",
    "date-time": "2021-02-29T08:30:00Z",
    "email": "ana@lima@example.com",
}
# Texts that break a pattern and, with luck, nothing else: wrong letter case, blanks, letters for digits.
_ODD = (
    *("2021-02-28t08:30:00z", "2021-2-28", "x3550308", "A.000000", "A.00", "355030A", "1122233300018A"),
    *(" CAN", "Padaria ", "brl", "A1", "A", "-", "123A"),
)


@dataclass(frozen=True)
class Mutation:
    """Hold a document that breaks one rule of a field, where it does, and what else is found in it."""

    rule: FieldRule
    document: Document
    occurrence: str
    others: tuple[tuple[str, str], ...]


def places(document: Document, xpath: str) -> list[str]:
    """Return where an xpath is present in a document; of a list the list itself, not its elements."""

    def below(found: Any, names: list[str], path: str) -> Iterator[str]:  # noqa: ANN401 (any JSON value)
        if not names:
            yield path
        elif isinstance(found, list):
            for position, item in enumerate(found):
                yield from below(item, names, f"{path}[{position}]")
        elif names[0] in found:
            yield from below(found[names[0]], names[1:], f"{path}.{names[0]}")

    return list(below(document, xpath.removeprefix("/data").split("/")[1:], "$"))


def _read(document: Document, occurrence: str) -> Any:  # noqa: ANN401 (any JSON value)
    if occurrence == "$":
        return document
    holder, last = around(document, occurrence)
    return holder[last]


# Keyword to values that should break it, given its argument and a value that keeps it.
_BAD: dict[Keyword, Callable[[Any, Any], list[Any]]] = {
    "type": lambda name, _: [_WRONG_TYPE[name]],
    "null": lambda _, __: [None],
    "minLength": lambda least, value: [value[: least - 1]],
    "maxLength": lambda most, value: [value + end * (most + 1 - len(value)) for end in ("0", "x", "X")],
    "pattern": lambda _, value: [*_ODD, value.lower(), f"A{value[1:]}"],
    "format": lambda name, _: [_NOT_REAL[name]],
    "utcDateTime": lambda _, value: [value.lower()],
    "enum": lambda _, __: ["FORA_DO_DOMINIO"],
    "minItems": lambda least, value: [value[: least - 1]],
    "maxItems": lambda most, value: [[*value, *(["SEGURO"] * most)]],
    "maximum": lambda most, _: [most + 1],
    "knownProperties": lambda _, value: [{**value, "nickname": "x"}],
    "notBlank": lambda _, __: ["  ", " "],
    "notFiller": lambda _, __: ["não informado", "N/A", "NA"],
    "yearRange": lambda bounds, _: [bounds[0] - 1],
    "isoCountry": lambda _, __: ["XXX"],
    "checkDigits": lambda _, value: [f"{value[:-1]}{(int(value[-1]) + 1) % 10}"],
}


def _targets(rule: FieldRule, document: Document) -> Iterator[str]:
    """Yield the places that the rule speaks of."""
    for place in places(document, rule.xpath) if rule.xpath != "/data" else ["$"]:
        if rule.on_items and rule.xpath != "/data":
            yield from (f"{place}[{position}]" for position in range(len(_read(document, place))))
        else:
            yield place


def _broken(rule: FieldRule, document: Document, place: str) -> Iterator[tuple[Document, str]]:
    """Yield changed documents, and where the rule should be reported."""
    if rule.keyword == "required":
        changed = copy.deepcopy(document)
        remove(changed, place)
        yield changed, place
        return
    for value in _BAD[rule.keyword](rule.argument, _read(document, place)):
        if place == "$":
            yield value, place
            continue
        changed = copy.deepcopy(document)
        put(changed, place, value)
        yield changed, place


def _candidates(structure: str, rule: FieldRule) -> Iterator[Mutation]:
    for document in valid_of(structure):
        for place in _targets(rule, document):
            for changed, broken_at in _broken(rule, document, place):
                at = f"{broken_at}.nickname" if rule.keyword == "knownProperties" else broken_at
                found = by_documents(structure, changed)
                if (rule.id, at) in found:
                    found.remove((rule.id, at))
                    yield Mutation(rule, changed, at, tuple(sorted(found)))


@cache
def mutations(structure: str) -> tuple[Mutation, ...]:
    """Return for each field rule of a structure the change that breaks least else, the first of equal ones.

    A rule that no change breaks is not among them.
    """
    candidates = ([*_candidates(structure, rule)] for rule in of_one_document(structure))
    return tuple(min(found, key=lambda mutation: len(mutation.others)) for found in candidates if found)


def of_one_document(structure: str) -> tuple[FieldRule, ...]:
    """Return the field rules without those on ``data`` as a property of the envelope."""
    is_list = structure.endswith("identifications")
    return tuple(
        rule
        for rule in field_rules(structure)
        if rule.xpath != "/data" or (rule.keyword != "required" and rule.on_items == is_list)
    )
