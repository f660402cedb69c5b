"""Read and verify an export and spill its rows by bucket, in memory that does not grow with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.sources import read_tables
from mappings.buckets import bucket_count
from mappings.directory import Directory, build_directory
from mappings.extract import open_export
from mappings.routing import RoutedTable, route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.job import Job
    from mappings.directory import Source
    from mappings.extract import Control, Export, RawTable


@dataclass(frozen=True, slots=True)
class Extracted:
    """Hold a verified export in its buckets; ``folder`` is where they are spilled."""

    place: str
    control: Control
    directory: Directory
    tables: dict[str, RoutedTable]
    folder: str


class _Loaded:
    """An export in memory as a source of chunks."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self.control, self.names = export.control, list(export.tables)

    def chunks(self, name: str) -> Iterator[RawTable]:
        """Return the whole table."""
        yield self._export.tables[name]


@dataclass(frozen=True, slots=True)
class Opened:
    """Hold an export that was opened: nothing but its control file need be read."""

    source: Source
    place: str
    count: int


def open_source(job: Job) -> Opened:
    """Open the export of a job and say into how many buckets it goes.

    Raises what ``read_control`` and ``table_files`` raise.
    """
    source: Source
    if isinstance(job.export, Path):
        source, place = open_export(job.export, job.core), str(job.export)
    else:
        export = read_tables(job.export, job.core)
        source, place = _Loaded(export), export.place
    return Opened(source, place, bucket_count(source.control, job.core, job.bucket_size))


def extract(job: Job, opened: Opened, folder: str) -> Extracted:
    """Read and verify an export and spill it into a folder.

    Raises ExportRefused.
    """
    directory = build_directory(opened.source, job.core, opened.count, job.secret)
    tables = route(opened.source, job.core, directory, folder, job.workers)
    return Extracted(opened.place, opened.source.control, directory, tables, folder)
