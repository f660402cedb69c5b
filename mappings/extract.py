"""Read one export folder: the control file first, then its tables, each record with its line.

Nothing is interpreted here: text stays raw, native Parquet columns stay native. An export that is not what its
control file says is refused as a whole (ExportRefused, exit code 4) before anything is touched.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customers.errors import ExportRefused, UnreadableInput
from mappings.control import CONTROL, read_control, refuse
from mappings.second_look import chosen_chunks
from mappings.text_files import Chunk, csv_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from mappings.control import Control
    from mappings.core import Core, SourceTable
    from mappings.second_look import Chosen

_SUFFIXES = (".csv", ".parquet")
_PARQUET_ROWS = 64 * 1024
_READABLE = (
    pa.types.is_null,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_dictionary,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_timestamp,
)
_COLUMN_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class RawTable:
    """Hold one raw table: its file, its columns as they came, and the first physical line of each record.

    ``words`` are hashes of the records, where reading made them (``mappings.fingerprints.row_words``); ``edges`` and
    ``keys`` those of ``mappings.text_files.Chunk``.
    """

    name: str
    file: str
    columns: pa.Table
    lines: NDArray[np.int64]
    words: NDArray[np.uint64] | None = None
    edges: NDArray[np.int64] | None = None
    keys: NDArray[np.uint64] | None = None

    def only(self, chosen: NDArray[np.bool_]) -> RawTable:
        """Return some of the records."""
        words = None if self.words is None else self.words[chosen]
        return RawTable(
            self.name, self.file, self.columns.filter(pa.array(chosen)), self.lines[chosen], words
        )


@dataclass(frozen=True, slots=True)
class Export:
    """Hold one export; ``place`` is its folder, or the address of its database without a password."""

    place: str
    control: Control
    tables: dict[str, RawTable] = field(default_factory=dict)


def table_files(folder: Path, control: Control, core: Core) -> dict[str, Path]:
    """Match the files of the folder with the tables of the control file and of the core, one to one."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("_") or path.suffix.lower() not in _SUFFIXES:
            continue
        if path.stem in found:
            msg = f"{path.name} and {found[path.stem].name} hold the same table"
            raise refuse(msg)
        found[path.stem] = path
    counts = f"{CONTROL} lists {len(control.tables)} tables, the folder has {len(found)}"
    for name in control.tables:
        if name not in found:
            msg = f"{name}.csv (or {name}.parquet) is missing ({counts})"
            raise refuse(msg)
        if name not in core.tables:
            msg = f"{found[name].name}: core {core.name} knows no such table; name it in core.toml"
            raise refuse(msg)
    for name, path in found.items():
        if name not in control.tables:
            msg = f"{path.name} is not listed ({counts})"
            raise refuse(msg)
    return found


@dataclass(frozen=True, slots=True)
class FolderSource:
    """An export folder whose files are the tables that its control file lists, to be read chunk by chunk."""

    folder: Path
    core: Core
    control: Control
    files: dict[str, Path]

    @property
    def names(self) -> list[str]:
        """Return the names of the tables."""
        return list(self.files)

    def chunks(self, name: str, only: Collection[str] | None = None) -> Iterator[RawTable]:
        """Read a table from its beginning, all columns or ``only`` some; at least one chunk comes, if only empty.

        Raises ExportRefused naming the file and both figures when hash, header or rows do not match, the rows only
        after the last chunk.
        """
        path, (_, sha256) = self.files[name], self.control.tables[name]
        if _is_parquet(path):
            _check_hash(path, sha256)
        try:
            yield from self._verified(name, only)
        except ExportRefused:
            _check_hash(path, sha256)  # a file that came damaged is told as that, whatever is wrong in it
            raise
        except OSError as problem:
            raise _unreadable(path, problem) from problem

    def _verified(self, name: str, only: Collection[str] | None) -> Iterator[RawTable]:
        """Read a table, and hash a CSV file's bytes in passing: nobody may act on any before all have come."""
        path, (rows, sha256) = self.files[name], self.control.tables[name]
        digest, count = hashlib.sha256(), 0
        for chunk in self._read(name, only, see=digest.update):
            if count == 0:
                check_header(path.name, chunk.header, self.core.tables[name], self.core)
            count += len(chunk.lines)
            yield self._raw(name, chunk)
        if not _is_parquet(path):
            _compare_hash(path, digest.hexdigest(), sha256)
        if count != rows:
            msg = f"{path.name}: {count} rows, {CONTROL} says {rows}"
            raise refuse(msg)

    def chosen(self, name: str, rows: Iterator[Chosen]) -> Iterator[RawTable]:
        """Read some rows of a table again, verified before: of each chunk that had any those that come next.

        Where nothing comes any more nobody wants the rest; at least one chunk comes.
        """
        path = self.files[name]
        of_parquet = _is_parquet(path)
        chunks = _chosen(_parquet_chunks(path), rows) if of_parquet else chosen_chunks(path, self.core, rows)
        for chunk in chunks:
            yield self._raw(name, chunk)

    def _read(
        self, name: str, only: Collection[str] | None, see: Callable[[bytes], object]
    ) -> Iterator[Chunk]:
        path = self.files[name]
        return _parquet_chunks(path) if _is_parquet(path) else csv_chunks(path, self.core, only=only, see=see)

    def _raw(self, name: str, chunk: Chunk) -> RawTable:
        """Let a record count as its bytes, unless some of them are ignored by name."""
        ignores = any(column in self.core.tables[name].ignored for column in chunk.header)
        file, words = self.files[name].name, None if ignores else chunk.words
        return RawTable(name, file, chunk.columns, chunk.lines, words, chunk.edges, chunk.keys)


def _chosen(chunks: Iterator[Chunk], rows: Iterator[Chosen]) -> Iterator[Chunk]:
    for chunk in chunks:
        chosen = next(rows, None) if len(chunk.lines) else None
        mask = np.zeros(len(chunk.lines), bool) if chosen is None else chosen.mask
        yield Chunk(chunk.columns.filter(pa.array(mask)), chunk.lines[mask], None, chunk.header)


def open_export(folder: Path, core: Core) -> FolderSource:
    """Open an export folder; its files are not read yet.

    Raises what ``read_control`` raises, and ExportRefused where files and tables do not match one to one.
    """
    control = read_control(folder)
    return FolderSource(folder, core, control, table_files(folder, control, core))


def read_export(folder: Path, core: Core) -> Export:
    """Read an export folder whole, after checking every file against the control file.

    Raises ExportRefused naming the file and both figures when files, rows, hashes or headers do not match.
    """
    source = open_export(folder, core)
    return Export(
        str(folder), source.control, {name: joined(list(source.chunks(name))) for name in source.names}
    )


def joined(chunks: list[RawTable]) -> RawTable:
    """Put the chunks of one table together again."""
    columns = pa.concat_tables([chunk.columns for chunk in chunks])
    lines = np.concatenate([chunk.lines for chunk in chunks])
    words = [chunk.words for chunk in chunks if chunk.words is not None]
    return RawTable(
        chunks[0].name,
        chunks[0].file,
        columns,
        lines,
        np.concatenate(words) if len(words) == len(chunks) else None,
    )


def _check_hash(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    _compare_hash(path, actual, sha256)


def _compare_hash(path: Path, actual: str, sha256: str) -> None:
    if actual != sha256:
        msg = f"{path.name}: sha256 is {actual}, {CONTROL} says {sha256}"
        raise refuse(msg)


def _unreadable(path: Path, problem: OSError) -> UnreadableInput:
    return UnreadableInput(f"{path.name} cannot be read: {problem.strerror}")


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _parquet_chunks(path: Path) -> Iterator[Chunk]:
    """Read a Parquet file; the line of a record is its number, from 1."""
    from pyarrow import parquet  # noqa: PLC0415 (CSV is the rule)

    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            _check_types(path, schema)
            first = 1
            for batch in file.iter_batches(_PARQUET_ROWS):
                lines = np.arange(first, first + batch.num_rows, dtype=np.int64)
                yield Chunk(pa.Table.from_batches([batch]), lines, None, schema.names)
                first += batch.num_rows
            if first == 1:
                yield Chunk(schema.empty_table(), np.empty(0, np.int64), None, schema.names)
    except (pa.ArrowException, OSError) as problem:
        msg = f"{path.name} is no readable Parquet file"
        raise refuse(msg) from problem


def _check_types(path: Path, schema: pa.Schema) -> None:
    for column in schema:
        if not any(is_kind(column.type) for is_kind in _READABLE):
            msg = f"{path.name}: column {column.name} has the type {column.type}, which no cell can be read from"
            raise refuse(msg)


def check_header(shown: str, header: list[str], table: SourceTable, core: Core) -> None:
    """Hold the columns of a file or a database table against those that the core names, all of them, none else.

    Raises ExportRefused naming the table as ``shown`` and every column.
    """
    wanted = {core.key, *(source.column for source in table.columns.values())}
    missing = sorted(wanted - set(header))
    unknown = [place for place, name in enumerate(header) if name not in wanted and name not in table.ignored]
    twice = sorted({name for name in wanted if header.count(name) > 1})
    problems = [f"column {name} is missing" for name in missing]
    unknown_names = (_shown(header, place, core) for place in unknown)
    problems += [f"column {name} is unknown (ignore it by name in core.toml)" for name in unknown_names]
    problems += [f"column {name} stands twice" for name in twice]
    if problems:
        msg = f"{shown}: header has {len(header)} columns, core {core.name} wants {len(wanted)}: "
        raise refuse(msg + "; ".join(problems))


def _shown(header: list[str], place: int, core: Core) -> str:
    """Name a column; where the header itself is missing its fields are a customer's, and only counted."""
    is_name = core.key in header and _COLUMN_NAME.fullmatch(header[place])
    return header[place] if is_name else f"number {place + 1}"
