"""Read some records of a file again, of which it is known where they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mappings.encodings import is_wide, utf8
from mappings.text_files import Reading, records, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from mappings.core import Core
    from mappings.text_files import Chunk

    Places = NDArray[np.int64]

# Nearer ones are read with what stands between them.
_FAR = 64 * 1024


def _nothing() -> Places:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Name records of a chunk, and of a file of text where each of them begins and ends, and its first line."""

    mask: NDArray[np.bool_]
    begins: Places = field(default_factory=_nothing)
    ends: Places = field(default_factory=_nothing)
    lines: Places = field(default_factory=_nothing)


def chosen_chunks(path: Path, core: Core, chosen: Iterable[Chosen]) -> Iterator[Chunk]:
    """Read records of a CSV file that was read before; at least one chunk comes, if only with the header.

    Raises what ``csv_chunks`` raises of records that it did not look at.
    """
    with path.open("rb") as file:
        size = path.stat().st_size + 1
        text = utf8(path, file.read(), core, 0) if is_wide(core) else None
        reading = Reading(path, core)
        for piece in windows(file, size if is_wide(core) else _FAR):
            reading.body(piece)
            if reading.header:
                break

        def read(begin: int, end: int) -> bytes:
            if text is not None:
                return text[begin:end]
            file.seek(begin)
            return file.read(end - begin)

        came = False
        for some in chosen:
            if len(some.lines):
                raw = _stretches(read, some.begins, some.ends)
                yield reading.chunk(raw, records(path, raw)[0], some.lines)
                came = True
        if not came:
            yield reading.chunk(b"", _nothing(), _nothing())


def _stretches(read: Callable[[int, int], bytes], begins: Places, ends: Places) -> bytes:
    """Join stretches of a text, which stand one behind the other."""
    first = np.flatnonzero(np.append(True, begins[1:] - ends[:-1] > _FAR))
    last = np.append(first[1:], len(begins)) - 1
    far = zip(begins[first].tolist(), ends[last].tolist(), strict=True)
    # The last record of a file may have no line end.
    together = b"".join([*(read(begin, end) for begin, end in far), b"\n"])
    sizes = ends[last] - begins[first]
    shift = np.repeat(begins[first] - (np.cumsum(sizes) - sizes), np.diff(np.append(first, len(begins))))
    edges = np.append(np.stack((begins - shift, ends - shift), axis=1).ravel(), len(together))
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(together)]
    every = pa.Array.from_buffers(pa.large_binary(), 2 * len(begins), buffers)
    kept = every.take(pa.array(np.arange(0, 2 * len(begins), 2)))
    content: bytes = kept.buffers()[2].to_pybytes()[: int((ends - begins).sum())]
    return content
