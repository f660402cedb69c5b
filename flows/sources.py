"""Where a run reads its tables: a folder of files with its control file, or a database schema in one snapshot."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from customers.errors import UsageError
from mappings.database_tables import raw_table, wanted_columns
from mappings.extract import Control, Export, read_control, read_export
from sql.source import address, open_source

if TYPE_CHECKING:
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


def read_tables(export: Path | DatabaseExport, core: Core) -> Export:
    """Read an export whole: files as their control file says, a schema as one snapshot shows it.

    Raises what ``look_at`` and ``read_export`` do.
    """
    if isinstance(export, Path):
        return read_export(export, core)
    tables, counted = {}, {}
    with open_source(export.url) as source:
        for name, columns in _wanted(source, core).items():
            rows = source.count(name)
            content, digest = source.read(name, columns)
            tables[name] = raw_table(name, source.shown[name], content, rows)
            counted[name] = (rows, digest)
        taken_at = source.taken_at
    control = Control(export.business_date, export.kind, taken_at, counted)
    return Export(address(export.url), control, tables)


def _wanted(source: Source, core: Core) -> dict[str, list[str]]:
    return wanted_columns(source.columns, core, source.shown)
