"""Keep whose every row of a table is, and where it stands in its file, in a file of the run's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mappings.second_look import Chosen
from mappings.spill import open_file, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mappings.extract import RawTable

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_SIZE = 4  # of what is written for each row, each time


@dataclass(frozen=True, slots=True)
class Records:
    """Say where the records of a chunk stand, with little: ``sizes``, and ``steps`` from line to line unless all are 1.

    Without sizes they are of no file of text.
    """

    begin: int
    line: int
    sizes: NDArray[np.uint32] | None
    steps: NDArray[np.uint32] | None

    @classmethod
    def of(cls, chunk: RawTable) -> Records:
        """Take what a chunk says."""
        edges, lines = chunk.edges, chunk.lines
        if edges is None or len(lines) == 0:
            return cls(0, 0, None, None)
        sizes = np.diff(edges).astype(np.uint32)
        is_plain = lines[-1] - lines[0] == len(lines) - 1
        steps = None if is_plain else np.diff(lines, prepend=lines[0]).astype(np.uint32)
        return cls(int(edges[0]), int(lines[0]), sizes, steps)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Say of a chunk how many rows it had and what else was written of them."""

    rows: int
    begin: int
    line: int
    has_sizes: bool
    has_steps: bool


class Owners:
    """The register of every row of a table, chunk by chunk; NOWHERE for rows of nobody."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._chunks: list[_Kept] = []
        with written():
            self._file = open_file(place, "wb")

    def add(self, owners: NDArray[np.int32], records: Records) -> None:
        """Append those of a chunk."""
        if len(owners) == 0:
            return
        with written():
            self._file.write(owners.tobytes())
            for more in (records.sizes, records.steps):
                if more is not None:
                    self._file.write(more.tobytes())
        sizes, steps = records.sizes is not None, records.steps is not None
        self._chunks.append(_Kept(len(owners), records.begin, records.line, sizes, steps))

    def close(self) -> None:
        """Close the file, to be read."""
        with written():
            self._file.close()

    def chosen(self, registers: Mask) -> Iterator[Chosen]:
        """Name of each chunk, up to the last one that has any, the rows of some registers, and of nobody."""
        wanted = np.append(registers, True)
        without: list[int] = []
        with open_file(self._place, "rb") as file:
            for kept in self._chunks:
                chosen = _chosen(file, kept, wanted)
                if not chosen.mask.any():
                    without.append(kept.rows)
                    continue
                yield from (Chosen(np.zeros(rows, bool)) for rows in without)
                without.clear()
                yield chosen


def _chosen(file: BinaryIO, kept: _Kept, wanted: Mask) -> Chosen:
    def read(kind: type[np.generic]) -> NDArray[Any]:
        return np.frombuffer(file.read(_SIZE * kept.rows), kind)

    mask = wanted[read(np.int32)]
    sizes = read(np.uint32) if kept.has_sizes else None
    steps = read(np.uint32) if kept.has_steps else None
    rows = np.flatnonzero(mask)
    if sizes is None or len(rows) == 0:
        return Chosen(mask)
    ends = kept.begin + np.cumsum(sizes, dtype=np.int64)[rows]
    lines = kept.line + (rows if steps is None else np.cumsum(steps, dtype=np.int64)[rows])
    return Chosen(mask, ends - sizes[rows], ends, lines)
