"""What changed between two versions of a structure's dictionary, as published: errata are no changes."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as columns_of
from typing import Literal

from customers.dictionary import Field, fields

Fact = str | int | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Change:
    """State what became of one xpath: it is new, gone, or says something else; ``facts`` by name, old and new."""

    structure: str
    xpath: str
    change: Literal["added", "removed", "changed"]
    facts: dict[str, tuple[Fact, Fact]]


def changes(structure: str, old: str, new: str) -> list[Change]:
    """Return what changed from one version to another, in the order of the new one, what is gone at the end.

    Raises UsageError for a structure or a version that is not known.
    """
    before = {field.xpath: field for field in fields(structure, old)}
    after = {field.xpath: field for field in fields(structure, new)}
    found = []
    for xpath, field in after.items():
        facts = _facts(before.get(xpath), field)
        if xpath not in before:
            found.append(Change(structure, xpath, "added", facts))
        elif facts:
            found.append(Change(structure, xpath, "changed", facts))
    gone = [field for xpath, field in before.items() if xpath not in after]
    return [*found, *(Change(structure, field.xpath, "removed", _facts(field, None)) for field in gone)]


def _facts(old: Field | None, new: Field | None) -> dict[str, tuple[Fact, Fact]]:
    """Return the facts that differ; of a field that is new or gone, all that it says."""
    names = [column.name for column in columns_of(Field) if column.name != "xpath"]
    pairs = {name: (_fact(old, name), _fact(new, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _fact(field: Field | None, name: str) -> Fact:
    fact: Fact = None if field is None else getattr(field, name)
    return fact or None if isinstance(fact, tuple) else fact
