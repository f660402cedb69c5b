"""Ways around a pattern: whatever a kernel does about many values, each gets the verdict that it would get alone."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.dictionary import effective_fields
from customers.formats import FORMATS, UTC_DATE_TIME
from customers.structures import BY_NAME
from customers.text import FILLERS
from customers.unread import UNREAD, is_unread
from expectations.calendar import DAY, MOMENT, PROVEN
from expectations.cells import Cells, Texts
from expectations.kernels import KERNELS, has_format, in_range, matches

if TYPE_CHECKING:
    from customers.rule_kinds import Keyword

ARGUMENTS: dict[Keyword, Any] = {
    "type": "number",
    "minLength": 2,
    "maxLength": 4,
    "pattern": "^[a-z0-9.]{1,4}$",
    "utcDateTime": UTC_DATE_TIME,
    "format": "email",
    "enum": ("a", "12", "é"),
    "maximum": 9999,
    "notBlank": None,
    "notFiller": FILLERS,
    "yearRange": (1000, 9999),
    "isoCountry": "iso-3166",
    "checkDigits": "cpf-or-cnpj",
}
VALUE = st.text(st.sampled_from("a1.é -\u3000"), max_size=5) | st.sampled_from(
    [
        "2021",
        "99999",
        "-0.5",
        "BRA",
        "NA",
        " n/a ",
        "a@b.c",
        "12345678909",
        "11222333000181",
        "2026-11-20T08:30:00Z",
    ]
)
YEARS = st.sampled_from(
    ["0000", "0001", "1899", "1900", "2000", "2023", "2024", "2100", "9999"]
) | st.from_regex(re.compile("[0-9]{4}", re.ASCII), fullmatch=True)
PAIR = st.integers(0, 99).map("{:02}".format)
NEARLY_DAYS = st.builds("{}-{}-{}".format, YEARS, PAIR, PAIR)
NEARLY_MOMENTS = st.builds("{}T{}:{}:{}Z".format, NEARLY_DAYS, PAIR, PAIR, PAIR)


def texts_of(values: list[str], before: int = 0) -> Texts:
    array = pa.array(["x" * 3] * before + values, pa.string()).slice(before)
    return Texts(array, np.arange(len(values)))


@pytest.mark.parametrize("keyword", [keyword for keyword in ARGUMENTS if keyword in KERNELS])
@given(values=st.lists(VALUE, min_size=1, max_size=6), before=st.integers(0, 2))
def test_few_distinct_values_are_judged_as_each_alone(
    keyword: Keyword, values: list[str], before: int
) -> None:
    alone = [bool(KERNELS[keyword](texts_of([value]), ARGUMENTS[keyword])[0]) for value in values]
    column = texts_of(values * 60, before)
    assert KERNELS[keyword](column, ARGUMENTS[keyword]).tolist() == alone * 60
    assert (column.distinct is not None) == (len(column) >= 128)


def test_every_kernel_is_among_them() -> None:
    assert ARGUMENTS.keys() == KERNELS.keys()


@given(st.lists(VALUE, min_size=3, max_size=6))
def test_few_distinct_numbers_lie_in_a_range_as_each_alone(values: list[str]) -> None:
    bounds = Decimal(-1), Decimal(3000)
    alone = [tuple(bool(part[0]) for part in in_range(texts_of([value]), *bounds)) for value in values]
    known, within = in_range(texts_of(values * 50), *bounds)
    assert list(zip(known.tolist(), within.tolist(), strict=True)) == alone * 50


@given(st.lists(NEARLY_DAYS | NEARLY_MOMENTS | VALUE, max_size=20), st.integers(0, 2))
def test_days_and_moments_are_judged_as_the_pattern_would(values: list[str], before: int) -> None:
    texts = texts_of(values, before)
    for pattern in PROVEN:
        assert matches(texts, pattern).tolist() == [bool(re.fullmatch(pattern, value)) for value in values]


def test_what_is_proven_matches_every_day_of_the_calendar() -> None:
    days = [dt.date.fromordinal(number).isoformat() for number in range(1, dt.date.max.toordinal(), 11)]
    days += [f"{year:04}-02-{day}" for year in range(1, 10_000) for day in (28, 29, 30)]
    for pattern, shape in PROVEN.items():
        values = days if shape == DAY else [f"{day}T23:59:59Z" for day in days]
        assert matches(texts_of(values), pattern).tolist() == [
            bool(re.fullmatch(pattern, value)) for value in values
        ]


def test_the_proven_patterns_are_those_of_the_dictionary_and_its_formats() -> None:
    of_fields = {
        field.pattern for name in BY_NAME for field in effective_fields(name) if field.pattern is not None
    }
    known = of_fields | set(FORMATS["date"]) | set(FORMATS["date-time"]) | {UTC_DATE_TIME}
    assert set(PROVEN) <= known
    assert set(PROVEN.values()) == {DAY, MOMENT}


@given(
    st.lists(st.none() | st.sampled_from(["", "a", UNREAD, UNREAD + "x", "a" + UNREAD, "\ufeff", "é\uf900"])),
    st.integers(0, 3),
)
def test_marks_are_found_wherever_a_column_begins(values: list[str | None], start: int) -> None:
    column = pa.array(values, pa.string())[start:]
    marked = [value is not None and value.startswith(UNREAD) for value in values[start:]]
    assert is_unread(column).to_pylist() == marked
    assert Cells(column).unread.tolist() == [row for row, mark in enumerate(marked) if mark]


@given(st.lists(st.none() | VALUE, min_size=1, max_size=5), st.integers(0, 3))
def test_a_repeated_column_is_told_by_its_distinct_values(values: list[str | None], start: int) -> None:
    cells = Cells(pa.array(values * 80, pa.string())[start:])
    assert cells.repeated() is None  # nobody asked
    few = cells.texts.distinct
    told = cells.repeated()
    assert (few is None) == (told is None) == (len(cells.texts) < 128)
    assert told is None or told.to_pylist() == (values * 80)[start:]
    unread = Cells(pa.array([*values * 80, UNREAD]))
    assert unread.texts.distinct is None or unread.repeated() is None


@given(
    st.lists(st.tuples(st.integers(0, 66), st.sampled_from(["@", "@@", ""]), st.integers(0, 66)), max_size=8)
)
def test_an_address_is_judged_by_both_patterns_whatever_the_lengths_of_the_others(
    drawn: list[tuple[int, str, int]],
) -> None:
    values = ["a" * before + sign + "b" * behind for before, sign, behind in drawn]
    assert has_format(texts_of(values), "email").tolist() == [
        all(re.fullmatch(pattern, value) for pattern in FORMATS["email"]) for value in values
    ]
