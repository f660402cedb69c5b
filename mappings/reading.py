"""Read raw cells as their kinds: one function per kind, raw Arrow array in, canonical text out.

Canonical text is what ``customers.unread`` describes. Missing stays missing; what cannot be read keeps its raw text
behind the mark. Parquet and databases bring native dates, timestamps, decimals and numbers: they are read as they are.
Dates and times have ``mappings.moments`` to themselves.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.repetition import seems_repetitive
from customers.unread import UNREAD, marked
from mappings.moments import read_dates, read_timestamps
from mappings.octets import (
    changed_where,
    maybe_among,
    maybe_masked,
    maybe_padded,
    maybe_untidy,
    mended_where,
    octets,
    without,
)
from mappings.profile import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from mappings.core import Core

# Every Unicode blank, line breaks included; RE2's \s knows only the ASCII ones.
_BLANK = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\p{Z}]"
_MASK = b".-/()+ "
_WIDTHS = {
    Kind.CPF: 11,
    Kind.CNPJ: 14,
    Kind.CEP: 8,
    Kind.IBGE: 7,
    Kind.CNAE: 7,
    Kind.ISPB: 8,
    Kind.COMPE: 3,
    Kind.BRANCH: 4,
    Kind.ACCOUNT: 8,
}
_MASKED = {Kind.CPF, Kind.CNPJ, Kind.CEP, Kind.IBGE, Kind.CNAE, Kind.DIGITS, Kind.TAX_ID, Kind.CPF_OR_CNPJ}
# A column is read once for each distinct value if a sample has no more than these.
_FEW = 32
_DOCUMENTS = {Kind.CPF, Kind.CNPJ, Kind.TAX_ID, Kind.CPF_OR_CNPJ, Kind.NUMBER}
_CPF_WIDTH, _CNPJ_WIDTH = 11, 14


def _where_found(values: pa.Array, pattern: str, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Change only the values that a pattern finds."""
    found = pc.fill_null(pc.match_substring_regex(values, pattern), False)  # noqa: FBT003 (Arrow's fill value)
    return changed_where(values, found.to_numpy(zero_copy_only=False), change)


def _trimmed(values: pa.Array) -> pa.Array:
    """Trim spaces, and collapse runs of blanks where more than that is untidy."""
    values = pc.utf8_trim(values, " ")
    return mended_where(values, maybe_untidy(values), _collapsed)


def _collapsed(values: pa.Array) -> pa.Array:
    return pc.utf8_trim(pc.replace_substring_regex(values, _BLANK + "+", " "), " ")


def tidy(values: pa.Array, fillers: tuple[str, ...]) -> pa.Array:
    """Trim blanks, collapse runs of them, and turn empty text and fillers into missing.

    Text that holds the mark itself, or a NUL, which no database keeps, stays unread whatever its kind.
    """
    values = mended_where(values, maybe_untidy(values), lambda odd: _never_text(_trimmed(odd)))
    return _without(values, ("", *fillers))


def _without(values: pa.Array, words: tuple[str, ...]) -> pa.Array:
    gone = maybe_among(values, words)
    if values.null_count:
        gone &= values.is_valid().to_numpy(zero_copy_only=False)
    rows = gone.nonzero()[0]
    if len(rows) == 0:
        return values
    edges = octets(values)[1]
    filled = rows[edges[rows] < edges[rows + 1]]
    if len(filled):
        gone[filled] = pc.is_in(values.take(pa.array(filled)), _word_set(words))
        if not gone.any():
            return values
    return pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), values)


@cache
def _word_set(words: tuple[str, ...]) -> pa.StringArray:
    return pa.array(words, pa.string())


def _never_text(values: pa.Array) -> pa.Array:
    # One look at the whole column is far cheaper than one per value, and hardly any export has such text.
    content = values.buffers()[2]
    if content is None or not any(sign in content.to_pybytes() for sign in (UNREAD.encode(), b"\0")):
        return values
    return _where_found(
        values, rf"\x{{0}}|{UNREAD}", lambda odd: pc.binary_join_element_wise(UNREAD, odd, "")
    )


def zeros_restored(values: pa.Array, width: int) -> pa.Array:
    """Pad digits with zeros on the left; text that is not all digits stays as it is.

    >>> zeros_restored(pa.array(["191", "12345678901", "1A", None]), 11).to_pylist()
    ['00000000191', '12345678901', '1A', None]
    """
    edges = octets(values)[1]
    sizes = edges[1:] - edges[:-1]
    short = (sizes < width) & (sizes > 0)
    if not short.any():
        return values
    return changed_where(
        values, short & ~maybe_masked(values), lambda digits: pc.utf8_lpad(digits, width, "0")
    )


def unmasked(values: pa.Array) -> pa.Array:
    """Strip the signs of a mask (dot, hyphen, slash, brackets, plus, blank); anything else stays."""
    return mended_where(values, maybe_masked(values), lambda masked: without(masked, _MASK))


def tax_id(values: pa.Array, is_company: pa.Array) -> pa.Array:
    """Restore a CPF or, where the mask says so, a CNPJ from stripped digits."""
    return pc.if_else(is_company, zeros_restored(values, _CNPJ_WIDTH), zeros_restored(values, _CPF_WIDTH))


def _cpf_or_cnpj(values: pa.Array) -> pa.Array:
    digits = unmasked(values)
    slash = pc.match_substring(values, "/")
    long = pc.greater(pc.utf8_length(digits), _CPF_WIDTH)
    return tax_id(digits, pc.or_(slash, long))


def _not_zeros(values: pa.Array) -> pa.Array:
    zeros = pc.match_substring_regex(values, r"^[0.\-/ ]*0[0.\-/ ]*$")
    return pc.if_else(zeros, pa.scalar(None, pa.string()), values)


def _text(values: pa.Array) -> pa.Array:
    """Bring native cells to text."""
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def read_decimals(values: pa.Array) -> pa.Array:
    """Read numbers with a decimal comma (or native ones) as plain text with a point, no digit lost.

    >>> read_decimals(pa.array(["0015004,0", "-0,5", "1.500,00"])).to_pylist() == [
    ...     "15004.0", "-0.5", UNREAD + "1.500,00"]
    True
    """
    pattern = r"^-?[0-9]+(,[0-9]+)?$"
    if not pa.types.is_string(values.type):
        values, pattern = _plain_numbers(values), r"^-?[0-9]+(\.[0-9]+)?$"
    shaped = pc.if_else(pc.match_substring_regex(values, pattern), values, None)
    pointed = pc.replace_substring(shaped, ",", ".")
    return marked(values, changed_where(pointed, maybe_padded(pointed), _canonical))


def _canonical(numbers: pa.Array) -> pa.Array:
    """Write numbers without zeros in front, and zero without a sign."""
    plain = pc.replace_substring_regex(numbers, r"^(-?)0+([0-9])", r"\1\2")
    return pc.replace_substring_regex(plain, r"^-(0(\.0+)?)$", r"\1")


def _plain_numbers(values: pa.Array) -> pa.Array:
    """Write native numbers as text; Arrow writes small and large ones with an exponent, which is spelt out."""
    text = values.cast(pa.string())
    return _where_found(
        text, "[Ee]", lambda short: pa.array([f"{Decimal(one):f}" for one in short.to_pylist()])
    )


def _years(values: pa.Array) -> pa.Array:
    shaped = pc.if_else(pc.match_substring_regex(values, r"^-?[0-9]{1,18}$"), values, None)
    return marked(values, shaped.cast(pa.int64()).cast(pa.string()))


def _coordinates(values: pa.Array) -> pa.Array:
    return pc.replace_substring(values, ",", ".")


def _coded(values: pa.Array, codes: dict[str, str]) -> pa.Array:
    found = pc.index_in(values, pa.array(list(codes), pa.string()))
    found = pc.if_else(pc.is_valid(values), found, None)
    return marked(values, pa.array(list(codes.values()), pa.string()).take(found))


@cache
def _plain_codes(codes: tuple[tuple[str, str], ...], fillers: tuple[str, ...]) -> tuple[pa.Array, pa.Array]:
    """Return those codes that are tidy and no fillers, and what they mean."""
    names = pa.array([code for code, _ in codes], pa.string())
    plain = pc.fill_null(pc.equal(tidy(names, fillers), names), False)  # noqa: FBT003 (Arrow's fill value)
    return names.filter(plain), pa.array([meaning for _, meaning in codes], pa.string()).filter(plain)


def _by_code(values: pa.Array, codes: dict[str, str], core: Core) -> pa.Array:
    """Look codes up as they stand, and read only what is none of them."""
    names, meanings = _plain_codes(tuple(codes.items()), core.fillers)
    found = pc.index_in(values, names)
    other = pc.and_(pc.is_null(found), pc.is_valid(values)).to_numpy(zero_copy_only=False)
    if not other.any():
        return meanings.take(found)
    rest = _by_distinct(lambda odd: _coded(_tidy_text(odd, core), codes), values.filter(pa.array(other)))
    place = pc.fill_null(found, 0).to_numpy().copy()
    place[other] = np.arange(len(meanings), len(meanings) + len(rest), dtype=np.int32)
    missing = pc.is_null(values).to_numpy(zero_copy_only=False)
    return pa.concat_arrays([meanings, rest]).take(pa.array(place, mask=missing))


def _by_distinct(read: Callable[[pa.Array], pa.Array], values: pa.Array) -> pa.Array:
    """Read every distinct value once."""
    encoded = values.dictionary_encode()
    return read(encoded.dictionary).take(encoded.indices)


def read(values: pa.Array, kind: Kind, codes: dict[str, str] | None, core: Core) -> pa.Array:
    """Read the raw cells of one column as their kind.

    A code that no table lists, a flag, year, date, timestamp or decimal that does not read as one stays unread.
    """
    if values.null_count == len(values):
        return pa.nulls(len(values), pa.string())
    if not pa.types.is_string(values.type):
        values = _native(values, kind)
    if kind is Kind.CODE:
        return _by_code(values, codes or {}, core)
    if kind is Kind.FLAG:
        if pa.types.is_boolean(values.type):
            return pc.if_else(values, "true", "false")
        return _by_code(values, {core.true: "true", core.false: "false"}, core)
    if kind is Kind.YEAR or (pa.types.is_string(values.type) and seems_repetitive(values, _FEW)):
        return _by_distinct(lambda distinct: _read_tidy(_tidy_text(distinct, core), kind, core), values)
    return _read_tidy(_tidy_text(values, core), kind, core)


def _tidy_text(values: pa.Array, core: Core) -> pa.Array:
    return tidy(values, core.fillers) if pa.types.is_string(values.type) else values


def _read_tidy(values: pa.Array, kind: Kind, core: Core) -> pa.Array:
    match kind:
        case Kind.DATE:
            return read_dates(values)
        case Kind.TIMESTAMP:
            return read_timestamps(values, core.zone)
        case Kind.DECIMAL:
            return read_decimals(values)
        case Kind.YEAR:
            return _years(_text(values))
        case _:
            return _plain(values, kind)


def _native(values: pa.Array, kind: Kind) -> pa.Array:
    """Bring a native column to text unless its kind reads native cells itself."""
    if pa.types.is_null(values.type) or pa.types.is_dictionary(values.type):
        return values.cast(pa.string())
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return values.cast(pa.string())
    if pa.types.is_temporal(values.type) and kind in (Kind.DATE, Kind.TIMESTAMP):
        first = pa.scalar(-719162, pa.int32()).cast(pa.date32())  # 0001-01-01, the filler
        real = pc.not_equal(values.cast(pa.date32(), safe=False), first)
        return pc.if_else(real, values, pa.scalar(None, values.type))
    if pa.types.is_boolean(values.type) and kind is Kind.FLAG:
        return values
    numeric = (
        pa.types.is_decimal(values.type)
        or pa.types.is_integer(values.type)
        or pa.types.is_floating(values.type)
    )
    if numeric and kind is Kind.DECIMAL:
        return values
    return values.cast(pa.string())


def _plain(values: pa.Array, kind: Kind) -> pa.Array:
    if kind in _DOCUMENTS:
        values = _not_zeros(values)
    if kind is Kind.CPF_OR_CNPJ:
        return _cpf_or_cnpj(values)
    if kind is Kind.COORDINATE:
        return _coordinates(values)
    if kind in _MASKED:
        values = unmasked(values)
    return zeros_restored(values, _WIDTHS[kind]) if kind in _WIDTHS else values
