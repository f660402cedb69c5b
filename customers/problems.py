"""What the document engine reports: one problem for each failing rule and place, and never the value itself."""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customers.errata import Class

_SHAPE_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """Name one rule that a document breaks, and where: ``$`` is the data element.

    ``xpath`` is the rule's, ``occurrence`` is the place in this document, such as ``$.contacts.phones[2].areaCode``;
    what is missing has its own path. ``message`` says in English what must hold. ``shape`` is None where there is no
    value to speak of.
    """

    rule: str
    occurrence: str
    xpath: str
    klass: Class
    message: str
    shape: str | None


def _shape_of(character: str) -> str:
    if character.isascii():
        if character.isdigit():
            return "9"
        if character.isalpha():
            return "A"
        return character if character.isprintable() else "?"
    match unicodedata.category(character)[0]:
        case "N":
            return "9"
        case "L" | "M":
            return "A"
        case _:
            return "?"


def _number_text(number: float | Decimal) -> str:
    """Spell a number as JSON does; one with more digits than a shape shows is only measured."""
    if isinstance(number, int) and abs(number) >= 10**_SHAPE_LENGTH:
        return f"{'-' * (number < 0)}{'9' * (_SHAPE_LENGTH + 1)}"
    return str(number) if isinstance(number, Decimal) else json.dumps(number)


def shape(value: object) -> str | None:
    r"""Reduce a JSON value to its shape, as ``customers.findings.shapes`` does for texts; None for null.

    Lists and objects are shown as such, whatever they hold.

    >>> shape("12.345-X"), shape("São Tomé\n"), shape(2021), shape(True), shape({"a": 1}), shape(None)
    ('99.999-A', 'AAA AAAA?', '9999', 'AAAA', '{}', None)
    """
    match value:
        case None:
            return None
        case str():
            text = value
        case bool() | int() | float() | Decimal():
            text = _number_text(value)
        case dict():
            return "{}"
        case list():
            return "[]"
        case _:
            return "?"
    cut = "".join(map(_shape_of, text[:_SHAPE_LENGTH]))
    return f"{cut}…" if len(text) > _SHAPE_LENGTH else cut


def is_text(value: object) -> bool:
    r"""Say whether a value is a JSON string; half a surrogate pair is no text that UTF-8 could hold.

    >>> is_text("São"), is_text(""), is_text("\ud800"), is_text(5)
    (True, True, False, False)
    """
    if not isinstance(value, str):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_number(value: object) -> bool:
    """Say whether a value is a JSON number: no boolean, nor what only Python writes as a number.

    >>> is_number(2021), is_number(20.5), is_number(True), is_number(float("nan")), is_number("2021")
    (True, True, False, False, False)
    """
    match value:
        case bool():
            return False
        case int():
            return True
        case float():
            return math.isfinite(value)
        case Decimal():
            return value.is_finite()
        case _:
            return False
