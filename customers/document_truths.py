"""The interpreter of conditions on documents: each is compiled once, and judged for one row in Kleene's logic.

The other interpreter judges the rows of a block all at once (``expectations.truths``); ``customers.conditions`` says
what both have to mean. Here, a value of the wrong JSON type is what a value that staging could not read is there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, assert_never

from customers.brazil.day import end_of_day
from customers.conditions import (
    Always,
    And,
    CheckDigits,
    CodesIn,
    Condition,
    Count,
    Distinct,
    Includes,
    InRange,
    InTable,
    Is,
    ListedIn,
    Matches,
    Not,
    NotInFuture,
    NotOlderThan,
    Or,
    Present,
    TableGives,
)
from customers.document_values import (
    UNREACHABLE,
    Fields,
    Row,
    elements_reader,
    is_there,
    names_below,
    reader,
    text_reader,
)
from customers.formats import FORMATS, UTC_DATE_TIME
from customers.reference import table
from customers.value_tests import Test, all_codes, check_digits, decimal, full_match

if TYPE_CHECKING:
    from decimal import Decimal

_IS_DATE = full_match(*FORMATS["date"])
_IS_DATE_TIME = full_match(*FORMATS["date-time"])
_IS_UTC = re.compile(UTC_DATE_TIME).fullmatch


@dataclass(frozen=True, slots=True)
class Now:
    """Know one day, and its end in Brazil as an instant in UTC, in the spellings that dates are compared with."""

    date: dt.date
    day: str
    moment: dt.datetime
    instant: str


@cache
def now(reference_date: dt.date) -> Now:
    """Return what is "now" to rules on time."""
    moment = end_of_day(reference_date)
    return Now(reference_date, reference_date.isoformat(), moment, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


# Judge one row of the document (the data element, for what a list of the document holds) at a moment.
Truth = Callable[[Row, Row, "Now | None"], "bool | None"]


def truth(condition: Condition, block: str, fields: Fields) -> Truth:  # noqa: C901, PLR0911 (one line for each)
    """Compile a condition for the rows of a block."""
    match condition:
        case Always():
            return lambda _row, _document, _now: True
        case Not(part):
            return _not(truth(part, block, fields))
        case And(parts):
            return _joined([truth(part, block, fields) for part in parts], decisive=False)
        case Or(parts):
            return _joined([truth(part, block, fields) for part in parts], decisive=True)
        case Present(xpath):
            return _present(xpath, block, fields)
        case TableGives() | Includes():
            return _of_two(condition, block, fields)
        case Count() | Distinct():
            return _of_list(condition, block, fields)
        case ListedIn(xpath, other):
            return _listed(text_reader(block, xpath, fields), elements_reader("/data", other, fields))
        case NotInFuture(xpath) | NotOlderThan(xpath):
            return _of_date(condition, text_reader(block, xpath, fields))
        case (
            Is(xpath) | InTable(xpath) | CodesIn(xpath) | Matches(xpath) | InRange(xpath) | CheckDigits(xpath)
        ):
            return _of_value(text_reader(block, xpath, fields), _verdict(condition))
        case _ as unreachable:
            assert_never(unreachable)


def _not(part: Truth) -> Truth:
    def judge(row: Row, document: Row, at: Now | None) -> bool | None:
        found = part(row, document, at)
        return None if found is None else not found

    return judge


def _joined(parts: list[Truth], *, decisive: bool) -> Truth:
    """Join parts of which one that is ``decisive`` settles the whole; else an unknown one leaves it open."""

    def judge(row: Row, document: Row, at: Now | None) -> bool | None:
        open_question = False
        for part in parts:
            found = part(row, document, at)
            if found is decisive:
                return decisive
            open_question |= found is None
        return None if open_question else not decisive

    return judge


def _present(xpath: str, block: str, fields: Fields) -> Truth:
    read, there = reader(names_below(block, xpath)), is_there(fields[xpath], fields)

    def judge(row: Row, _document: Row, _now: Now | None) -> bool | None:
        found = read(row)
        return None if found is UNREACHABLE else there(found)

    return judge


def _of_value(read: Callable[[Row], str | None], verdict: Callable[[str], bool | None]) -> Truth:
    def judge(row: Row, _document: Row, _now: Now | None) -> bool | None:
        text = read(row)
        return None if text is None else verdict(text)

    return judge


def _verdict(
    condition: Is | InTable | CodesIn | Matches | InRange | CheckDigits,
) -> Callable[[str], bool | None]:
    match condition:
        case Is(values=values):
            return frozenset(values).__contains__
        case InTable(table=name, prefix=prefix):
            keys = table(name).keys()
            return lambda text: text[:prefix] in keys
        case CodesIn(table=name):
            return _always_known(all_codes(name))
        case Matches(pattern=pattern):
            return _always_known(full_match(pattern))
        case InRange(low=low, high=high):
            return lambda text: _in_range(decimal(text), low, high)
        case CheckDigits(number=number):
            return _always_known(check_digits(number))
        case _ as unreachable:
            assert_never(unreachable)


def _always_known(test: Test) -> Callable[[str], bool]:
    return lambda text: bool(test(text))


def _in_range(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> bool | None:
    if value is None:
        return None
    return (low is None or value >= low) and (high is None or value <= high)


def _of_date(condition: NotInFuture | NotOlderThan, read: Callable[[Row], str | None]) -> Truth:
    def judge(row: Row, _document: Row, at: Now | None) -> bool | None:
        text = read(row)
        if text is None or at is None:
            return None
        match condition:
            case NotInFuture():
                return _not_in_future(text, at)
            case NotOlderThan(years=years):
                return text >= years_before(at.date, years).isoformat() if _IS_DATE(text) else None

    return judge


def years_before(day: dt.date, years: int) -> dt.date:
    """Go back whole years; 29 February becomes the 28th.

    >>> years_before(dt.date(2024, 2, 29), 5)
    datetime.date(2019, 2, 28)
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _not_in_future(text: str, at: Now) -> bool | None:
    """Compare as text, which dates and UTC date-times allow; a leap second counts as the second before."""
    if _IS_DATE(text):
        return text <= at.day
    if not _IS_DATE_TIME(text):
        return None
    if _IS_UTC(text):
        return text <= at.instant
    return dt.datetime.fromisoformat(text.upper().replace(":60", ":59")) <= at.moment


def _of_two(condition: TableGives | Includes, block: str, fields: Fields) -> Truth:
    read, read_other = (
        text_reader(block, condition.xpath, fields),
        text_reader(block, condition.other, fields),
    )
    compare = _gives(condition) if isinstance(condition, TableGives) else _includes(condition)

    def judge(row: Row, _document: Row, _now: Now | None) -> bool | None:
        text, other = read(row), read_other(row)
        return None if text is None or other is None else compare(text, other)

    return judge


def _gives(condition: TableGives) -> Callable[[str, str], bool | None]:
    known, prefix = table(condition.table), condition.prefix

    def compare(text: str, other: str) -> bool | None:
        given = known.get(text[:prefix])
        return None if given is None else given == other

    return compare


def _includes(condition: Includes) -> Callable[[str, str], bool]:
    ignored = dict.fromkeys(map(ord, condition.ignoring))
    return lambda text, other: other in text.translate(ignored)


def _of_list(condition: Count | Distinct, block: str, fields: Fields) -> Truth:
    read = elements_reader(block, condition.xpath, fields)
    judge_values = _counts(condition) if isinstance(condition, Count) else _is_distinct

    def judge(row: Row, _document: Row, _now: Now | None) -> bool | None:
        values = read(row)
        return None if None in values else judge_values(values)

    return judge


def _counts(condition: Count) -> Callable[[list[str | None]], bool]:
    wanted, least, most = frozenset(condition.values), condition.at_least, condition.at_most

    def judge(values: list[str | None]) -> bool:
        found = sum(value in wanted for value in values)
        return found >= least and (most is None or found <= most)

    return judge


def _is_distinct(values: list[str | None]) -> bool:
    return len(set(values)) == len(values)


def _listed(read: Callable[[Row], str | None], listed: Callable[[Row], list[str | None]]) -> Truth:
    """Look for a value in a list of the document; an element that cannot be read may be it."""

    def judge(row: Row, document: Row, _now: Now | None) -> bool | None:
        text = read(row)
        if text is None:
            return None
        values = listed(document)
        return True if text in values else None if None in values else False

    return judge
