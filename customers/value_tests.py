"""Tests of single values: what a keyword or a condition asks of one text or number, compiled once.

The check stage asks the same of whole columns; see ``customers.rule_kinds`` for what each keyword means.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from customers.brazil import cnpj, cpf
from customers.formats import FORMATS, NUMBER
from customers.reference import TableName, table
from customers.text import BLANKS

if TYPE_CHECKING:
    from customers.conditions import NumberKind
    from customers.rule_kinds import FieldRule

Test = Callable[[Any], object]

_CPF_LENGTH = 11
_NUMBER = re.compile(NUMBER)
_LETTERS = re.compile("[A-Za-z]+")


@cache
def full_match(*patterns: str) -> Test:
    """Return the test whether a whole text matches every one of the patterns."""
    first, *others = (re.compile(pattern).fullmatch for pattern in patterns)
    if not others:
        return first
    return lambda text: first(text) is not None and all(match(text) is not None for match in others)


def is_not_blank(text: str) -> bool:
    r"""Say whether anything is left once blanks are trimmed.

    >>> is_not_blank("a"), is_not_blank("\u00a0\n")
    (True, False)
    """
    return text.strip(BLANKS) != ""


def check_digits(number: NumberKind) -> Test:
    """Return the test whether a text is a CPF or CNPJ with right check digits."""
    match number:
        case "cpf":
            return cpf.is_valid
        case "cnpj":
            return cnpj.is_valid
        case "cpf-or-cnpj":
            return lambda text: (cpf if len(text) == _CPF_LENGTH else cnpj).is_valid(text)


def decimal(text: str) -> Decimal | None:
    """Read a text as a JSON number; None where it is none, or one that no decimal can hold.

    >>> decimal("-23.5"), decimal("0.51e1"), decimal("1,5")
    (Decimal('-23.5'), Decimal('5.1'), None)
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def all_codes(name: TableName) -> Test:
    """Return the test whether a text has codes, and every run of ASCII letters in it is one of the table."""
    known = table(name).keys()

    def judge(text: str) -> bool:
        codes = _LETTERS.findall(text)
        return bool(codes) and known >= set(codes)

    return judge


def _not_filler(words: tuple[str, ...]) -> Test:
    fillers = frozenset(words)
    return lambda text: text.strip(BLANKS).upper() not in fillers


def _in_years(low: int, high: int) -> Test:
    return lambda number: isinstance(number, int) and low <= number <= high


def value_test(rule: FieldRule) -> Test:  # noqa: C901, PLR0911 (one line for each keyword)
    """Return what a rule asks of a value that has the right JSON type: truthy where it holds.

    Raises ValueError for a keyword that does not speak of values.
    """
    argument = cast("Any", rule.argument)
    match rule.keyword:
        case "minLength":
            return lambda text: len(text) >= argument
        case "maxLength":
            return lambda text: len(text) <= argument
        case "pattern" | "utcDateTime":
            return full_match(argument)
        case "format":
            return full_match(*FORMATS[argument])
        case "enum":
            return frozenset(argument).__contains__
        case "maximum":
            return lambda number: number <= argument
        case "notBlank":
            return is_not_blank
        case "notFiller":
            return _not_filler(argument)
        case "yearRange":
            return _in_years(*argument)
        case "isoCountry":
            return frozenset(table(argument)).__contains__
        case "checkDigits":
            return check_digits(argument)
        case _:
            message = f"{rule.id} asks nothing of a value"
            raise ValueError(message)
