"""The words of Polars: expressions that read cells, map, check and nest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mappings.profile import Kind
from tests.bench.plan import (
    FILLERS,
    FREE_TEXT,
    MASK_SIGNS,
    OFFSETS,
    UNMASKED,
    WIDTHS,
    ZEROS_ARE_NOTHING,
    formats_of,
    is_free,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from customers.dictionary import Field
    from mappings.core import Source
    from tests.bench.plan import Check, List, Plan

_SIGNS = f"[{MASK_SIGNS.replace('-', '')}-]"
_NOTHING = pl.lit(None, pl.String)


def tidy(raw: pl.Expr, *, free: bool) -> pl.Expr:
    """Trim, collapse blanks in free text, and take fillers for nothing."""
    text = raw.str.strip_chars()
    if free:
        untidy = raw.str.contains_any(["  ", "\n"])
        text = pl.when(untidy).then(text.str.replace_all(r"\s+", " ")).otherwise(text)
    return pl.when(~text.is_in(FILLERS)).then(text)


def unmasked(text: pl.Expr) -> pl.Expr:
    """Strip the signs of a mask."""
    return text.str.replace_all(_SIGNS, "")


def not_zeros(text: pl.Expr) -> pl.Expr:
    """Take a number of zeros for nothing."""
    return pl.when(text.str.strip_chars("0.-/ ") != "").then(text)


def padded(text: pl.Expr, width: int) -> pl.Expr:
    """Restore zeros on the left."""
    return text.str.zfill(width)


def _codes(raw: pl.Expr, codes: dict[str, str]) -> pl.Expr:
    return raw.str.strip_chars().replace_strict(codes, default=None, return_dtype=pl.String)


def _utc(local: pl.Expr) -> pl.Expr:
    """Turn local time into UTC through the zone's steps."""
    starts, offsets = OFFSETS
    step = pl.lit(pl.Series(starts)).search_sorted(local.dt.epoch("s"), side="right")
    return local - pl.duration(seconds=pl.lit(pl.Series(offsets)).gather((step.cast(pl.Int64) - 1).clip(0)))


def moment_text(moment: pl.Expr) -> pl.Expr:
    """Write a time as the standard does."""
    return moment.dt.to_string("%Y-%m-%dT%H:%M:%SZ")


def read_column(source: Source, *, native: bool) -> pl.Expr:  # noqa: PLR0911 (one line per kind)
    """Return the expression that reads a raw column as its kind."""
    raw, kind = pl.col(source.column), source.kind
    match kind:
        case Kind.CODE:
            return _codes(raw, source.codes or {})
        case Kind.FLAG:
            return _codes(raw, {"S": "true", "N": "false"})
        case Kind.DATE:
            day = raw if native else raw.str.strip_chars().str.to_date("%d/%m/%Y", strict=False)
            return pl.when(day.dt.year() > 1).then(day.dt.to_string("%Y-%m-%d"))
        case Kind.TIMESTAMP:
            local = (
                raw if native else raw.str.strip_chars().str.to_datetime("%d/%m/%Y %H:%M:%S", strict=False)
            )
            return pl.when(local.dt.year() > 1).then(_utc(local))
        case Kind.DECIMAL:
            text = (
                raw.cast(pl.String) if native else tidy(raw, free=False).str.replace(",", ".", literal=True)
            )
            return text.str.replace("^(-?)0+([0-9])", "${1}${2}")
        case Kind.YEAR:
            return raw.str.strip_chars().cast(pl.Int64, strict=False).cast(pl.String)
        case Kind.COORDINATE:
            return tidy(raw, free=False).str.replace(",", ".", literal=True)
        case Kind.CPF_OR_CNPJ:
            text = not_zeros(tidy(raw, free=False))
            digits = unmasked(text)
            company = text.str.contains("/", literal=True) | (digits.str.len_bytes() > 11)
            return pl.when(company).then(padded(digits, 14)).otherwise(padded(digits, 11))
        case _:
            text = tidy(raw, free=kind in FREE_TEXT)
            text = not_zeros(text) if kind in ZEROS_ARE_NOTHING else text
            text = unmasked(text) if kind in UNMASKED else text
            return padded(text, WIDTHS[kind]) if kind in WIDTHS else text


class ColumnWords:
    """The mapping's words as expressions."""

    def col(self, name: str) -> pl.Expr:
        """Return a column."""
        return pl.col(name)

    def keep(self, value: pl.Expr, name: str, wanted: str | None, *, negated: bool = False) -> pl.Expr:
        """Return a value under a condition."""
        cell = pl.col(name)
        test = cell.is_null() if wanted is None else (cell != wanted if negated else cell == wanted)
        return pl.when(test).then(value)

    def address(self) -> pl.Expr:
        """Return street and number."""
        return pl.coalesce(pl.concat_str("street", "street_number", separator=", "), "street")

    def money(self, name: str) -> pl.Expr:
        """Return an amount."""
        cell = pl.col(name)
        return (
            pl.when(~cell.str.contains(".", literal=True))
            .then(pl.concat_str(cell, pl.lit(".00")))
            .when(cell.str.slice(-2, 1) == ".")
            .then(pl.concat_str(cell, pl.lit("0")))
            .otherwise(cell.str.replace(r"^(-?[0-9]+\.[0-9]{2}[0-9]*?)0+$", "${1}"))
        )

    def share(self, name: str) -> pl.Expr:
        """Return a share: in units of 1e-10, so that half to even is exact."""
        parts = pl.col(name).str.split_exact(".", 1).struct
        fraction = parts.field("field_1").fill_null("").str.pad_end(8, "0")
        units = pl.concat_str(parts.field("field_0"), fraction).cast(pl.Int64)
        whole, rest = units // 10_000, units % 10_000
        up = (rest > 5_000) | ((rest == 5_000) & (whole % 2 == 1))
        rounded = whole + up.cast(pl.Int64)
        digits = (rounded % 1_000_000).cast(pl.String).str.zfill(6)
        return pl.concat_str((rounded // 1_000_000).cast(pl.String), pl.lit("."), digits)

    def party_document(self) -> pl.Expr:
        """Return a document, restored."""
        number, kind = pl.col("document_number"), pl.col("document_type")
        clean = unmasked(number)
        restored = pl.when(kind == "CPF").then(padded(clean, 11)).when(kind == "CNPJ").then(padded(clean, 14))
        return restored.otherwise(number)

    def area_code(self) -> pl.Expr:
        """Return an area code."""
        digits = pl.col("area_code").str.strip_chars_start("0")
        return pl.when(digits != "").then(digits)


def good(check: Check) -> pl.Expr:
    """Return a test that is never null and true where the value is good."""
    cell, bound = pl.col(check.xpath), check.bound
    match check.keyword:
        case "required":
            return cell.is_not_null() | (
                pl.all_horizontal(pl.col(*check.siblings).is_null()) if check.siblings else False
            )
        case "minItems":
            return pl.col(f"n {check.xpath}").fill_null(0) >= bound
        case "maxItems":
            return pl.col(f"n {check.xpath}").fill_null(0) <= bound
        case "minLength":
            test = cell.str.len_chars() >= bound
        case "maxLength":
            test = cell.str.len_chars() <= bound
        case "enum":
            test = cell.is_in(list(_words(check)))
        case "format" if check.argument == "date":
            test = cell.str.to_date("%Y-%m-%d", strict=False).is_not_null() | cell.is_null()
        case "format" if check.argument == "date-time":
            test = cell.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False).is_not_null() | cell.is_null()
        case _:
            test = pl.all_horizontal(cell.str.contains(pattern) for pattern in formats_of(check))
    return test.fill_null(value=True)


def _words(check: Check) -> Iterable[str]:
    return check.argument  # type: ignore[return-value]


def _escaped(cell: pl.Expr) -> pl.Expr:
    text = cell.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return pl.when(cell.str.contains_any(['"', "\\"])).then(text).otherwise(cell)


def item_text(found: Plan, item: List) -> pl.Expr:
    """Return one element of a list."""
    if item.scalar:
        return pl.concat_str(pl.lit('"'), pl.col(item.path), pl.lit('"'))
    return object_text(found, item.path)


def object_text(found: Plan, path: str) -> pl.Expr:
    """Return the text of an object; members without a value are left out."""
    members = [_member(found, field) for field in found.children(path)]
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))


def _member(found: Plan, field: Field) -> pl.Expr:
    name, cell = f'"{field.name}":', pl.col(field.xpath)
    match field.type:
        case "array" if field.obligation == "required":
            return pl.concat_str(pl.lit(name), cell.fill_null("[]"))
        case "object":
            text = pl.concat_str(pl.lit(name), object_text(found, field.xpath))
            if found.is_always_sent(field):
                return text
            some = pl.any_horizontal(pl.col(leaf).is_not_null() for leaf in found.leaves_below(field.xpath))
            return pl.when(some).then(text)
        case "string":
            text = _escaped(cell) if is_free(found.structure.name, field.xpath) else cell
            return pl.concat_str(pl.lit(name + '"'), text, pl.lit('"'))
        case _:
            return pl.concat_str(pl.lit(name), cell)
