"""The document engine: every rule of a structure judged on one JSON document.

It reads the same rules as the check stage, which judges blocks, and reports the same rules at the same places; what
only a document can break (null, a wrong JSON type, a property that the dictionary does not have) is judged here alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from customers.dictionary import DEFAULT_VERSION, effective_fields, envelope
from customers.document_rules import Book, Node, Visit, element_node, list_node, node, reporter
from customers.document_truths import now
from customers.problems import Problem
from customers.rules import block_path, envelope_rules, field_rules, prose_rules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from customers.rule_kinds import FieldRule, ProseRule

__all__ = ["Problem", "documents_of", "judge_document", "judge_envelope"]

_DATA = "/data"
_Rule = TypeVar("_Rule")
_Key = TypeVar("_Key")


def _grouped(rules: Iterable[_Rule], key: Callable[[_Rule], _Key]) -> dict[_Key, tuple[_Rule, ...]]:
    found: dict[_Key, list[_Rule]] = {}
    for rule in rules:
        found.setdefault(key(rule), []).append(rule)
    return {name: tuple(together) for name, together in found.items()}


def _of_field(rules: Iterable[FieldRule]) -> Mapping[tuple[str, bool], tuple[FieldRule, ...]]:
    return _grouped(rules, lambda rule: (rule.xpath, rule.on_items))


def _of_block(structure: str, version: str) -> Mapping[str, tuple[tuple[ProseRule, ...], ...]]:
    together = _grouped(prose_rules(structure, version), lambda rule: (rule.id, rule.xpath))
    return _grouped(together.values(), lambda rules: block_path(structure, rules[0].xpath, version))


@cache
def _book(structure: str, version: str) -> Book:
    fields = {field.xpath: field for field in effective_fields(structure, version)}
    return Book(fields, _of_field(field_rules(structure, version)), _of_block(structure, version))


@cache
def _document_node(structure: str, version: str) -> Node:
    book = _book(structure, version)
    is_list = book.fields[_DATA].type == "array"
    return element_node(book, _DATA) if is_list else node(book, _DATA)


def judge_document(
    structure: str,
    document: object,
    *,
    version: str = DEFAULT_VERSION,
    reference_date: dt.date | None = None,
) -> list[Problem]:
    """Return every rule that a document (the data element, or one element of its list) breaks, and where.

    Anything is judged: what is no JSON object breaks the type. A rule that cannot be judged because a type is wrong is
    unknown, not failed. ``reference_date`` is today to rules on time, which without it are unknown too. Raises
    UsageError for a structure or a version that is not known.
    """
    visit = Visit(_as_row(document), None if reference_date is None else now(reference_date))
    _document_node(structure, version)(document, "$", visit)
    return visit.problems


def _as_row(document: object) -> dict[str, Any]:
    return document if isinstance(document, dict) else {}


@cache
def _envelope_nodes() -> tuple[tuple[str, Node, FieldRule], ...]:
    book = Book({field.xpath: field for field in envelope()}, _of_field(envelope_rules()), {})
    return tuple(
        (field.name, node(book, field.xpath), book.rules(field.xpath, on_items=False)["required"])
        for field in book.children(None)
    )


@cache
def _data_node(structure: str, version: str) -> Node | None:
    """Compile what is asked of a list of documents itself; a single document answers for itself."""
    book = _book(structure, version)
    return list_node(book, _DATA) if book.fields[_DATA].type == "array" else None


def judge_envelope(
    structure: str, around: Mapping[str, object], *, version: str = DEFAULT_VERSION
) -> list[Problem]:
    """Return what an envelope breaks in ``links``, in ``meta`` and in its having data; not what the documents break."""
    visit = Visit({}, None)
    for name, judge, missing in _envelope_nodes():
        if name in around:
            judge(around[name], f"$.{name}", visit)
        else:
            reporter(missing)(None, f"$.{name}", visit)
    data = _data_node(structure, version)
    if "data" not in around:
        reporter(_book(structure, version).rules(_DATA, on_items=False)["required"])(None, "$", visit)
    elif data is not None:
        data(around["data"], "$", visit)
    return visit.problems


def documents_of(
    structure: str, around: Mapping[str, object], version: str = DEFAULT_VERSION
) -> list[object]:
    """Return the documents of an envelope; none where it has no data.

    An object where a list should be (``judge_envelope`` says so) is judged as the only document.

    >>> documents_of("personal_qualifications", {"data": {}}), documents_of("personal_identifications", {"data": {}})
    ([{}], [{}])
    >>> documents_of("personal_identifications", {"data": "text"})
    []
    """
    if "data" not in around:
        return []
    data = around["data"]
    if _data_node(structure, version) is None:
        return [data]
    if isinstance(data, dict):
        return [data]
    return data if isinstance(data, list) else []
