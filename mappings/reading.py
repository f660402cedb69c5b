"""Read raw cells as their kinds: one function per kind, raw Arrow array in, canonical text out.

Canonical text is what ``customers.unread`` describes. Missing stays missing; what cannot be read keeps its raw text
behind the mark. Parquet and databases bring native dates, timestamps, decimals and numbers: they are read as they are.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.unread import UNREAD
from mappings.octets import (
    changed_where,
    fixed_width,
    has_shape,
    maybe_among,
    maybe_masked,
    maybe_padded,
    maybe_untidy,
    mended_where,
    number_at,
    octets,
    of_width,
    without,
)
from mappings.profile import Kind
from mappings.zones import to_utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mappings.core import Core

    Integers = NDArray[np.int64]

# Every Unicode blank, line breaks included; RE2's \s knows only the ASCII ones.
_BLANK = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\p{Z}]"
_MASK = b".-/()+ "
_DATE = b"99/99/9999"
_TIMESTAMP = b"99/99/9999 99:99:99"
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
# A column whose values repeat so often, by a sample of it, is read once for each distinct one.
_SAMPLE, _FEW = 128, 32
_DOCUMENTS = {Kind.CPF, Kind.CNPJ, Kind.TAX_ID, Kind.CPF_OR_CNPJ, Kind.NUMBER}
_CPF_WIDTH, _CNPJ_WIDTH = 11, 14
# The years 1 to 9999, in seconds since 1970.
_YEARS = (-62_135_596_800, 253_402_300_800)
_DAY_SECONDS = 86_400
# Days that are written so often that their texts are kept: those of the years 1900 to 2099, counted from 1970.
_USUAL_DAYS = (-25_567, 47_482)
_UTC_TEXT = np.dtype([("day", "V10"), ("between", "V1"), ("clock", "V8"), ("zone", "V1")])
_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


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
    rows = np.flatnonzero(gone)
    if len(rows) == 0:
        return values
    gone[rows] = pc.is_in(values.take(pa.array(rows)), pa.array(words, pa.string()))
    return pc.if_else(pa.array(gone), pa.scalar(None, pa.string()), values) if gone.any() else values


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
    length = pc.binary_length(values)
    short = pc.and_(pc.less(length, width), pc.greater(length, 0))
    short = pc.and_not(short, pa.array(maybe_masked(values)))
    return pc.if_else(short, pc.utf8_lpad(values, width, "0"), values) if pc.any(short).as_py() else values


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


def _marked(values: pa.Array, read: pa.Array) -> pa.Array:
    """Put the mark before every value that could not be read."""
    if read.null_count == values.null_count:
        return read
    lost = pc.and_(pc.is_null(read), pc.is_valid(values))
    return pc.replace_with_mask(read, lost, pc.binary_join_element_wise(UNREAD, values.filter(lost), ""))


@cache
def _months() -> tuple[Integers, Integers]:
    """Return the first day, since 1970, and the length of each month of the years 1 to 9999."""
    first = np.arange(np.datetime64("0001-01"), np.datetime64("10000-02")).astype("datetime64[D]")
    days = first.astype(np.int64)
    return days[:-1], np.diff(days)


@cache
def _usual_days() -> NDArray[np.void]:
    days = pa.array(np.arange(*_USUAL_DAYS, dtype=np.int32)).cast(pa.date32()).cast(pa.string())
    return octets(days)[0].view("V10")


@cache
def _seconds_of_a_day() -> NDArray[np.void]:
    clock = pa.array(np.arange(_DAY_SECONDS, dtype=np.int32)).cast(pa.time32("s")).cast(pa.string())
    return octets(clock)[0].view("V8")


def _day_texts(days: Integers) -> NDArray[np.void]:
    """Write days since 1970, all of them in the years 1 to 9999, as ISO dates of ten bytes."""
    first, end = _USUAL_DAYS
    if ((days >= first) & (days < end)).all():
        return _usual_days()[days - first]
    return octets(pa.array(days.astype(np.int32)).cast(pa.date32()).cast(pa.string()))[0].view("V10")


def _days_of(places: NDArray[np.uint8]) -> tuple[Integers, NDArray[np.bool_]]:
    """Return days since 1970 of ``dd/mm/aaaa`` and whether each is a real calendar date."""
    year, month, day = number_at(places, 6, 10), number_at(places, 3, 5), number_at(places, 0, 2)
    sane = (year >= 1) & (month >= 1) & (month <= 12)  # noqa: PLR2004 (months of a year)
    first, lengths = _months()
    number = np.where(sane, year * 12 + month - 13, 0)
    return first[number] + day - 1, sane & (day >= 1) & (day <= lengths[number])


def read_dates(values: pa.Array) -> pa.Array:
    """Read ``dd/mm/aaaa`` (or native dates) as ISO dates; a day that no calendar has stays unread.

    >>> read_dates(pa.array(["29/02/2024", None, "31/02/1990", "1/1/90"])).to_pylist() == [
    ...     "2024-02-29", None, UNREAD + "31/02/1990", UNREAD + "1/1/90"]
    True
    """
    if not pa.types.is_string(values.type):
        return _native_dates(values.cast(pa.date32(), safe=False))
    rows, text = of_width(values, len(_DATE))
    shaped = has_shape(text, _DATE)
    if not shaped.all():
        rows, text = rows[shaped], text[:, shaped]
    days, real = _days_of(text)
    all_days = np.zeros(len(values), np.int64)
    all_days[rows] = np.where(real, days, 0)
    missing = np.ones(len(values), bool)
    missing[rows] = ~real
    text = _day_texts(all_days).view(np.uint8).reshape(len(values), len(_DATE))
    return _marked(values, fixed_width(text, missing))


def _native_dates(days: pa.Array) -> pa.Array:
    """Write dates; one that four digits of a year cannot say stays unread."""
    numbers, text = days.cast(pa.int32()), days.cast(pa.string())
    first, end = (seconds // _DAY_SECONDS for seconds in _YEARS)
    said = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, end))
    return _marked(text, pc.if_else(said, text, pa.scalar(None, pa.string())))


def _utc_text(seconds: Integers, missing: NDArray[np.bool_]) -> pa.Array:
    """Write seconds since 1970 as UTC text; what four digits of a year cannot say is missing."""
    missing = missing | (seconds < _YEARS[0]) | (seconds >= _YEARS[1])
    seconds = np.where(missing, 0, seconds)
    days = seconds // _DAY_SECONDS
    text = np.empty(len(seconds), _UTC_TEXT)
    text["day"], text["clock"] = _day_texts(days), _seconds_of_a_day()[seconds - days * _DAY_SECONDS]
    text["between"], text["zone"] = b"T", b"Z"
    return fixed_width(text.view(np.uint8).reshape(len(text), text.itemsize), missing)


def _native_timestamps(values: pa.Array, zone: str) -> pa.Array:
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("s"))
    missing = pc.is_null(values).to_numpy(zero_copy_only=False)
    zoned = values.type.tz is not None
    ticks = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    seconds = ticks // _TICKS[values.type.unit]  # whole seconds, down, also before 1970
    return _marked(values.cast(pa.string()), _utc_text(seconds if zoned else to_utc(seconds, zone), missing))


def read_timestamps(values: pa.Array, zone: str) -> pa.Array:
    """Read local ``dd/mm/aaaa HH:MM:SS`` (or native timestamps, naive ones local) as UTC ``…T…Z``.

    >>> read_timestamps(pa.array(["21/03/2020 05:30:00"]), "America/Sao_Paulo").to_pylist()
    ['2020-03-21T08:30:00Z']
    >>> read_timestamps(pa.array(["21/03/2020 25:30:00"]), "America/Sao_Paulo").to_pylist()[0] == (
    ...     UNREAD + "21/03/2020 25:30:00")
    True
    """
    if not pa.types.is_string(values.type):
        return _native_timestamps(values, zone)
    rows, text = of_width(values, len(_TIMESTAMP))
    shaped = has_shape(text, _TIMESTAMP)
    if not shaped.all():
        rows, text = rows[shaped], text[:, shaped]
    days, real = _days_of(text)
    hour, minute, second = (number_at(text, at, at + 2) for at in (11, 14, 17))
    real &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004 (a clock)
    stamps = np.zeros(len(values), np.int64)
    stamps[rows] = days * _DAY_SECONDS + hour * 3_600 + minute * 60 + second
    missing = np.ones(len(values), bool)
    missing[rows] = ~real
    return _marked(values, _utc_text(to_utc(stamps, zone), missing))


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
    return _marked(values, changed_where(pointed, maybe_padded(pointed), _canonical))


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
    return _marked(values, shaped.cast(pa.int64()).cast(pa.string()))


def _coordinates(values: pa.Array) -> pa.Array:
    return pc.replace_substring(values, ",", ".")


def _coded(values: pa.Array, codes: dict[str, str]) -> pa.Array:
    found = pc.index_in(values, pa.array(list(codes), pa.string()))
    found = pc.if_else(pc.is_valid(values), found, None)
    return _marked(values, pa.array(list(codes.values()), pa.string()).take(found))


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


def _seems_repetitive(values: pa.Array) -> bool:
    """Say whether a column seems to have few distinct texts; an error costs time and nothing else."""
    if not pa.types.is_string(values.type) or len(values) < _SAMPLE:
        return False
    sample = values.take(pa.array(np.arange(_SAMPLE) * (len(values) - 1) // (_SAMPLE - 1)))
    return len(sample.unique()) <= _FEW


def read(values: pa.Array, kind: Kind, codes: dict[str, str] | None, core: Core) -> pa.Array:
    """Read the raw cells of one column as their kind.

    A code that no table lists, a flag, year, date, timestamp or decimal that does not read as one stays unread.
    """
    if not pa.types.is_string(values.type):
        values = _native(values, kind)
    if kind is Kind.CODE:
        return _by_code(values, codes or {}, core)
    if kind is Kind.FLAG:
        if pa.types.is_boolean(values.type):
            return pc.if_else(values, "true", "false")
        return _by_code(values, {core.true: "true", core.false: "false"}, core)
    if kind is Kind.YEAR or _seems_repetitive(values):
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
