"""Keep rows by bucket in files between the one who reads an export and those who work on its buckets.

A spill is one Arrow file (IPC) whose record batches each hold rows of one bucket; a bucket's rows keep their order. A
folder is a path of this machine, or a URL that fsspec knows and every worker reaches.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from customers.errors import CadastraError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

_SHORT = 1 << 16
_BUFFER = 256 * 1024  # octets


def is_url(place: str) -> bool:
    """Tell a URL that fsspec opens from a path."""
    return "://" in place


def open_file(place: str, mode: str) -> Any:  # noqa: ANN401 (a file of pyarrow, or one of fsspec's kinds)
    """Open a file of a spill to be read or written (``rb``, ``wb``)."""
    if is_url(place):
        import fsspec  # noqa: PLC0415 (only for many machines)

        files, path = fsspec.core.url_to_fs(place)
        # A bucket's rows are scattered: what a cache would read ahead is another bucket's.
        return files.open(path, mode, cache_type="none") if mode == "rb" else files.open(path, mode)
    if mode == "rb":
        return pa.memory_map(place)
    # a record batch is written in some forty pieces, most of which are small
    return pa.output_stream(place, compression=None, buffer_size=_BUFFER)


def remove_file(place: str) -> None:
    """Remove a file of a spill."""
    if is_url(place):
        import fsspec  # noqa: PLC0415 (as above)

        files, path = fsspec.core.url_to_fs(place)
        files.rm_file(path)
    else:
        Path(place).unlink()


@contextmanager
def written() -> Iterator[None]:
    """Tell in one line that a spill cannot be written; a full disk is the operator's, no defect."""
    try:
        yield
    except OSError as problem:
        why = os.strerror(problem.errno) if problem.errno else "it cannot be said why"
        message = f"the run's private folder (CADASTRA_SPILL) cannot be written: {why}"
        raise CadastraError(message) from None


@dataclass(frozen=True, slots=True)
class Spilled:
    """Name a finished spill: of each of its record batches the bucket and the bytes; ``rows`` counts all."""

    place: str
    schema: pa.Schema
    buckets: NDArray[np.int32]
    sizes: NDArray[np.int64]
    rows: int

    def read(self, bucket: int) -> pa.Table:
        """Return the rows of one bucket, in the order in which they came."""
        batches = np.flatnonzero(self.buckets == bucket).tolist()
        if not batches:
            return self.schema.empty_table()
        reader = ipc.open_file(open_file(self.place, "rb"))
        return pa.Table.from_batches([reader.get_batch(number) for number in batches], self.schema)

    def size(self, bucket: int) -> int:
        """Return how many bytes the rows of one bucket are."""
        return int(self.sizes[self.buckets == bucket].sum())


class Spill:
    """Write rows by bucket; a context manager that closes the file."""

    def __init__(self, place: str, schema: pa.Schema) -> None:
        self._place, self._schema = place, schema
        with written():
            self._file = open_file(place, "wb")
            self._writer = ipc.new_file(self._file, schema)
        self._buckets: list[int] = []
        self._sizes: list[int] = []
        self._rows = 0

    def __enter__(self) -> Self:
        """Return the spill itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if kind is not None:  # it is of no use any more, and what went wrong is told already
            with suppress(OSError):
                self._file.close()
            return
        with written():
            self._writer.close()
            self._file.close()

    def add(self, rows: pa.Table, homes: NDArray[np.int32]) -> None:
        """Append rows, given the bucket of each."""
        if rows.num_rows == 0:
            return
        # numpy sorts short numbers by their digits, and hardly any run has more buckets
        short = homes.astype(np.uint16) if homes.max() < _SHORT else homes
        order = np.argsort(short, kind="stable")
        found, first = np.unique(homes[order], return_index=True)
        if len(found) > 1:
            rows = rows.take(pa.array(order))
        ends = np.append(first[1:], len(order))
        for bucket, start, end in zip(found.tolist(), first.tolist(), ends.tolist(), strict=True):
            for batch in rows.slice(start, end - start).combine_chunks().to_batches():
                begin = self._file.tell()
                with written():
                    self._writer.write_batch(batch)
                self._buckets.append(bucket)
                self._sizes.append(self._file.tell() - begin)
        self._rows += rows.num_rows

    @property
    def spilled(self) -> Spilled:
        """Name what is written; to be read once the spill is closed."""
        buckets, sizes = np.array(self._buckets, np.int32), np.array(self._sizes, np.int64)
        return Spilled(self._place, self._schema, buckets, sizes, self._rows)
