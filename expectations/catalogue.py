"""The rules of a structure as the check stage judges them: each on the rows of one block, each key once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from customers.dictionary import DEFAULT_VERSION, Field, effective_fields
from customers.rule_kinds import FieldRule, ForbiddenWhen, Must, ProseRule, RequiredWhen
from customers.rules import block_path, field_rules, prose_rules
from expectations.masks import RuleKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customers.errata import Class

UNMAPPED = "X-UNMAPPED"
# What cannot be wrong in a block: absent is null there, and a block has no column beyond the dictionary's.
NEVER_APPLIES = frozenset({"null", "knownProperties"})
_DATES = frozenset({"date", "date-time"})


@dataclass(frozen=True, slots=True)
class Judged:
    """Name one rule on one xpath: on which block's rows it is judged, and its keyword or prose kind.

    ``rules`` is one field rule, or the prose rules that share the key (a row fails if it fails one of them),
    or nothing for ``mapped``: the value was read.
    """

    key: RuleKey
    block: str
    kind: str
    klass: Class
    sentence: str
    rules: tuple[FieldRule, ...] | tuple[ProseRule, ...]


@cache
def unread_rule(structure: str, xpath: str, version: str = DEFAULT_VERSION) -> str:
    """Return the one rule that a value fails which staging could not read, by what the leaf is.

    >>> unread_rule("personal_identifications", "/data/birthDate")
    'S-format:/data/birthDate'
    >>> unread_rule("personal_identifications", "/data/brandName")
    'X-UNMAPPED'
    """
    (field,) = (item for item in effective_fields(structure, version) if item.xpath == xpath)
    items = "[]" if field.type == "array" else ""
    if field.domain:
        keyword = "enum"
    elif field.type in {"boolean", "number"}:
        keyword = "type"
    elif field.format in _DATES:
        keyword = "format"
    elif field.pattern is not None:
        keyword = "pattern"
    else:
        return UNMAPPED
    return f"S-{keyword}:{xpath}{items}"


def _kind(rule: ProseRule) -> str:
    match rule:
        case RequiredWhen():
            return "requiredWhen"
        case ForbiddenWhen():
            return "forbiddenWhen"
        case Must():
            return "must"
        case _:
            message = f"{rule.id} is of no kind that the check stage knows"
            raise TypeError(message)


def _of_field(rule: FieldRule, structure: str, version: str) -> Judged:
    """Place a field rule: one on a list's elements in the list's own rows, else in the rows around the field."""
    (field,) = (item for item in effective_fields(structure, version) if item.xpath == rule.xpath)
    own_rows = rule.on_items or rule.xpath == "/data"
    block = rule.xpath if own_rows and field.type == "array" else _around(structure, rule.xpath, version)
    key = RuleKey(rule.id, rule.xpath)
    return Judged(key, block, rule.keyword, rule.klass, rule.english, (rule,))


def _around(structure: str, xpath: str, version: str) -> str:
    return xpath if xpath == "/data" else block_path(structure, xpath, version)


def _unmapped(field: Field, structure: str, version: str) -> Judged:
    block = block_path(structure, field.xpath, version)
    sentence = "must come from a value that the core's configuration knows"
    return Judged(RuleKey(UNMAPPED, field.xpath), block, "mapped", "violation", sentence, ())


def _prose(structure: str, version: str) -> Iterator[Judged]:
    """Unite the prose rules that share id and xpath, because results are counted by these."""
    shared: dict[RuleKey, list[ProseRule]] = {}
    for rule in prose_rules(structure, version):
        shared.setdefault(RuleKey(rule.id, rule.xpath), []).append(rule)
    for key, together in shared.items():
        block = block_path(structure, key.xpath, version)
        sentence = "; ".join(rule.english for rule in together)
        yield Judged(key, block, _kind(together[0]), together[0].klass, sentence, tuple(together))


@cache
def catalogue(structure: str, version: str = DEFAULT_VERSION) -> tuple[Judged, ...]:
    """Return every rule of a structure, field rules first; keys are unique."""
    found = [_of_field(rule, structure, version) for rule in field_rules(structure, version)]
    texts = (field for field in effective_fields(structure, version) if field.type == "string")
    found.extend(
        _unmapped(field, structure, version)
        for field in texts
        if unread_rule(structure, field.xpath, version) == UNMAPPED
    )
    found.extend(_prose(structure, version))
    return tuple(found)
