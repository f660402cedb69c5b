"""The rules of a structure compiled for documents: one function for each node of the dictionary, made once.

A *node* judges one JSON value and everything below it, and reports every rule that fails. What the wrong JSON type
hides is not judged: only the type is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from customers.document_truths import truth
from customers.document_values import names_below, reader
from customers.problems import Problem, is_number, is_text, shape
from customers.rules import EXTENSION
from customers.value_tests import value_test

if TYPE_CHECKING:
    from customers.document_truths import Now, Truth
    from customers.document_values import Row
    from customers.field import Field
    from customers.rule_kinds import FieldRule, ProseRule


@dataclass(slots=True)
class Visit:
    """Collect the problems of one document; ``document`` is its data element."""

    document: Row
    now: Now | None
    problems: list[Problem] = field(default_factory=list)


# Judge a value that is there, at its path in the document.
Node = Callable[[Any, str, Visit], None]
Report = Callable[[Any, str, Visit], None]

_EXTENSION = re.compile(EXTENSION)
# A name that a person gave to a property, and that cannot be a customer's number.
_PLAIN_NAME = re.compile("[A-Za-z_](?:[A-Za-z_-]|[0-9](?![0-9]{2})){0,39}")
_IS_OF_TYPE: Final[dict[str, Callable[[object], bool]]] = {
    "string": is_text,
    "boolean": lambda value: isinstance(value, bool),
    "number": is_number,
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}
# Keywords that are no test of a readable value.
_OF_NODES = frozenset({"required", "type", "null", "minItems", "maxItems", "knownProperties"})


@dataclass(frozen=True)
class Book:
    """Hold what nodes are compiled from: fields by xpath, the rules of each field, the prose rules of each block."""

    fields: Mapping[str, Field]
    of_field: Mapping[tuple[str, bool], tuple[FieldRule, ...]]
    of_block: Mapping[str, tuple[tuple[ProseRule, ...], ...]]

    def rules(self, xpath: str, *, on_items: bool) -> dict[str, FieldRule]:
        """Return the rules of a field, or of its elements, by keyword."""
        return {rule.keyword: rule for rule in self.of_field.get((xpath, on_items), ())}

    def children(self, xpath: str | None) -> Iterable[Field]:
        """Return the fields right below an object."""
        return (child for child in self.fields.values() if child.parent == xpath)


def reporter(rule: FieldRule | ProseRule) -> Report:
    """Return what reports a rule at a path, with the shape of the value there."""
    sentence, name, xpath, klass = rule.english, rule.id, rule.xpath, rule.klass

    def report(value: object, path: str, visit: Visit) -> None:
        visit.problems.append(Problem(name, path, xpath, klass, sentence, shape(value)))

    return report


def _guarded(rules: dict[str, FieldRule], judge: Node) -> Node:
    """Judge a value only if it is of the right type, else report that."""
    is_right = _IS_OF_TYPE[cast("str", rules["type"].argument)]
    wrong, null = reporter(rules["type"]), reporter(rules["null"])

    def node(value: object, path: str, visit: Visit) -> None:
        if is_right(value):
            judge(value, path, visit)
        elif value is None:
            null(value, path, visit)
        else:
            wrong(value, path, visit)

    return node


def _tests(rules: dict[str, FieldRule]) -> Node:
    tests = [(value_test(rule), reporter(rule)) for rule in rules.values() if rule.keyword not in _OF_NODES]

    def judge(value: object, path: str, visit: Visit) -> None:
        for test, report in tests:
            if not test(value):
                report(value, path, visit)

    return judge


def element_node(book: Book, xpath: str) -> Node:
    """Compile one element of a list."""
    rules = book.rules(xpath, on_items=True)
    if book.fields[xpath].items == "string":
        return _guarded(rules, _tests(rules))
    return _guarded(rules, _object(book, xpath, rules["knownProperties"]))


def list_node(book: Book, xpath: str, element: Node | None = None) -> Node:
    """Compile a list, with its elements where their node is given."""
    rules = book.rules(xpath, on_items=False)
    bounds = [
        (is_wrong(cast("int", rule.argument)), reporter(rule))
        for rule, is_wrong in ((rules.get("minItems"), _fewer), (rules.get("maxItems"), _more))
        if rule is not None
    ]

    def judge(value: list[object], path: str, visit: Visit) -> None:
        for is_wrong, report in bounds:
            if is_wrong(len(value)):
                report(value, path, visit)
        if element is None:
            return
        for position, item in enumerate(value):
            element(item, f"{path}[{position}]", visit)

    return _guarded(rules, judge)


def _fewer(least: int) -> Callable[[int], bool]:
    return lambda count: count < least


def _more(most: int) -> Callable[[int], bool]:
    return lambda count: count > most


def node(book: Book, xpath: str) -> Node:
    """Compile a field: a list, an object or a leaf."""
    match book.fields[xpath].type:
        case "array":
            return list_node(book, xpath, element_node(book, xpath))
        case "object":
            rules = book.rules(xpath, on_items=False)
            return _guarded(rules, _object(book, xpath, rules.get("knownProperties")))
        case "string" | "boolean" | "number":
            rules = book.rules(xpath, on_items=False)
            return _guarded(rules, _tests(rules))


def _object(book: Book, xpath: str, known: FieldRule | None) -> Node:
    """Compile an object; where a block's rows are such objects, with the prose rules of the block."""
    steps = [
        (child.name, f".{child.name}", node(book, child.xpath), _missing(book, child))
        for child in book.children(xpath)
    ]
    unknown = _unknown_properties(known, xpath) if known else None
    prose = [_prose(book, xpath, rules) for rules in book.of_block.get(xpath, ())]

    def judge(value: Row, path: str, visit: Visit) -> None:
        seen = 0
        for name, suffix, child, missing in steps:
            if name in value:
                seen += 1
                child(value[name], path + suffix, visit)
            elif missing is not None:
                missing(None, path + suffix, visit)
        if unknown is not None and seen < len(value):
            unknown(value, path, visit)
        for judge_prose in prose:
            judge_prose(value, path, visit)

    return judge


def _missing(book: Book, child: Field) -> Report | None:
    rule = book.rules(child.xpath, on_items=False).get("required")
    return None if rule is None else reporter(rule)


def _unknown_properties(rule: FieldRule, xpath: str) -> Node:
    known = frozenset(cast("tuple[str, ...]", rule.argument))
    sentence = rule.english

    def judge(value: dict[Any, Any], path: str, visit: Visit) -> None:
        for key, item in value.items():
            if key not in known and not (isinstance(key, str) and _EXTENSION.fullmatch(key)):
                place = f"{path}{property_step(key)}"
                visit.problems.append(Problem(rule.id, place, xpath, rule.klass, sentence, shape(item)))

    return judge


def property_step(key: object) -> str:
    """Return the step of an occurrence for an unknown property: its name, or the shape of what may be a value.

    >>> property_step("nickname"), property_step("id2"), property_step("12345678909"), property_step("a b")
    ('.nickname', '.id2', '["99999999999"]', '["A A"]')
    """
    if isinstance(key, str) and _PLAIN_NAME.fullmatch(key):
        return f".{key}"
    return f'["{shape(key)}"]'


def _prose(book: Book, block: str, rules: tuple[ProseRule, ...]) -> Node:
    """Compile prose rules that share id and field: they are reported as one."""
    judged = [
        (truth(rule.when, block, book.fields), truth(rule.must, block, book.fields), rule.english)
        for rule in rules
    ]
    first = rules[0]
    names = names_below(block, first.xpath)
    suffix = "".join(f".{name}" for name in names)
    is_scalar = book.fields[first.xpath].type not in {"object", "array"}
    read = reader(names) if is_scalar else None

    def judge(row: Row, path: str, visit: Visit) -> None:
        broken = [english for when, must, english in judged if _fails(when, must, row, visit)]
        if broken:
            found = None if read is None else shape(read(row))
            message = "; ".join(broken)
            visit.problems.append(Problem(first.id, path + suffix, first.xpath, first.klass, message, found))

    return judge


def _fails(when: Truth, must: Truth, row: Row, visit: Visit) -> bool:
    document, at = visit.document, visit.now
    return when(row, document, at) is True and must(row, document, at) is False
