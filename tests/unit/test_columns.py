"""The words of the mapping files, against Python's own decimals."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.unread import UNREAD
from mappings.columns import (
    address,
    area_code,
    arrow,
    below,
    column,
    earlier,
    money,
    only,
    party_document,
    share,
    stated,
)

if TYPE_CHECKING:
    from mappings.profile import Column

NUMBERS = st.from_regex(re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,14})?", re.ASCII), fullmatch=True)


def series(*values: str | None) -> Column:
    return column(pa.array(values, pa.string()), "table.name")


def texts(values: Column) -> list[str | None]:
    found: list[str | None] = arrow(values).to_pylist()
    return found


def test_an_address_is_street_and_number_or_the_street_alone() -> None:
    streets, numbers = series("Rua A", "Rua B", None, None), series("10", None, "5", None)
    assert texts(address(streets, numbers)) == ["Rua A, 10", "Rua B", None, None]


def test_an_unread_part_of_an_address_stays_unread() -> None:
    found = texts(address(series("Rua", UNREAD + "Rua"), series(UNREAD + "5", "5")))
    assert all(text is not None and text.startswith(UNREAD) for text in found)


@given(NUMBERS)
def test_an_amount_keeps_its_value_and_at_least_two_decimals(number: str) -> None:
    (text,) = texts(money(series(number)))
    assert text is not None
    assert Decimal(text) == Decimal(number)
    decimals = len(text.partition(".")[2])
    assert decimals >= 2
    assert decimals == 2 or not text.endswith("0")


@given(NUMBERS)
def test_a_share_is_compared_first_and_then_rounded_half_to_even(percent: str) -> None:
    (text,), exact = texts(share(series(percent))), Decimal(percent)
    with localcontext() as context:
        context.prec = 80
        assert text == str((exact / 100).quantize(Decimal("0.000001"), ROUND_HALF_EVEN))
    assert below(series(percent), 25).tolist() == [exact < 25]


@pytest.mark.parametrize(
    ("percent", "told", "too_small"),
    [
        ("51.000000", "0.510000", False),
        ("24.9999999999", "0.250000", True),
        ("25", "0.250000", False),
        ("33.33335", "0.333334", False),
        ("33.33345", "0.333334", False),
        ("100", "1.000000", False),
        ("0", "0.000000", True),
        ("9" * 38, "9" * 36 + ".990000", False),
    ],
)
def test_shares(percent: str, told: str, too_small: bool) -> None:  # noqa: FBT001 (a table of cases)
    assert texts(share(series(percent))) == [told]
    assert below(series(percent), 25).tolist() == [too_small]


def test_missing_and_unread_values_stay_what_they_are() -> None:
    odd = series(None, UNREAD + "x")
    for change in (money, share, area_code):
        assert texts(change(odd)) == [None, UNREAD + "x"]
    assert below(odd, 25).tolist() == [False, False]
    assert texts(party_document(odd, series("CPF", "CNPJ"))) == [None, UNREAD + "x"]


def test_a_partys_number_is_restored_by_its_type_alone() -> None:
    kinds = series("CPF", "CNPJ", "CNPJ", "PASSAPORTE", None, UNREAD + "ITIN")
    numbers = series("123.456.789-09", "191", "12.345.678/0001-95", "00.1-X", "191", "1.9")
    assert texts(party_document(numbers, kinds)) == [
        "12345678909",
        "00000000000191",
        "12345678000195",
        "00.1-X",
        "191",
        "1.9",
    ]


def test_an_area_code_has_no_trunk_zero() -> None:
    assert texts(area_code(series("011", "11", "0", "00", "21"))) == ["11", "11", None, None, "21"]


def test_a_value_stays_only_where_its_condition_holds() -> None:
    kinds = series("OUTRO", "MOVEL", None, UNREAD + "X")
    assert texts(only(series("a", "b", "c", "d"), kinds == "OUTRO")) == ["a", None, None, None]
    assert texts(only(series("a", "b", "c", "d"), kinds != "MOVEL")) == ["a", None, None, "d"]


def test_a_value_is_unread_where_its_status_is() -> None:
    found = texts(stated(series("SEGURO", "SEGURO", "SEGURO"), series("A", UNREAD + "X", None)))
    assert found == ["SEGURO", UNREAD + "X", UNREAD]


def test_the_earlier_of_two_times_is_an_unread_one_first() -> None:
    one = series("2015-01-01T03:00:00Z", None, "2015-01-01T03:00:00Z", None, UNREAD + "x")
    other = series("2014-01-01T03:00:00Z", "2014-01-01T03:00:00Z", UNREAD + "y", None, "2014-01-01T03:00:00Z")
    assert texts(earlier(one, other)) == [
        "2014-01-01T03:00:00Z",
        "2014-01-01T03:00:00Z",
        UNREAD + "y",
        None,
        UNREAD + "x",
    ]


def test_no_rows() -> None:
    none = series()
    for found in (address(none, none), money(none), share(none), party_document(none, none), area_code(none)):
        assert texts(found) == []
    assert texts(only(none, none == "OUTRO")) == texts(earlier(none, none)) == texts(stated(none, none)) == []
    assert below(none, 25).tolist() == []
