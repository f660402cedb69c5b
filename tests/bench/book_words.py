"""The words of pandas, by the book: string accessors to read cells, Series in, Series out."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mappings.profile import Kind
from tests.bench.plan import CORE, FILLERS, FREE_TEXT, MASK_SIGNS, UNMASKED, WIDTHS, ZEROS_ARE_NOTHING

if TYPE_CHECKING:
    from mappings.core import Source

_SIGNS = f"[{MASK_SIGNS.replace('-', '')}-]"
_DAY, _MOMENT = "%d/%m/%Y", "%d/%m/%Y %H:%M:%S"
_CPF = 11


def tidy(raw: pd.Series, *, free: bool) -> pd.Series:
    """Trim, collapse blanks in free text, and take fillers for nothing."""
    text = raw.str.strip()
    text = text.str.replace(r"\s+", " ", regex=True) if free else text
    return text.mask(text.isin(FILLERS))


def unmasked(text: pd.Series) -> pd.Series:
    """Strip the signs of a mask."""
    return text.str.replace(_SIGNS, "", regex=True)


def not_zeros(text: pd.Series) -> pd.Series:
    """Take a number of zeros for nothing."""
    return text.mask(text.str.strip("0.-/ ") == "")


def utc(local: pd.Series) -> pd.Series:
    """Turn local time into UTC: the first of a repeated hour, an hour later in a skipped one."""
    first = np.ones(len(local), bool)
    zoned: pd.Series = local.dt.tz_localize(CORE.zone, ambiguous=first, nonexistent=pd.Timedelta(hours=1))
    there: pd.Series = zoned.dt.tz_convert("UTC").dt.tz_localize(None)
    return there


def moment_text(moment: pd.Series) -> pd.Series:
    """Write a time as the standard does."""
    text: pd.Series = moment.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text


def read_column(raw: pd.Series, source: Source) -> pd.Series:  # noqa: PLR0911 (one line per kind)
    """Read a raw column as its kind; dates and times of a Parquet file are native already."""
    text = isinstance(raw.dtype, pd.StringDtype)
    match source.kind:
        case Kind.CODE:
            return raw.str.strip().map(source.codes or {})
        case Kind.FLAG:
            return raw.str.strip().map({"S": "true", "N": "false"})
        case Kind.DATE:
            day = (
                pd.to_datetime(raw.str.strip(), format=_DAY, errors="coerce") if text else pd.to_datetime(raw)
            )
            return day.where(day.dt.year > 1).dt.strftime("%Y-%m-%d")
        case Kind.TIMESTAMP:
            local = pd.to_datetime(raw.str.strip(), format=_MOMENT, errors="coerce") if text else raw
            return utc(local.where(local.dt.year > 1))
        case Kind.DECIMAL:
            number = tidy(raw, free=False).str.replace(",", ".") if text else raw.map(str, na_action="ignore")
            return number.str.replace(r"^(-?)0+([0-9])", r"\1\2", regex=True)
        case Kind.YEAR:
            return raw.str.strip().where(raw.str.strip().str.isdigit().fillna(value=False).astype(bool))
        case Kind.COORDINATE:
            return tidy(raw, free=False).str.replace(",", ".")
        case Kind.CPF_OR_CNPJ:
            number = not_zeros(tidy(raw, free=False))
            digits = unmasked(number)
            company = number.str.contains("/", regex=False).fillna(value=False).astype(bool) | (
                digits.str.len() > _CPF
            )
            return digits.str.zfill(14).where(company, digits.str.zfill(_CPF))
        case kind:
            value = tidy(raw, free=kind in FREE_TEXT)
            value = not_zeros(value) if kind in ZEROS_ARE_NOTHING else value
            value = unmasked(value) if kind in UNMASKED else value
            return value.str.zfill(WIDTHS[kind]) if kind in WIDTHS else value


class FrameWords:
    """The mapping's words on one frame."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def col(self, name: str) -> pd.Series:
        """Return a column."""
        return self._frame[name]

    def keep(self, value: pd.Series, name: str, wanted: str | None, *, negated: bool = False) -> pd.Series:
        """Return a value under a condition."""
        cell = self._frame[name]
        if wanted is None:
            return value.where(cell.isna())
        return value.where((cell.notna() & (cell != wanted)) if negated else cell == wanted)

    def address(self) -> pd.Series:
        """Return street and number."""
        street, number = self._frame["street"], self._frame["street_number"]
        return (street + ", " + number).fillna(street)

    def money(self, name: str) -> pd.Series:
        """Return an amount."""
        text = self._frame[name].str.replace(r"^(-?[0-9]+)$", r"\1.00", regex=True)
        text = text.str.replace(r"^(-?[0-9]+\.[0-9])$", r"\g<1>0", regex=True)
        return text.str.replace(r"^(-?[0-9]+\.[0-9]{2}[0-9]*?)0+$", r"\1", regex=True)

    def share(self, name: str) -> pd.Series:
        """Return a share."""
        places = Decimal("0.000001")
        return self._frame[name].map(
            lambda text: str(Decimal(text).scaleb(-2).quantize(places, rounding=ROUND_HALF_EVEN)),
            na_action="ignore",
        )

    def party_document(self) -> pd.Series:
        """Return a document, restored."""
        number, kind = self._frame["document_number"], self._frame["document_type"]
        clean = unmasked(number)
        found = number.mask(kind == "CPF", clean.str.zfill(_CPF))
        return found.mask(kind == "CNPJ", clean.str.zfill(14))

    def area_code(self) -> pd.Series:
        """Return an area code."""
        digits = self._frame["area_code"].str.lstrip("0")
        return digits.mask(digits == "")
