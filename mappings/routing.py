"""Bring the rows of an export into their buckets: every table is read once more and spilled, chunk by chunk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from mappings.extract import Export, RawTable
from mappings.fingerprints import row_words
from mappings.spill import Spill, Spilled
from mappings.staging import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from mappings.control import Control
    from mappings.core import Core
    from mappings.directory import Directory, Source

Done = TypeVar("Done")
_LINE, _WORD = "#line", "#word"  # no columns of a core: see mappings.extract


@dataclass(frozen=True, slots=True)
class RoutedTable:
    """Name one raw table in its buckets, and the file it came from."""

    name: str
    file: str
    rows: Spilled

    def of(self, bucket: int) -> RawTable:
        """Return the rows of one bucket."""
        rows = self.rows.read(bucket)
        lines, words = rows[_LINE].to_numpy(), rows[_WORD].to_numpy()
        return RawTable(self.name, self.file, rows.drop_columns([_LINE, _WORD]), lines, words)


def route(
    source: Source, core: Core, directory: Directory, folder: str, threads: int = 1
) -> dict[str, RoutedTable]:
    """Spill every table of an export into a folder by bucket, some at a time.

    Raises what reading raises.
    """
    done = in_threads(
        source,
        source.names,
        lambda name, chunks: _route_table(name, chunks, core, directory, folder),
        threads,
    )
    return {name: done[name] for name in source.names}


def in_threads(
    source: Source,
    names: Iterable[str],
    work: Callable[[str, Iterator[RawTable]], Done],
    threads: int,
    columns: Callable[[str], Collection[str] | None] = lambda _: None,
) -> dict[str, Done]:
    """Work through the chunks of tables, some tables at a time, the longest first; ``columns`` are those to be read.

    Raises what reading or working raises; then nobody reads on.
    """
    longest_first = sorted(names, key=lambda name: -source.control.tables[name][0])
    stop = Event()
    with ThreadPoolExecutor(threads) as pool:
        done = {
            name: pool.submit(work, name, _until(stop, source.chunks(name, columns(name))))
            for name in longest_first
        }
        try:
            return {name: future.result() for name, future in done.items()}
        finally:
            stop.set()  # where one is refused, or the run is interrupted, nobody asks for the others
            pool.shutdown(cancel_futures=True)


def _until(stop: Event, chunks: Iterable[RawTable]) -> Iterator[RawTable]:
    """Yield at least one chunk, and no more once it is time to stop."""
    for chunk in chunks:
        yield chunk
        if stop.is_set():
            return


def _route_table(
    name: str, chunks: Iterable[RawTable], core: Core, directory: Directory, folder: str
) -> RoutedTable:
    chunks = iter(chunks)
    chunk = next(chunks)
    rows = _plain(chunk, core)
    with Spill(f"{folder}/{name}.arrow", rows.schema) as spill:
        spill.add(rows, directory.of_rows(keys_of(chunk, core)))
        for chunk in chunks:
            spill.add(_plain(chunk, core), directory.of_rows(keys_of(chunk, core)))
    return RoutedTable(name, chunk.file, spill.spilled)


def _plain(chunk: RawTable, core: Core) -> pa.Table:
    """Return the columns that are staged, dictionaries as their values, with the line and the hash of each row."""
    sources = core.tables[chunk.name].columns.values()
    rows = chunk.columns.select(dict.fromkeys([core.key, *(source.column for source in sources)]))
    for place, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            rows = rows.set_column(place, field.name, rows[field.name].cast(field.type.value_type))
    return rows.append_column(_LINE, pa.array(chunk.lines)).append_column(
        _WORD, pa.array(row_words(chunk, core))
    )


def bucket_export(place: str, control: Control, tables: Mapping[str, RoutedTable], bucket: int) -> Export:
    """Return one bucket of an export as an export of its own."""
    return Export(place, control, {name: table.of(bucket) for name, table in tables.items()})
