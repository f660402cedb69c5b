"""Where a run reads its tables: a folder of files with its control file, or a database schema in one snapshot."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pyarrow as pa

from customers.errors import UsageError
from mappings.control import Control, read_control, refuse
from mappings.database_tables import wanted_columns
from mappings.extract import Export, RawTable, joined, open_export
from sql.content_hash import ContentHash
from sql.source import address, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mappings.core import Core
    from sql.source import Source

Kind = Literal["full", "delta"]
# Two letters at least: one is a drive of Windows.
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True, slots=True)
class DatabaseExport:
    """Name a database schema and say of it what no control file does."""

    url: str = field(repr=False)  # may hold a password
    business_date: date
    kind: Kind


def is_url(export: str) -> bool:
    """Tell the URL of a database, however badly written, from the path of a folder."""
    return _SCHEME.match(export) is not None


def export_of(text: str, business_date: date | None, kind: Kind | None) -> Path | DatabaseExport:
    """Understand ``--export`` with its flags.

    Raises UsageError where a database comes without them, or a folder, whose control file has them, with any.
    """
    if not is_url(text):
        if business_date or kind:
            msg = "--business-date and --kind are for a database: the control file of a folder says them"
            raise UsageError(msg)
        return Path(text)
    if business_date is None or kind is None:
        msg = "an export from a database has no control file: give --business-date and --kind"
        raise UsageError(msg)
    return DatabaseExport(text, business_date, kind)


def address_of(export: Path | DatabaseExport) -> str:
    """Return where an export is, without a password."""
    return str(export.resolve()) if isinstance(export, Path) else address(export.url)


def name_of(export: Path | DatabaseExport) -> str:
    """Return the last part of an export's address."""
    return address_of(export).rsplit("/", 1)[-1]


def look_at(export: Path | DatabaseExport, core: Core) -> None:
    """Look whether there is an export at all, before the serving database is touched.

    Raises UnreadableInput where there is none, ExportRefused for a control file or a schema that is not the core's.
    """
    if isinstance(export, Path):
        read_control(export)
        return
    with open_source(export.url) as source:
        _wanted(source, core)


@contextmanager
def open_tables(export: Path | DatabaseExport, core: Core) -> Iterator[TableSource]:
    """Open an export to be read table by table, chunk by chunk.

    Raises what ``look_at`` does.
    """
    if isinstance(export, Path):
        yield open_export(export, core)
        return
    with open_source(export.url) as source:
        yield DatabaseTables(source, core, export)


def read_tables(export: Path | DatabaseExport, core: Core) -> Export:
    """Read an export whole: files as their control file says, a schema as one snapshot shows it.

    Raises what ``look_at`` and ``FolderSource.chunks`` do.
    """
    with open_tables(export, core) as source:
        tables = {name: joined(list(source.chunks(name))) for name in source.names}
        return Export(address_of(export), source.control, tables)


class TableSource(Protocol):
    """The tables of one export, to be read chunk by chunk."""

    @property
    def names(self) -> list[str]:
        """Return the names of the tables."""

    @property
    def control(self) -> Control:
        """Say what the export is; of a database only after every table was read to its end."""

    def chunks(self, name: str) -> Iterator[RawTable]:
        """Read a table from its beginning; at least one chunk comes, if only an empty one."""


class DatabaseTables:
    """The tables of a schema, as ``FolderSource`` has those of a folder."""

    def __init__(self, source: Source, core: Core, export: DatabaseExport) -> None:
        self._source, self._export = source, export
        self._columns = _wanted(source, core)
        self._read: dict[str, tuple[int, str]] = {}

    @property
    def names(self) -> list[str]:
        """Return the names of the tables."""
        return list(self._columns)

    @property
    def control(self) -> Control:
        """Say what the export is, once every table was read to its end."""
        if self._read.keys() != self._columns.keys():
            raise RuntimeError("read every table first: the batch is identified by its content")
        return Control(self._export.business_date, self._export.kind, self._source.taken_at, self._read)

    def chunks(self, name: str) -> Iterator[RawTable]:
        """Read a table, its rows numbered from 1.

        Raises ExportRefused where they are not as many as the snapshot counts, after the last chunk.
        """
        shown, columns = self._source.shown[name], self._columns[name]
        counted, rows, content = self._source.count(name), 0, ContentHash(columns)
        for batch in self._source.batches(name, columns):
            content.update(batch)
            lines = np.arange(rows + 1, rows + batch.num_rows + 1, dtype=np.int64)
            rows += batch.num_rows
            yield RawTable(name, shown, pa.Table.from_batches([batch]), lines)
        if rows != counted:
            msg = f"{shown}: {rows} rows were read, the snapshot counts {counted}"
            raise refuse(msg)
        self._read[name] = (rows, content.hexdigest())


def _wanted(source: Source, core: Core) -> dict[str, list[str]]:
    return wanted_columns(source.columns, core, source.shown)
