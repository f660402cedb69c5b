"""All rules of a structure: of single fields, read from the dictionary and its errata, and the prose rules.

Ids: ``S-<keyword>:<xpath>`` for what the schema says, ``D-null:<xpath>``, else the id of the rule catalogue,
which may then stand at several xpaths. A rule on the elements of a list ends with ``[]``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from customers.advice_rules import ADVICE_RULES
from customers.dictionary import DEFAULT_VERSION, Field, effective_fields, envelope, fields
from customers.errata import Errata, errata
from customers.formats import FORMATS_WITHOUT_RULE, UTC_DATE_TIME
from customers.prose_rules import PROSE_RULES
from customers.rule_kinds import FieldRule, Keyword, ProseRule
from customers.text import FILLERS
from customers.undecidable import UNDECIDABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EXTENSION", "UNDECIDABLE", "FieldRule", "ProseRule", "block_path", "field_rules", "rules"]

# A participant's own property: its four capitals, a hyphen, a name.
EXTENSION = "^[A-Z]{4}-[0-9A-Za-z_-]+$"


def _schema(keyword: Keyword, field: Field, argument: object, *, on_items: bool = False) -> FieldRule:
    tier = "D" if keyword == "null" else "S"
    return FieldRule(
        f"{tier}-{keyword}:{field.xpath}{'[]' * on_items}", keyword, field.xpath, on_items, argument
    )


def _node_rules(field: Field) -> Iterator[FieldRule]:
    if field.obligation == "required":
        yield _schema("required", field, None)
    yield _schema("type", field, field.type)
    yield _schema("null", field, None)
    if field.min_items:
        yield _schema("minItems", field, field.min_items)
    if field.max_items is not None:
        yield _schema("maxItems", field, field.max_items)
    if field.items is not None:
        yield _schema("type", field, field.items, on_items=True)
        yield _schema("null", field, None, on_items=True)


def _value_rules(field: Field) -> Iterator[FieldRule]:
    on_items = field.type == "array"
    if field.min_length:
        yield _schema("minLength", field, field.min_length, on_items=on_items)
    if field.max_length is not None:
        yield _schema("maxLength", field, field.max_length, on_items=on_items)
    if field.pattern is not None:
        yield _schema("pattern", field, field.pattern, on_items=on_items)
    if field.format is not None and field.format not in FORMATS_WITHOUT_RULE:
        yield _schema("format", field, field.format, on_items=on_items)
    if field.domain:
        yield _schema("enum", field, field.domain, on_items=on_items)
    if field.maximum is not None:
        yield _schema("maximum", field, field.maximum)


def _free_text_rules(field: Field, published: Field, known: Errata) -> Iterator[FieldRule]:
    """Ask of free text what the standard forbids everywhere: blanks, where no pattern does, and fillers."""
    judged = field.type != "string" or field.domain or field.format
    if judged or not known.lets_any_text_through(published.pattern):
        return
    if field.pattern is None:
        yield FieldRule("G-EMPTY", "notBlank", field.xpath, False, None)  # noqa: FBT003 (on_items)
    yield FieldRule("G-NA", "notFiller", field.xpath, False, FILLERS)  # noqa: FBT003 (on_items)


def _object_rules(field: Field, names: dict[str, list[str]]) -> Iterator[FieldRule]:
    if field.type == "object" or field.items == "object":
        known, on_items = tuple(names[field.xpath]), field.type == "array"
        yield FieldRule("unknown-property", "knownProperties", field.xpath, on_items, known)


def _checks(field: Field, structure: str, known: Errata) -> Iterator[FieldRule]:
    for check in known.checks:
        if field.xpath in check.where.get(structure, ()):
            argument = UTC_DATE_TIME if check.keyword == "utcDateTime" else check.argument
            keyword = cast("Keyword", check.keyword)
            yield FieldRule(check.rule, keyword, field.xpath, field.type == "array", argument, check.klass)


def _renamed(rule: FieldRule, structure: str, known: Errata) -> FieldRule:
    """Report a failure under the id that an erratum gives to it."""
    attribute = {"min_items": "minItems", "max_length": "maxLength"}
    for amendment in known.amendments:
        amended = {attribute[name] for name in amendment.set if name in attribute}
        if amendment.rule and rule.keyword in amended and rule.xpath in amendment.where.get(structure, ()):
            return FieldRule(
                amendment.rule, rule.keyword, rule.xpath, rule.on_items, rule.argument, rule.klass
            )
    return rule


@cache
def field_rules(structure: str, version: str = DEFAULT_VERSION) -> tuple[FieldRule, ...]:
    """Return the rules of single fields of a structure, in dictionary order; (id, xpath) is unique."""
    known, effective = errata(version), effective_fields(structure, version)
    names: dict[str, list[str]] = {field.xpath: [] for field in effective}
    for field in effective:
        if field.parent is not None:
            names[field.parent].append(field.name)
    found: list[FieldRule] = []
    for field, published in zip(effective, fields(structure, version), strict=True):
        found += [_renamed(rule, structure, known) for rule in (*_node_rules(field), *_value_rules(field))]
        found += _object_rules(field, names)
        found += _free_text_rules(field, published, known)
        found += _checks(field, structure, known)
    return tuple(found)


@cache
def envelope_rules() -> tuple[FieldRule, ...]:
    """Return the rules of ``/links`` and ``/meta``, the same for all structures from 2.1.0 on."""
    found = [rule for field in envelope() for rule in (*_node_rules(field), *_value_rules(field))]
    utc = FieldRule("P-DATETIME-UTC", "utcDateTime", "/meta/requestDateTime", False, UTC_DATE_TIME)  # noqa: FBT003
    return (*found, utc)


@cache
def prose_rules(structure: str, version: str = DEFAULT_VERSION) -> tuple[ProseRule, ...]:
    """Return the prose rules of a structure, advice last.

    A rule applies to the versions that have every xpath it names: what 2.1.0 added has no rule in 2.0.0.
    """
    known = {field.xpath for field in effective_fields(structure, version)}
    return tuple(
        rule for rule in (*PROSE_RULES, *ADVICE_RULES) if structure in rule.on and rule.xpaths <= known
    )


def rules(structure: str, version: str = DEFAULT_VERSION) -> tuple[FieldRule | ProseRule, ...]:
    """Return all rules of a structure; prose rules may share id and xpath, field rules do not."""
    return (*field_rules(structure, version), *prose_rules(structure, version))


@cache
def block_path(structure: str, xpath: str, version: str = DEFAULT_VERSION) -> str:
    """Return the block on whose rows a prose rule reported at an xpath is judged.

    It is the nearest list above, else ``/data``.

    >>> block_path("personal_identifications", "/data/contacts/phones/areaCode")
    '/data/contacts/phones'
    >>> block_path("personal_identifications", "/data/contacts/phones")
    '/data'
    """
    lists = {"/data"} | {
        field.xpath for field in effective_fields(structure, version) if field.type == "array"
    }
    above = xpath.rpartition("/")[0]
    while above not in lists:
        above = above.rpartition("/")[0]
    return above
