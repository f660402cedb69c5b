"""The interpreter of conditions on blocks: one truth for each row, in Kleene's logic."""

from __future__ import annotations

import datetime as dt
import re
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from customers.formats import UTC_DATE_TIME
from customers.reference import TableName, table
from expectations import kernels
from expectations.cells import Booleans, Texts, booleans, positions
from expectations.kleene import Kleene, always, known_for_all, lifted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from expectations.scope import Scope

_LETTERS = re.compile("[A-Za-z]+")


def truth(condition: Condition, scope: Scope, block: str) -> Kleene:  # noqa: PLR0911 (one for each family)
    """Judge a condition once for each row of a block."""
    size = len(scope.rows(block))
    match condition:
        case Always():
            return always(size)
        case Not(part):
            return ~truth(part, scope, block)
        case And(parts):
            return reduce(and_, (truth(part, scope, block) for part in parts))
        case Or(parts):
            return reduce(or_, (truth(part, scope, block) for part in parts))
        case Present(xpath):
            return known_for_all(scope.present(xpath))
        case TableGives() | Includes():
            return _of_two(condition, scope, size)
        case Count() | Distinct() | ListedIn():
            return _of_lists(condition, scope, block)
        case (
            Is(xpath)
            | InTable(xpath)
            | CodesIn(xpath)
            | Matches(xpath)
            | InRange(xpath)
            | CheckDigits(xpath)
            | NotInFuture(xpath)
            | NotOlderThan(xpath)
        ):
            texts = scope.cells(xpath).texts
            return lifted(*_of_values(condition, texts, scope), texts.rows, size)
        case _ as unreachable:
            assert_never(unreachable)


_OfValue = Is | InTable | CodesIn | Matches | InRange | CheckDigits | NotInFuture | NotOlderThan


def _of_values(  # noqa: PLR0911 (one for each condition)
    condition: _OfValue, texts: Texts, scope: Scope
) -> tuple[Booleans, Booleans | None]:
    """Judge readable values; the second part says for which the condition is known (None: for all)."""
    match condition:
        case Is(values=values):
            return kernels.is_one_of(texts, values), None
        case InTable(table=name, prefix=prefix):
            keys = texts.values if prefix is None else pc.utf8_slice_codeunits(texts.values, 0, prefix)
            return booleans(pc.is_in(keys, value_set=kernels.keys_of(name))), None
        case CodesIn(table=name):
            return _distinct(texts, lambda text: _all_codes(text, name)), None
        case Matches(pattern=pattern):
            return kernels.matches(texts, pattern), None
        case InRange(low=low, high=high):
            known, good = kernels.in_range(texts, low, high)
            return good, known
        case CheckDigits(number=number):
            return kernels.has_check_digits(texts, number), None
        case NotInFuture():
            return _not_in_future(texts, scope)
        case NotOlderThan(years=years):
            return _since(texts, _years_before(scope.day, years))
        case _ as unreachable:
            assert_never(unreachable)


def _distinct(texts: Texts, judge: Callable[[str], bool]) -> Booleans:
    """Judge each distinct value once, for what no kernel can do."""
    encoded = texts.values.dictionary_encode()
    verdicts = np.array([judge(text) for text in encoded.dictionary.to_pylist()], dtype=np.bool_)
    return verdicts[encoded.indices.to_numpy()] if len(verdicts) else np.zeros(0, dtype=np.bool_)


def _all_codes(text: str, name: TableName) -> bool:
    codes = _LETTERS.findall(text)
    return bool(codes) and all(code in table(name) for code in codes)


def _years_before(day: dt.date, years: int) -> dt.date:
    """Go back whole years; 29 February becomes the 28th.

    >>> _years_before(dt.date(2024, 2, 29), 5).isoformat()
    '2019-02-28'
    """
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _since(texts: Texts, day: dt.date) -> tuple[Booleans, Booleans]:
    known = kernels.has_format(texts, "date")
    return booleans(pc.greater_equal(texts.values, day.isoformat())) & known, known


def _not_in_future(texts: Texts, scope: Scope) -> tuple[Booleans, Booleans]:
    """Compare as text, as canonical dates and UTC date-times allow; other date-times are read one by one."""
    days, moments = kernels.has_format(texts, "date"), kernels.has_format(texts, "date-time")
    canonical = moments & kernels.matches(texts, UTC_DATE_TIME)
    past = booleans(pc.less_equal(texts.values, scope.day.isoformat())) & days
    past |= booleans(pc.less_equal(texts.values, scope.moment.strftime("%Y-%m-%dT%H:%M:%SZ"))) & canonical
    odd = positions(moments & ~canonical)
    if len(odd):
        past[odd] = _distinct(texts.at(odd), lambda text: _instant(text) <= scope.moment)
    return past, days | moments


def _instant(text: str) -> dt.datetime:
    """Read an RFC 3339 date-time; a leap second counts as the second before."""
    return dt.datetime.fromisoformat(text.upper().replace(":60", ":59"))


def _of_two(condition: TableGives | Includes, scope: Scope, size: int) -> Kleene:
    """Compare two values of a row; unknown unless both can be read."""
    left, right = scope.cells(condition.xpath).texts, scope.cells(condition.other).texts
    rows, at_left, at_right = np.intersect1d(left.rows, right.rows, assume_unique=True, return_indices=True)
    left, right = left.at(at_left), right.at(at_right)
    match condition:
        case TableGives(table=name, prefix=prefix):
            keys, given = kernels.keys_of(name), pa.array(table(name).values())
            places = pc.index_in(pc.utf8_slice_codeunits(left.values, 0, prefix), value_set=keys)
            known = booleans(places.is_valid())
            verdicts = booleans(pc.equal(given.take(places), right.values))
        case Includes(ignoring=ignoring):
            known = np.ones(len(rows), dtype=np.bool_)
            verdicts = _includes(left, right, ignoring)
        case _ as unreachable:
            assert_never(unreachable)
    return lifted(verdicts, known, rows, size)


def _fixed(values: pa.Array) -> NDArray[np.bytes_]:
    """View texts as numpy bytes of one width."""
    octets = values.cast(pa.binary())
    width = max(1, pc.max(pc.binary_length(octets)).as_py() or 1)
    padded = pc.ascii_rpad(values, width, "\0").cast(pa.binary()).cast(pa.binary(width))
    return np.frombuffer(padded.buffers()[1], dtype=f"S{width}")[: len(values)]


def _includes(left: Texts, right: Texts, ignoring: str) -> Booleans:
    values = left.values
    for character in ignoring:
        values = pc.replace_substring(values, character, "")
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(np.strings.find(_fixed(values), _fixed(right.values)) >= 0)


def _of_lists(condition: Count | Distinct | ListedIn, scope: Scope, block: str) -> Kleene:
    size = len(scope.rows(block))
    match condition:
        case Count(xpath, values, at_least, at_most):
            found = kernels.is_one_of(scope.cells(xpath).texts, values)
            return _counted(scope, block, xpath, found, (at_least, at_most))
        case Distinct(xpath):
            repeated = _repeated(scope.cells(xpath).texts, scope.climb(scope.leaf_block(xpath), block))
            return _counted(scope, block, xpath, repeated, (0, 0))
        case ListedIn(xpath, other):
            texts, listed = scope.cells(xpath).texts, scope.cells(other).texts
            documents = scope.rows(block).document[texts.rows]
            there = scope.rows(scope.leaf_block(other)).document[listed.rows]
            found = _pairs_in(texts.values, documents, listed.values, there)
            return lifted(found, found | ~scope.unread(other, block)[texts.rows], texts.rows, size)
        case _ as unreachable:
            assert_never(unreachable)


def _counted(
    scope: Scope, block: str, xpath: str, chosen: Booleans, bounds: tuple[int, int | None]
) -> Kleene:
    """Say for which rows the number of chosen elements lies in the bounds; unknown with an unread element."""
    size, least, most = len(scope.rows(block)), *bounds
    cells = scope.cells(xpath)
    rows = scope.climb(scope.leaf_block(xpath), block)
    counts = np.bincount(rows[cells.texts.rows[chosen]], minlength=size)
    good = counts >= least if most is None else (counts >= least) & (counts <= most)
    read = ~scope.unread(xpath, block)
    return Kleene(good & read, ~good & read)


def _coded(*columns: pa.Array) -> list[NDArray[np.int64]]:
    """Give equal texts of several columns equal numbers."""
    codes = pa.concat_arrays(columns).dictionary_encode().indices.to_numpy().astype(np.int64)
    return np.split(codes, np.cumsum([len(column) for column in columns])[:-1])


def _pairs_in(
    values: pa.Array, documents: NDArray[np.int32], listed: pa.Array, there: NDArray[np.int32]
) -> Booleans:
    """Say which (document, value) pairs are among the listed ones."""
    left, right = _coded(values, listed)
    many = int(max(left.max(initial=0), right.max(initial=0))) + 1
    return np.isin(documents.astype(np.int64) * many + left, there.astype(np.int64) * many + right)


def _repeated(texts: Texts, rows: NDArray[np.int32]) -> Booleans:
    """Say which elements of a list stand there for the second time or more."""
    (codes,) = _coded(texts.values)
    pairs = rows[texts.rows].astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
    again = np.ones(len(pairs), dtype=np.bool_)
    again[np.unique(pairs, return_index=True)[1]] = False
    return again
