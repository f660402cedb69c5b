"""The kernels of the field rules: whole columns in, verdicts out, judged by Arrow and numpy.

A kernel gets only readable values, none of them null, and says which of them are good. Patterns are those
that ``customers`` hands out: anchored, ASCII, the same in every engine.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.brazil import cnpj, cpf
from customers.formats import FORMATS, NUMBER
from customers.reference import table
from customers.text import BLANKS
from expectations.calendar import PROVEN, real
from expectations.cells import Booleans, Texts, booleans, positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from customers.conditions import NumberKind
    from customers.reference import TableName
    from customers.rule_kinds import Keyword

_INTEGER = "^-?(?:0|[1-9][0-9]*)$"
_RUN = r"\[0-9\]\{(\d+)(?:,(\d+))?\}"
_DIGITS = re.compile(rf"\^\(?{_RUN}(?:\|{_RUN})*\)?\$")
_CPF_LENGTH = 11
_LONGEST = np.iinfo(np.int32).max
_SIZES = {
    "date": (len("1970-01-01"), len("1970-01-01")),
    "date-time": (len("1970-01-01T00:00:00Z"), _LONGEST),
}
# The second pattern of an e-mail address says of what the first one matches only how long its parts may be: 64 and 255.
_SHORT_ENOUGH = {FORMATS["email"][1]: len("@") + 64}
_FLOAT_DIGITS = 15
_VISIBLE = np.array([0x20 < octet < 0x7F for octet in range(256)])  # noqa: PLR2004 (ASCII without blanks)


@cache
def digit_runs(pattern: str) -> tuple[tuple[int, int], ...]:
    """Return the lengths that a pattern of nothing but ASCII digits allows; empty for any other pattern.

    >>> digit_runs("^([0-9]{11}|[0-9]{14})$"), digit_runs("^[0-9]{1,4}$"), digit_runs("^[A-Z]{3}$")
    (((11, 11), (14, 14)), ((1, 4),), ())
    """
    if _DIGITS.fullmatch(pattern) is None:
        return ()
    return tuple((int(low), int(high or low)) for low, high in re.findall(_RUN, pattern))


def _once_for_each(kernel: Callable[[Texts, Any], Booleans]) -> Callable[..., Booleans]:
    """Let a kernel judge each distinct value of a column once, where these are few."""

    @wraps(kernel)
    def judged(texts: Texts, argument: Any = None) -> Booleans:  # noqa: ANN401 (the kernel's own)
        distinct = texts.distinct
        if distinct is None:
            return kernel(texts, argument)
        return distinct.spread(kernel(distinct.texts, argument), texts)

    return judged


def _match(texts: Texts, pattern: str) -> Booleans:
    runs = digit_runs(pattern)
    if runs:
        sized = np.zeros(len(texts), dtype=np.bool_)
        for low, high in runs:
            sized |= (texts.sizes >= low) & (texts.sizes <= high)
        return booleans(pc.ascii_is_decimal(texts.values)) & sized
    if pattern not in PROVEN:
        return booleans(pc.match_substring_regex(texts.values, pattern))
    good = real(texts, PROVEN[pattern])
    rest = positions(~good)
    if len(rest):
        good[rest] = booleans(pc.match_substring_regex(texts.at(rest).values, pattern))
    return good


@_once_for_each
def matches(texts: Texts, pattern: str) -> Booleans:
    """Say which values match a pattern as a whole; runs of digits and dates take ways ten times as fast as RE2."""
    if pattern not in texts.memo:
        texts.memo[pattern] = _match(texts, pattern)
    return texts.memo[pattern]


@cache
def _value_set(allowed: tuple[str, ...]) -> pa.StringArray:
    return pa.array(allowed, pa.string())


@cache
def keys_of(name: TableName) -> pa.StringArray:
    """Return the keys of a reference table."""
    return pa.array(table(name), pa.string())


@_once_for_each
def is_one_of(texts: Texts, allowed: tuple[str, ...] | pa.StringArray) -> Booleans:
    """Say which values are among the allowed ones."""
    wanted = _value_set(allowed) if isinstance(allowed, tuple) else allowed
    return booleans(pc.is_in(texts.values, value_set=wanted))


@_once_for_each
def has_format(texts: Texts, name: str) -> Booleans:
    """Say which values have a format of the dictionaries; their lengths may settle that none has."""
    shortest, longest = _SIZES.get(name, (0, _LONGEST))
    if not ((texts.sizes >= shortest) & (texts.sizes <= longest)).any():
        return np.zeros(len(texts), dtype=np.bool_)
    good = np.ones(len(texts), dtype=np.bool_)
    for pattern in FORMATS[name]:
        if pattern not in _SHORT_ENOUGH or (texts.sizes > _SHORT_ENOUGH[pattern]).any():
            good &= matches(texts, pattern)
    return good


@_once_for_each
def has_check_digits(texts: Texts, number: NumberKind) -> Booleans:
    """Say which values are a CPF or CNPJ with right check digits; ``cpf-or-cnpj`` goes by the length."""
    match number:
        case "cpf":
            return booleans(cpf.valid(texts.values))
        case "cnpj":
            return booleans(cnpj.valid(texts.values))
        case "cpf-or-cnpj":
            short = texts.lengths == _CPF_LENGTH
            return np.where(short, booleans(cpf.valid(texts.values)), booleans(cnpj.valid(texts.values)))


def in_range(texts: Texts, low: Decimal | None, high: Decimal | None) -> tuple[Booleans, Booleans]:
    """Return which values are numbers and which of them lie between the bounds, both included.

    Floats decide; what is too long for a float, or lies within its error of a bound, is compared as a
    decimal, once for each distinct text.
    """
    distinct = texts.distinct
    if distinct is not None:
        numeric, good = in_range(distinct.texts, low, high)
        return distinct.spread(numeric, texts), distinct.spread(good, texts)
    numeric = matches(texts, NUMBER)
    short = numeric & (texts.sizes <= _FLOAT_DIGITS)
    approximate = pc.if_else(pa.array(short), texts.values, "0").cast(pa.float64()).to_numpy()
    good = numeric.copy()
    exact = numeric & ~short
    for bound, sign in ((low, 1), (high, -1)):
        if bound is not None:
            distance = sign * (approximate - float(bound))
            good &= distance >= 0
            exact |= short & (np.abs(distance) < 1e-6)  # noqa: PLR2004 (far above the error of a float)
    doubtful = texts.at(positions(exact)).values
    for text in pc.unique(doubtful).to_pylist():
        value = Decimal(text)
        verdict = (low is None or value >= low) and (high is None or value <= high)
        good[positions(exact)[booleans(pc.equal(doubtful, text))]] = verdict
    return numeric, good


@_once_for_each
def is_not_blank(texts: Texts, _: object) -> Booleans:
    """Say which values hold anything but blanks; a visible ASCII character in front settles it."""
    good = np.asarray(_VISIBLE[texts.first_octets])
    rest = positions(~good)
    if len(rest):
        trimmed = pc.utf8_trim(texts.at(rest).values, characters=BLANKS)
        good[rest] = booleans(pc.not_equal(trimmed, ""))
    return good


@_once_for_each
def is_not_among(texts: Texts, words: tuple[str, ...]) -> Booleans:
    """Say which values, trimmed and in upper case, are none of the words; the first letter settles most."""
    start = np.zeros(256, dtype=np.bool_)
    start[[ord(letter) for word in words for letter in (word[0].upper(), word[0].lower())]] = True
    first = texts.first_octets
    doubtful = positions(start[first] | ~_VISIBLE[first])
    good = np.ones(len(texts), dtype=np.bool_)
    if len(doubtful):
        folded = pc.utf8_upper(pc.utf8_trim(texts.at(doubtful).values, characters=BLANKS))
        good[doubtful] = ~booleans(pc.is_in(folded, value_set=pa.array(words)))
    return good


def _is_year(texts: Texts, bounds: tuple[int, int]) -> Booleans:
    low, high = bounds
    return matches(texts, _INTEGER) & in_range(texts, Decimal(low), Decimal(high))[1]


def _is_of_type(texts: Texts, name: str) -> Booleans:
    match name:
        case "boolean":
            return is_one_of(texts, ("true", "false"))
        case "number":
            return matches(texts, NUMBER)
        case "string":
            return texts.all_good
        case _:
            message = f"no value of a block has the type {name}"
            raise ValueError(message)


# Keyword of ``customers.rule_kinds`` to the kernel that says which values are good.
KERNELS: dict[Keyword, Callable[[Texts, Any], Booleans]] = {
    "type": _is_of_type,
    "minLength": _once_for_each(lambda texts, least: texts.lengths >= least),
    "maxLength": _once_for_each(lambda texts, most: texts.lengths <= most),
    "pattern": matches,
    "utcDateTime": matches,
    "format": has_format,
    "enum": is_one_of,
    "maximum": lambda texts, most: in_range(texts, None, Decimal(most))[1],
    "notBlank": is_not_blank,
    "notFiller": is_not_among,
    "yearRange": _is_year,
    "isoCountry": lambda texts, name: is_one_of(texts, keys_of(cast("TableName", name))),
    "checkDigits": has_check_digits,
}
