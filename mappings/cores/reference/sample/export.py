"""Write an export: one file per table, the control file, and the truth about its bad registers."""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mappings.cores.reference.sample.draw import on
from mappings.cores.reference.sample.layout import COLUMNS, DATES, DECIMALS, KEY, TIMESTAMPS, native_type

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from pathlib import Path

    from mappings.cores.reference.sample.bad import Truth
    from mappings.cores.reference.sample.draw import Text
    from mappings.cores.reference.sample.layout import Batch, Rows

Format = Literal["csv", "parquet"]
ENCODING = "cp1252"
TRUTH = "_verdade.csv"
_TRUTH_HEADER = "cod_cliente;structure;rule"
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """Count what one table file holds, and name its content."""

    rows: int
    sha256: str


class _Sink(Protocol):
    def write(self, columns: list[Text]) -> None: ...

    def close(self) -> WrittenTable: ...


class _CsvSink:
    """Write a table as CSV: quoted only where needed, CRLF, cp1252."""

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._rows = 0
        self._put((";".join(names) + "\r\n").encode(ENCODING))

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self._hash.update(content)

    def write(self, columns: list[Text]) -> None:
        parts: list[Any] = []
        for column in columns:
            parts += [_quoted(column), ";"]
        parts[-1] = "\r\n"
        lines = pc.binary_join_element_wise(*parts, "")
        if len(lines):
            # The values of an Arrow string array lie one after the other: this is the text of all lines.
            self._put(lines.buffers()[2].to_pybytes().decode("utf-8").encode(ENCODING))
        self._rows += len(lines)

    def close(self) -> WrittenTable:
        self._file.close()
        return WrittenTable(self._rows, self._hash.hexdigest())


class _ParquetSink:
    """Write a table as Parquet: text as strings, dates, timestamps and decimals native, no value as null."""

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        self._path = path
        self._schema = pa.schema([(name, native_type(name)) for name in names])
        self._writer = pq.ParquetWriter(path, self._schema)
        self._rows = 0

    def write(self, columns: list[Text]) -> None:
        arrays = [_native(name, column) for name, column in zip(self._schema.names, columns, strict=True)]
        self._writer.write_table(pa.table(arrays, schema=self._schema))
        self._rows += len(columns[0])

    def close(self) -> WrittenTable:
        self._writer.close()
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while block := file.read(_READ_AT_ONCE):
                digest.update(block)
        return WrittenTable(self._rows, digest.hexdigest())


def _quoted(column: Text) -> Text:
    """Quote the fields that hold a separator, a quote or a line break."""
    content = column.buffers()[2]
    # One look at the whole column is far cheaper than a regular expression per value; most need none.
    if content is None or not any(mark in content.to_pybytes() for mark in (b";", b'"', b"\r", b"\n")):
        return column
    special = pc.match_substring_regex(column, '[;"\r\n]')
    return on(
        special.to_numpy(zero_copy_only=False),
        column,
        lambda part: pc.binary_join_element_wise('"', pc.replace_substring(part, '"', '""'), '"', ""),
    )


def _native(name: str, column: Text) -> Text:
    """Turn text as the CSV shows it into what a Parquet export holds; fillers of dates become null."""
    empty = pa.scalar(None, pa.string())
    if name in DATES or name in TIMESTAMPS:
        written = pc.match_substring_regex(column, "^[0-9]{2}/[0-9]{2}/[0-9]{4}")
        real = pc.and_(written, pc.invert(pc.match_substring_regex(column, "^00/|/0001")))
        pattern = "%d/%m/%Y" if name in DATES else "%d/%m/%Y %H:%M:%S"
        moments = pc.strptime(pc.if_else(real, column, empty), format=pattern, unit="s")
        return moments.cast(native_type(name))
    filled = pc.if_else(pc.equal(column, ""), empty, column)
    if name in DECIMALS:
        return pc.replace_substring(filled, ",", ".").cast(native_type(name))
    return filled


def _keyed(keys: Text, rows: Rows, columns: tuple[str, ...]) -> list[Text]:
    return [keys.take(pa.array(rows.owner)), *(rows.columns[name] for name in columns)]


def write_tables(out: Path, batches: Iterable[Batch], kind: Format) -> dict[str, WrittenTable]:
    """Write the batches one after the other to one file per table, and return what each file holds.

    Table files of an earlier sample in the folder are replaced, also those of the other format.
    """
    out.mkdir(parents=True, exist_ok=True)
    for table in COLUMNS:
        for other in ("csv", "parquet"):
            (out / f"{table}.{other}").unlink(missing_ok=True)
    make = _CsvSink if kind == "csv" else _ParquetSink
    with ExitStack() as stack:
        sinks: dict[str, _Sink] = {}
        for table, columns in COLUMNS.items():
            sinks[table] = make(out / f"{table}.{kind}", (KEY, *columns))
            stack.callback(sinks[table].close)
        for batch in batches:
            for table, columns in COLUMNS.items():
                sinks[table].write(_keyed(batch.keys, batch.tables[table], columns))
        stack.pop_all()
        return {table: sink.close() for table, sink in sinks.items()}


def write_control(out: Path, tables: dict[str, WrittenTable], kind: str, date: dt.date) -> None:
    """Write ``_controle.json``; the export of a date is always generated at 23:00 of that date."""
    control = {
        "business_date": date.isoformat(),
        "kind": kind,
        "generated_at": f"{date.isoformat()}T23:00:00-03:00",
        "tables": {name: {"rows": table.rows, "sha256": table.sha256} for name, table in tables.items()},
    }
    (out / "_controle.json").write_text(json.dumps(control, indent=1) + "\n", encoding="utf-8", newline="\n")


def write_truth(out: Path, truths: Iterable[Truth]) -> None:
    """Write ``_verdade.csv``: one line per document that must be rejected and rule that it breaks."""
    lines = [_TRUTH_HEADER, *sorted(f"{truth.key};{truth.structure};{truth.rule}" for truth in truths)]
    (out / TRUTH).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
