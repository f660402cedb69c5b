"""Raw cells read as their kinds: text as the layout writes it, and the native types of Parquet."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.findings import shapes
from customers.unread import UNREAD, is_unread, raw
from mappings.core import load_core
from mappings.profile import Kind
from mappings.reading import read, tax_id

if TYPE_CHECKING:
    from collections.abc import Iterable

CORE = load_core("reference")
CODES = {"1": "SOLTEIRO", "9": "OUTRO"}
LOCAL = ZoneInfo("America/Sao_Paulo")
DIGIT_TEXT = st.from_regex(re.compile("[0-9]{1,16}", re.ASCII), fullmatch=True)


def cells(kind: Kind, values: Iterable[Any], storage: pa.DataType | None = None) -> list[str | None]:
    """Read cells of one column; Python values stand for native ones where a storage type is given."""
    array = pa.array(list(values), storage or pa.string())
    found = read(array, kind, CODES if kind is Kind.CODE else None, CORE)
    assert found.type == pa.string()
    told: list[str | None] = found.to_pylist()
    return told


def cell(kind: Kind, value: object, storage: pa.DataType | None = None) -> str | None:
    (found,) = cells(kind, [value], storage)
    return found


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "filler",
    ["", " ", "\t \u00a0", "00/00/0000", "01/01/0001", "N/A", "NA", "NAO INFORMADO", "  NAO   INFORMADO "],
)
def test_fillers_are_no_value(kind: Kind, filler: str) -> None:
    assert cell(kind, filler) is None


@pytest.mark.parametrize("filler", ["00/00/0000 00:00:00", "01/01/0001 00:00:00"])
def test_fillers_of_dates_may_carry_midnight(filler: str) -> None:
    assert cell(Kind.TIMESTAMP, filler) is None


@pytest.mark.parametrize("text", ["NA Bahia", "N/A1", "Nao informado", "na", "0", "00"])
def test_what_only_looks_like_a_filler_stays(text: str) -> None:
    assert cell(Kind.TEXT, text) == text


@pytest.mark.parametrize("kind", [Kind.CPF, Kind.CNPJ, Kind.TAX_ID, Kind.CPF_OR_CNPJ, Kind.NUMBER])
@pytest.mark.parametrize("zeros", ["0", "00000000000", "000.000.000-00", "00.000.000/0000-00", "000 000"])
def test_document_numbers_of_zeros_are_no_value(kind: Kind, zeros: str) -> None:
    assert cell(kind, zeros) is None


def test_an_ispb_of_zeros_is_a_bank() -> None:
    assert cell(Kind.ISPB, "0") == "00000000"


@given(st.text(st.sampled_from("ab \t\n\r\x0b\x0c\x1c\x85\u00a0\u2003é"), max_size=12))
def test_text_is_trimmed_and_its_blanks_collapsed(text: str) -> None:
    assert cell(Kind.TEXT, text) == (" ".join(text.split()) or None)


@pytest.mark.parametrize(
    ("kind", "width"),
    [
        (Kind.CPF, 11),
        (Kind.CNPJ, 14),
        (Kind.CEP, 8),
        (Kind.IBGE, 7),
        (Kind.CNAE, 7),
        (Kind.ISPB, 8),
        (Kind.COMPE, 3),
        (Kind.BRANCH, 4),
        (Kind.ACCOUNT, 8),
    ],
)
@given(digits=DIGIT_TEXT)
def test_zeros_are_restored_on_the_left_and_nothing_is_cut(kind: Kind, width: int, digits: str) -> None:
    is_document = kind in {Kind.CPF, Kind.CNPJ}
    assert cell(kind, digits) == (None if is_document and not int(digits) else digits.zfill(width))


@pytest.mark.parametrize(
    ("kind", "masked", "digits"),
    [
        (Kind.CPF, "123.456.789-09", "12345678909"),
        (Kind.CPF, "3.456.789-09", "00345678909"),
        (Kind.CNPJ, "12.345.678/0001-95", "12345678000195"),
        (Kind.CNPJ, "345.678/0001-95", "00345678000195"),
        (Kind.CEP, "01310-100", "01310100"),
        (Kind.CEP, "1.310-100", "01310100"),
        (Kind.CNAE, "1091-1/02", "1091102"),
        (Kind.DIGITS, "+55", "55"),
        (Kind.DIGITS, "(011)", "011"),
        (Kind.DIGITS, "91234-5678", "912345678"),
        (Kind.NUMBER, "12.345.678-9", "12.345.678-9"),
        (Kind.CPF, "12345678A09", "12345678A09"),
    ],
)
def test_masks_are_stripped_where_the_document_wants_digits(kind: Kind, masked: str, digits: str) -> None:
    assert cell(kind, masked) == digits


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("123.456.789-09", "12345678909"),
        ("12.345.678/0001-95", "12345678000195"),
        ("00.000.000/0001-91", "00000000000191"),
        ("/0001-91", "00000000000191"),
        ("191", "00000000191"),  # the known loss: it was 00.000.000/0001-91
        ("12345678909", "12345678909"),
        ("345678000195", "00345678000195"),
        ("12345678000195", "12345678000195"),
        ("000.000.000-00", None),
    ],
)
def test_where_either_may_stand_the_mask_decides_and_else_the_length(text: str, told: str | None) -> None:
    assert cell(Kind.CPF_OR_CNPJ, text) == told


def test_a_tax_id_is_restored_by_the_kind_of_person() -> None:
    digits = read(pa.array(["1.91", "0001-91", None]), Kind.TAX_ID, None, CORE)
    assert tax_id(digits, pa.array([False, True, True])).to_pylist() == [
        "00000000191",
        "00000000000191",
        None,
    ]


def day_or_none(text: str) -> str | None:
    day, month, year = (int(part) for part in text.split("/"))
    real = 1 <= month <= 12 and year >= 1 and 1 <= day <= calendar.monthrange(year, month)[1]
    return date(year, month, day).isoformat() if real else None


@given(
    st.lists(
        st.builds(
            "{:02}/{:02}/{:04}".format, st.integers(0, 40), st.integers(0, 14), st.integers(0, 9999)
        ).filter(lambda text: text not in {"00/00/0000", "01/01/0001"})
    )
)
def test_dates_are_days_of_the_calendar(texts: list[str]) -> None:
    assert cells(Kind.DATE, texts) == [day_or_none(text) or UNREAD + text for text in texts]


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001 (local, as the core writes it)
def test_timestamps_are_local_and_told_in_utc(moment: datetime) -> None:
    text = f"{moment:%d/%m}/{moment.year:04} {moment:%H:%M:%S}"
    utc = moment.replace(microsecond=0, tzinfo=LOCAL, fold=0).astimezone(UTC)
    told = f"{utc.year:04}-{utc:%m-%dT%H:%M:%S}Z"
    assert cell(Kind.TIMESTAMP, text) == told
    assert cell(Kind.TIMESTAMP, moment, pa.timestamp("us")) == told


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2026 10:00:00",
        "20/11/2026 24:00:00",
        "20/11/2026 10:60:00",
        "20/11/2026 10:00:60",
        "20/11/2026",
        "2026-11-20T10:00:00",
        "20/11/2026 10:00",
        "31/12/9999 23:59:59",  # five digits of a year in UTC
    ],
)
def test_what_is_no_timestamp_stays_unread(text: str) -> None:
    assert cell(Kind.TIMESTAMP, text) == UNREAD + text


@pytest.mark.parametrize(
    "text", ["1/1/1990", "1990-01-01", "29/02/2023", "01/13/2020", "00/01/2020", "20/11/26", "x"]
)
def test_what_is_no_date_stays_unread(text: str) -> None:
    assert cell(Kind.DATE, text) == UNREAD + text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("15004,0", "15004.0"),
        ("7", "7"),
        ("-0,50", "-0.50"),
        ("0015,1", "15.1"),
        ("0,00", "0.00"),
        ("-0", "0"),
    ],
)
def test_decimals_have_a_comma(text: str, told: str) -> None:
    assert cell(Kind.DECIMAL, text) == told


@pytest.mark.parametrize(
    "text", ["1.500,00", "1500.00", "1,5,0", ",5", "5,", "+5", "R$ 5", "1e3", "--1", "-"]
)
def test_what_is_no_decimal_stays_unread(text: str) -> None:
    assert cell(Kind.DECIMAL, text) == UNREAD + text


@given(st.decimals(min_value=Decimal(-(10**20)), max_value=Decimal(10**20), places=8))
def test_native_decimals_keep_their_value(number: Decimal) -> None:
    told = cell(Kind.DECIMAL, number, pa.decimal128(30, 8))
    assert told is not None
    assert re.fullmatch(r"-?[0-9]+\.[0-9]{8}", told)
    assert Decimal(told) == number


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (Kind.FLAG, "S", "true"),
        (Kind.FLAG, "N", "false"),
        (Kind.FLAG, "s", UNREAD + "s"),
        (Kind.FLAG, "1", UNREAD + "1"),
        (Kind.CODE, "1", "SOLTEIRO"),
        (Kind.CODE, " 9 ", "OUTRO"),
        (Kind.CODE, "01", UNREAD + "01"),
        (Kind.YEAR, "2021", "2021"),
        (Kind.YEAR, "20,5", UNREAD + "20,5"),
        (Kind.YEAR, "9" * 40, UNREAD + "9" * 40),
        (Kind.COORDINATE, "-23,5505200", "-23.5505200"),
        (Kind.COORDINATE, "-23.5505200", "-23.5505200"),
        (Kind.COORDINATE, "-0,00000001", "-0.00000001"),
        (Kind.COORDINATE, "norte", "norte"),
    ],
)
def test_flags_codes_years_and_coordinates(kind: Kind, text: str, told: str) -> None:
    assert cell(kind, text) == told


@pytest.mark.parametrize(
    ("kind", "value", "storage", "told"),
    [
        (Kind.DATE, date(1990, 5, 21), pa.date32(), "1990-05-21"),
        (Kind.DATE, date(1, 1, 1), pa.date32(), None),
        (Kind.DATE, datetime(1990, 5, 21), pa.timestamp("ns"), "1990-05-21"),  # noqa: DTZ001
        (
            Kind.DATE,
            datetime(2020, 1, 1, 1, tzinfo=UTC),
            pa.timestamp("s", tz="America/Sao_Paulo"),
            "2019-12-31",
        ),
        (Kind.TIMESTAMP, date(1990, 1, 1), pa.date32(), "1990-01-01T02:00:00Z"),
        (Kind.TIMESTAMP, datetime(1, 1, 1), pa.timestamp("us"), None),  # noqa: DTZ001
        (Kind.TIMESTAMP, datetime(2020, 3, 21, 5, 30), pa.timestamp("ms"), "2020-03-21T08:30:00Z"),  # noqa: DTZ001
        (
            Kind.TIMESTAMP,
            datetime(2020, 3, 21, 5, 30, tzinfo=UTC),
            pa.timestamp("us", tz="UTC"),
            "2020-03-21T05:30:00Z",
        ),
        (Kind.TIMESTAMP, datetime(1960, 1, 1, 0, 0, 0, 500_000), pa.timestamp("us"), "1960-01-01T03:00:00Z"),  # noqa: DTZ001
        (Kind.DECIMAL, 7, pa.int64(), "7"),
        (Kind.DECIMAL, 0.5, pa.float64(), "0.5"),
        (Kind.DECIMAL, 1e20, pa.float64(), "1" + "0" * 20),
        (Kind.YEAR, 2021, pa.int16(), "2021"),
        (Kind.YEAR, 2021.0, pa.float64(), "2021"),
        (Kind.FLAG, True, pa.bool_(), "true"),
        (Kind.FLAG, "N", pa.large_string(), "false"),
        (Kind.CODE, "9", pa.dictionary(pa.int8(), pa.string()), "OUTRO"),
        (Kind.TEXT, " Ana  Lima", pa.string_view(), "Ana Lima"),
        (Kind.CPF, 191, pa.int64(), "00000000191"),
    ],
)
def test_native_cells(kind: Kind, value: object, storage: pa.DataType, told: str | None) -> None:
    array = pa.array([value]).cast(storage)
    assert read(array, kind, CODES, CORE).to_pylist() == [told]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("value", [UNREAD + "1", "1" + UNREAD, "a\0b"])
def test_text_that_holds_the_mark_or_a_nul_is_unread_whatever_the_kind(kind: Kind, value: str) -> None:
    array = read(pa.array([value, None]), kind, CODES, CORE)
    assert is_unread(array).to_pylist() == [True, False]
    assert "1" not in (shapes(array)[0].as_py())


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "storage",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.null(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.int64(),
        pa.float64(),
        pa.bool_(),
        pa.date32(),
        pa.date64(),
        pa.timestamp("ns"),
        pa.timestamp("s", tz="UTC"),
        pa.decimal128(20, 4),
    ],
)
def test_no_rows_and_no_values_of_any_type(kind: Kind, storage: pa.DataType) -> None:
    assert cells(kind, [], storage) == []
    assert cells(kind, [None, None], storage) == [None, None]


def test_the_raw_text_is_behind_the_mark() -> None:
    marked = pa.array([UNREAD + "31/02/1990", "1990-01-01", None])
    assert raw(marked).to_pylist() == ["31/02/1990", "1990-01-01", None]
