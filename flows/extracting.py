"""Read and verify an export and spill by bucket the rows that a run has to look at, in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flows.sifting import Sifted, sift
from flows.sources import read_tables
from mappings.buckets import bucket_count, bucket_count_of
from mappings.directory import Directory, build_directory
from mappings.extract import open_export
from mappings.pandas_later import leave_out_pandas
from mappings.routing import RoutedTable, route

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flows.job import Job
    from mappings.census import Rereadable
    from mappings.control import Control
    from mappings.directory import Source
    from mappings.extract import Export, RawTable
    from mappings.second_look import Chosen
    from sql.store import Store


@dataclass(frozen=True, slots=True)
class Extracted:
    """Hold a verified export in its buckets; ``folder`` is where they are spilled.

    Where it was ``sifted`` that is only what was left.
    """

    place: str
    control: Control
    directory: Directory
    tables: dict[str, RoutedTable]
    folder: str
    sifted: Sifted | None = None


class _Loaded:
    """An export in memory as a source of chunks."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self.control, self.names = export.control, list(export.tables)

    def chunks(
        self,
        name: str,
        only: Collection[str] | None = None,  # noqa: ARG002 (all are here)
    ) -> Iterator[RawTable]:
        """Return the whole table."""
        yield self._export.tables[name]

    def chosen(self, name: str, rows: Iterator[Chosen]) -> Iterator[RawTable]:
        """Return some of its rows."""
        whole = self._export.tables[name]
        chosen = next(rows, None)
        yield whole.only(np.zeros(len(whole.lines), bool) if chosen is None else chosen.mask)


@dataclass(frozen=True, slots=True)
class Opened:
    """Hold an export that was opened: nothing but its control file need be read.

    ``count`` buckets are for all of it.
    """

    source: Rereadable
    place: str
    count: int


def open_source(job: Job) -> Opened:
    """Open the export of a job and say into how many buckets it goes.

    Raises what ``read_control`` and ``table_files`` raise.
    """
    source: Rereadable
    if isinstance(job.export, Path):
        source, place = open_export(job.export, job.core), str(job.export)
    else:
        export = read_tables(job.export, job.core)
        source, place = _Loaded(export), export.place
    return Opened(source, place, bucket_count(source.control, job.core, job.bucket_size))


def extract(job: Job, opened: Opened, folder: str, store: Store | None = None) -> Extracted:
    """Read and verify an export and spill it into a folder, but for who is as a ``store`` remembers.

    Raises ExportRefused.
    """
    leave_out_pandas()
    source: Source = opened.source
    count = opened.count
    sifted = None if store is None else sift(job, store, opened.source, folder)
    if sifted is not None:
        source, count = sifted.rest(opened.source), bucket_count_of(sifted.left, job.bucket_size)
    directory = build_directory(source, job.core, count, job.secret)
    tables = route(source, job.core, directory, folder, job.workers)
    return Extracted(opened.place, source.control, directory, tables, folder, sifted)
