"""The words that the six mapping files are written in: small functions from staged columns to mapped ones.

A column is a pandas Series of Arrow strings. Every function keeps missing values missing and unread values unread,
and returns a column with the name of its first argument, which says where a value came from.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from customers.unread import UNREAD, is_unread
from mappings.octets import mended_where
from mappings.pandas_later import pandas
from mappings.reading import tax_id, unmasked

if TYPE_CHECKING:
    from mappings.profile import Column

_POINT_AND_CENTS = len(".00")
_SIX_PLACES = Decimal("0.000001")


def column(values: pa.Array, name: str) -> Column:
    """Make a column of Arrow strings."""
    pd = pandas()
    made: Column = pd.Series(pd.arrays.ArrowExtensionArray(values), name=name, copy=False)
    return made


def arrow(values: Column) -> pa.Array:
    """Return the Arrow strings of a column."""
    held = values.array.__arrow_array__()
    if isinstance(held, pa.Array):
        return held
    return held.chunk(0) if held.num_chunks == 1 else held.combine_chunks()


def _like(source: Column, values: pa.Array) -> Column:
    return column(values, str(source.name))


def only(values: Column, where: Column) -> Column:
    """Keep values where a condition holds; a condition on a missing value does not hold."""
    told = pa.array(where.to_numpy()) if where.dtype == bool else arrow(where)
    holds = pc.fill_null(told, False)  # noqa: FBT003 (Arrow's fill value)
    return _like(values, pc.if_else(holds, arrow(values), pa.scalar(None, pa.string())))


def stated(values: Column, status: Column) -> Column:
    """Make values unread where their status is unknown, so that it is found: the status has no field of its own.

    A status that no table lists is what is reported; so is a missing one, of which nothing can be shown.
    """
    states = arrow(status)
    unknown = pc.if_else(pc.is_null(states), UNREAD, states)
    return _like(values, pc.if_else(is_unread(unknown), unknown, arrow(values)))


def address(street: Column, number: Column) -> Column:
    """Join street and number as ``street, number``, or the street alone."""
    streets, numbers = arrow(street), arrow(number)
    both = pc.coalesce(pc.binary_join_element_wise(streets, numbers, ", "), streets)
    return _like(street, pc.if_else(is_unread(numbers), numbers, both))


def money(amount: Column) -> Column:
    """Write an amount with at least two decimals, zeros past the second dropped; never rounded.

    >>> money(column(pa.array(["15004.0", "7", "100000.0400", "1.23456"]), "amount")).tolist()
    ['15004.00', '7.00', '100000.04', '1.23456']
    """
    text = arrow(amount)
    point = pc.find_substring(text, ".")
    plain = pc.and_(
        pc.equal(pc.subtract(pc.binary_length(text), point), _POINT_AND_CENTS), pc.greater(point, 0)
    )
    plain = pc.fill_null(plain, True)  # noqa: FBT003 (Arrow's fill value)
    return _like(amount, mended_where(text, ~plain.to_numpy(zero_copy_only=False), _in_cents))


def _in_cents(amounts: pa.Array) -> pa.Array:
    text = pc.replace_substring_regex(amounts, r"^(-?[0-9]+)$", r"\1.00")
    text = pc.replace_substring_regex(text, r"^(-?[0-9]+\.[0-9])$", r"\10")  # RE2: group 1, then a zero
    return pc.replace_substring_regex(text, r"^(-?[0-9]+\.[0-9]{2}[0-9]*?)0+$", r"\1")


def _each_distinct(values: Column, change: dict[str, str | bool | None], kind: pa.DataType) -> pa.Array:
    encoded = arrow(values).dictionary_encode()
    changed = pa.array([change[value] for value in encoded.dictionary.to_pylist()], kind)
    return changed.take(encoded.indices)


def _distinct(values: Column) -> list[str]:
    return [value for value in pc.unique(arrow(values)).to_pylist() if value is not None]


def share(percent: Column) -> Column:
    """Turn a percentage into a share with six decimals, rounded half to even.

    >>> share(column(pa.array(["51.000000", "33.33335", "100"]), "percent")).tolist()
    ['0.510000', '0.333334', '1.000000']
    """
    shares: dict[str, str | bool | None] = {
        value: value if value.startswith(UNREAD) else _share(value) for value in _distinct(percent)
    }
    return _like(percent, _each_distinct(percent, shares, pa.string()))


def _share(percent: str) -> str:
    exact = Context(prec=len(percent) + 8, rounding=ROUND_HALF_EVEN)
    return str(Decimal(percent).scaleb(-2, exact).quantize(_SIX_PLACES, context=exact))


def below(percent: Column, limit: int) -> Column:
    """Say where a percentage is read and below a limit, compared before any rounding."""
    verdicts: dict[str, str | bool | None] = {
        value: not value.startswith(UNREAD) and Decimal(value) < limit for value in _distinct(percent)
    }
    found = pc.fill_null(_each_distinct(percent, verdicts, pa.bool_()), False)  # noqa: FBT003 (Arrow's fill value)
    return column(found, str(percent.name))


def party_document(number: Column, document_type: Column) -> Column:
    """Restore a party's CPF or CNPJ by its document type; other documents stay as the core has them."""
    kinds, numbers = arrow(document_type), arrow(number)
    is_company = pc.equal(kinds, "CNPJ")
    restored = tax_id(unmasked(numbers), is_company)
    is_tax_id = pc.fill_null(pc.is_in(kinds, pa.array(["CPF", "CNPJ"])), False)  # noqa: FBT003 (Arrow's fill value)
    return _like(number, pc.if_else(is_tax_id, restored, numbers))


def area_code(digits: Column) -> Column:
    """Drop the trunk zeros before a DDD; nothing but zeros is no area code."""
    trimmed = pc.utf8_ltrim(arrow(digits), "0")
    return _like(digits, pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed))


def earlier(first: Column, second: Column) -> Column:
    """Return the earlier of two timestamps, ignoring a missing one; an unread one wins, so that it is found."""
    one, other = arrow(first), arrow(second)
    least = pc.min_element_wise(one, other, skip_nulls=True)
    least = pc.if_else(is_unread(one), one, pc.if_else(is_unread(other), other, least))
    return _like(first, least)
