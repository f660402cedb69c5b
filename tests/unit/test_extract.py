"""An export folder read whole: records and their lines, and everything for which an export is refused."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.errors import ExportRefused, UnreadableInput
from mappings.control import read_control
from mappings.core import load_core
from mappings.cores.reference.sample.layout import COLUMNS, KEY
from mappings.extract import read_export
from mappings.text_files import read_csv
from tests.exports import (
    CONTROL,
    Row,
    as_csv,
    change_control,
    company,
    natural_person,
    replace_file,
    write_export,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CORE = load_core("reference")
EMAILS = Path("emails.csv")
HEADER = "cod_cliente;ind_principal;email;ts_atualizacao"


def parsed(text: str) -> tuple[list[list[str | None]], list[int]]:
    """Parse a file of e-mails into records and their lines."""
    table, lines = read_csv(EMAILS, text.encode("cp1252"), CORE)
    assert table.column_names == HEADER.split(";")
    assert {str(field.type) for field in table.schema} == {"string"}
    return [list(row.values()) for row in table.to_pylist()], lines.tolist()


def refusal(folder: Path) -> str:
    """Return the words with which an export is refused."""
    with pytest.raises(ExportRefused) as refused:
        read_export(folder, CORE)
    assert refused.value.exit_code == 4
    return str(refused.value)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export", natural_person(emails={}), company())


# Records and lines.


FIELD = st.text(st.sampled_from('a;" \r\né€0'), max_size=6)


def physical_lines(text: str) -> list[int]:
    """Return the first line of each record, read character by character."""
    line, quoted, found, fresh = 1, False, [], True
    for sign in text:
        if fresh and sign not in "\r\n":
            found.append(line)
            fresh = False
        quoted ^= sign == '"'
        if sign == "\n":
            line += 1
            fresh = fresh or not quoted
    return found


@given(st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=8), st.sampled_from(["\r\n", "\n"]))
def test_records_and_their_lines_are_those_of_the_standard_library(
    records: list[tuple[str, str, str]], line_end: str
) -> None:
    content = as_csv(
        "emails", [dict(zip(HEADER.split(";"), ("K", *row), strict=True)) for row in records], line_end
    )
    text = content.decode("cp1252")
    expected = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[1:]
    found, lines = parsed(text)
    assert found == [[field or None for field in row] for row in expected]
    assert lines == physical_lines(text)[1:]


def test_a_record_has_its_first_physical_line() -> None:
    text = f'{HEADER}\r\nA;S;"two\r\nlines";\r\nB;S;"a ""b"" ; c\nd\re";\r\n\r\nC;S;x;'
    records, lines = parsed(text)
    assert [row[2] for row in records] == ["two\r\nlines", 'a "b" ; c\nd\re', "x"]
    assert lines == [2, 4, 7]


@pytest.mark.parametrize(
    "text", [HEADER, HEADER + "\r\n", "\n" + HEADER + "\n\n", '"' + HEADER.replace(";", '";"') + '"\r\n']
)
def test_a_file_of_only_a_header_has_no_records(text: str) -> None:
    assert parsed(text) == ([], [])


def test_leading_zeros_stay_also_below_a_blank_line() -> None:
    records, lines = parsed(f"\r\n{HEADER}\r\n007;S;00;01\r\n")
    assert (records, lines) == ([["007", "S", "00", "01"]], [3])


def test_the_encoding_is_cp1252() -> None:
    records, _ = parsed(f"{HEADER}\nK;S;João €”;\n")
    assert records == [["K", "S", "João €”", None]]


@pytest.mark.parametrize("signs", [b"\x81", b"\x8d", b"\x9d"])
def test_a_byte_that_the_encoding_does_not_have_refuses_the_export(signs: bytes) -> None:
    with pytest.raises(ExportRefused, match=r"emails\.csv, line 3: .*cp1252"):
        read_csv(EMAILS, f"{HEADER}\nK;S;x;\nK;S;".encode() + signs + b";\n", CORE)


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_called_by_its_name(mark: bytes) -> None:
    with pytest.raises(
        ExportRefused, match=r"emails\.csv begins with a byte order mark .*cp1252 without one"
    ):
        read_csv(EMAILS, mark + f"{HEADER}\nK;S;x;\n".encode(), CORE)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ('K;S;"SILVA;\r\n', r"a quote is opened and never closed"),
        ("K;S;SILVA\r\n", r"1 records do not have the 4 fields of the header, the first has 3"),
        ("K;S;SILVA;;;\r\n", r"1 records do not have the 4 fields of the header, the first has 6"),
        ("K;S;SIL\rVA;\r\n", r"records"),
    ],
)
def test_text_that_is_no_table_refuses_the_export(records: str, words: str) -> None:
    with pytest.raises(ExportRefused, match=r"emails\.csv.*" + words) as refused:
        parsed(f"{HEADER}\r\n{records}")
    assert "SILVA" not in str(refused.value)


def test_an_empty_file_refuses_the_export() -> None:
    with pytest.raises(ExportRefused, match=r"emails\.csv has no header"):
        read_csv(EMAILS, b"", CORE)


# What the folder holds.


def test_an_export_is_read_with_every_table_and_the_control_file(export: Path) -> None:
    read = read_export(export, CORE)
    assert set(read.tables) == set(COLUMNS)
    assert read.tables["emails"].lines.tolist() == [2]
    assert (read.control.business_date.isoformat(), read.control.kind) == ("2026-11-20", "full")
    assert read.control.generated_at == datetime(2026, 11, 21, 2, tzinfo=UTC)


def test_parquet_numbers_its_records(tmp_path: Path) -> None:
    folder = write_export(tmp_path, natural_person(emails=[{}, {}]), file_format="parquet")
    assert read_export(folder, CORE).tables["emails"].lines.tolist() == [1, 2]


@pytest.mark.parametrize("name", ["_notes.csv", "_SUCCESS", "_x.parquet", "README.txt", "emails.csv.bak"])
def test_files_that_are_no_tables_are_left_alone(export: Path, name: str) -> None:
    (export / name).write_bytes(b"anything")
    assert set(read_export(export, CORE).tables) == set(COLUMNS)


def test_a_table_may_be_absent_where_it_is_not_listed(tmp_path: Path) -> None:
    folder = write_export(tmp_path, natural_person(), absent=["emails", "socios"])
    assert read_export(folder, CORE).tables.keys() == COLUMNS.keys() - {"emails", "socios"}


def test_a_batch_is_identified_by_its_content(tmp_path: Path) -> None:
    one = write_export(tmp_path / "1", natural_person(), day="2026-11-20")
    same = write_export(tmp_path / "2", natural_person(), day="2026-11-21")
    other = write_export(tmp_path / "3", natural_person(pessoas_fisicas={"nome_civil": "Bia"}))
    ids = [read_control(folder).batch_id for folder in (one, same, other)]
    assert ids[0] == ids[1] != ids[2]


# Refusals: the message names the file and both figures.


def test_a_listed_file_that_is_missing(export: Path) -> None:
    (export / "emails.csv").unlink()
    assert "emails.csv" in (words := refusal(export))
    assert "lists 20 tables, the folder has 19" in words


def test_a_file_that_is_not_listed(export: Path) -> None:
    change_control(export, lambda said: said["tables"].pop("emails"))
    assert "emails.csv is not listed" in (words := refusal(export))
    assert "lists 19 tables, the folder has 20" in words


def test_a_table_that_the_core_does_not_know(export: Path) -> None:
    replace_file(export, "cartoes.csv", b"cod_cliente;x\r\n", 0)
    assert "cartoes.csv" in refusal(export)


def test_two_files_of_one_table(export: Path) -> None:
    (export / "emails.parquet").write_bytes(b"")
    assert "emails.parquet and emails.csv" in refusal(export)


def test_another_row_count(export: Path) -> None:
    change_control(export, lambda said: said["tables"]["emails"].update(rows=7))
    assert "emails.csv: 1 rows, _controle.json says 7" in refusal(export)


def test_another_row_count_of_parquet(tmp_path: Path) -> None:
    folder = write_export(tmp_path, natural_person(emails={}), file_format="parquet")
    change_control(folder, lambda said: said["tables"]["emails"].update(rows=0))
    assert "emails.parquet: 1 rows, _controle.json says 0" in refusal(folder)


@pytest.mark.parametrize("damage", [b" ", b"K;S;x;\n", b'"', b"\x81", b"K\n"])
def test_another_hash_whatever_else_is_wrong(export: Path, damage: bytes) -> None:
    sent = (export / "emails.csv").read_bytes()
    content = sent + damage
    (export / "emails.csv").write_bytes(content)
    words = refusal(export)
    assert words.startswith("export refused: emails.csv: sha256")
    assert hashlib.sha256(content).hexdigest() in words
    assert hashlib.sha256(sent).hexdigest() in words


def test_a_file_that_cannot_be_read(export: Path) -> None:
    (export / "emails.csv").unlink()
    (export / "emails.csv").mkdir()
    with pytest.raises(UnreadableInput, match=r"emails\.csv cannot be read: "):
        read_export(export, CORE)


def test_a_hash_in_capitals_is_the_same_hash(export: Path) -> None:
    def shout(said: dict[str, Any]) -> None:
        said["tables"]["emails"]["sha256"] = said["tables"]["emails"]["sha256"].upper()

    change_control(export, shout)
    assert read_export(export, CORE).control.kind == "full"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            "cod_cliente;ind_principal;email",
            "3 columns, core reference wants 4: column ts_atualizacao is missing",
        ),
        (HEADER + ";apelido", "5 columns, core reference wants 4: column apelido is unknown"),
        (HEADER + ";email", "column email stands twice"),
        ("K1;S;SILVA;20", "4 columns, core reference wants 4: column cod_cliente is missing"),
    ],
)
def test_another_header(export: Path, header: str, words: str) -> None:
    replace_file(export, "emails.csv", f"{header}\r\n".encode(), 0)
    told = refusal(export)
    assert f"emails.csv: header has {words}" in told.replace(
        "5 columns, core reference wants 4: column email", "column email"
    )
    assert "SILVA" not in told


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    folder = write_export(tmp_path, natural_person(), file_format="parquet")
    replace_file(folder, "emails.parquet", b"PAR1 nothing PAR1", 0)
    assert "emails.parquet is no readable Parquet file" in refusal(folder)


def test_columns_of_parquet_may_stand_in_any_order(tmp_path: Path) -> None:
    folder = write_export(tmp_path, natural_person(emails={}), file_format="parquet")
    table = pq.read_table(folder / "emails.parquet")
    sink = io.BytesIO()
    pq.write_table(table.select(table.column_names[::-1]), sink)
    replace_file(folder, "emails.parquet", sink.getvalue(), 1)
    assert read_export(folder, CORE).tables["emails"].columns[KEY].to_pylist() == ["F1"]


def no_control(folder: Path) -> None:
    (folder / CONTROL).unlink()


def written(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / CONTROL).write_text(text, encoding="utf-8")

    return write


def said(**values: object) -> Callable[[Path], None]:
    return lambda folder: change_control(folder, lambda told: told.update(values))


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: change_control(folder, lambda told: told.pop(name))


def of_emails(**values: object) -> Callable[[Path], None]:
    return lambda folder: change_control(folder, lambda told: told["tables"]["emails"].update(values))


@pytest.mark.parametrize(
    "spoil",
    [
        no_control,
        written(""),
        written("[]"),
        written('"full"'),
        written("{"),
        said(business_date="20/11/2026"),
        said(business_date=20261120),
        said(kind="partial"),
        said(kind=None),
        said(generated_at="yesterday"),
        said(generated_at="2026-11-20T23:00:00"),
        said(tables=[]),
        said(tables={"emails": 3}),
        of_emails(rows="1"),
        of_emails(rows=1.0),
        of_emails(rows=True),
        of_emails(rows=-1),
        of_emails(sha256=None),
        *(without(name) for name in ("business_date", "kind", "generated_at", "tables")),
    ],
)
def test_a_control_file_that_is_none(export: Path, spoil: Callable[[Path], None]) -> None:
    spoil(export)
    assert CONTROL in refusal(export)


def test_a_control_file_may_have_a_byte_order_mark(export: Path) -> None:
    text = (export / CONTROL).read_text(encoding="utf-8")
    (export / CONTROL).write_text(text, encoding="utf-8-sig")
    assert read_control(export).kind == "full"


@pytest.mark.parametrize(
    "text", ["2026-11-21T02:00:00Z", "2026-11-20t23:00:00-03:00", "2026-11-21T02:00:00.000Z"]
)
def test_generated_at_is_any_time_of_rfc_3339(export: Path, text: str) -> None:
    change_control(export, lambda said: said.update(generated_at=text))
    assert read_control(export).generated_at == datetime(2026, 11, 21, 2, tzinfo=UTC)


def test_a_folder_that_is_none_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput):
        read_export(tmp_path / "nowhere", CORE)


def test_lists_in_parquet_do_not_stop_the_reader(tmp_path: Path) -> None:
    """A type that no column may have is refused like a header that is wrong, not a defect."""
    folder = write_export(tmp_path, natural_person(), file_format="parquet")
    columns: dict[str, pa.Array] = {name: pa.array(["x"]) for name in HEADER.split(";")}
    columns["email"] = pa.array([["a", "b"]])
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    replace_file(folder, "emails.parquet", sink.getvalue(), 1)
    assert "emails.parquet: column email" in refusal(folder)


def test_rows_name_their_tables() -> None:
    row: Row = {"email": "x"}
    assert as_csv("emails", [row]).decode() == f"{HEADER}\r\n;;x;\r\n"
