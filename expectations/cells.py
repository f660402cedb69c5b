"""One column of a block as the kernels need it: what is present, what is readable, how long it is.

Everything is computed when first asked for and kept, because many rules ask the same question of one column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.repetition import seems_repetitive
from customers.unread import is_unread, may_be_marked

if TYPE_CHECKING:
    from numpy.typing import NDArray

Booleans = np.ndarray[tuple[int], np.dtype[np.bool_]]
Positions = np.ndarray[tuple[int], np.dtype[np.int64]]

_ASCII = 0x80
# A column is worth looking at by distinct value if a sample has no more than these.
_FEW = 64
_NOWHERE: Positions = np.empty(0, dtype=np.int64)


def booleans(mask: pa.Array) -> Booleans:
    """Turn an Arrow mask into numpy; null counts as false."""
    if mask.null_count:
        mask = pc.fill_null(mask, False)  # noqa: FBT003 (Arrow's fill value)
    return np.asarray(mask.to_numpy(zero_copy_only=False))


def positions(mask: Booleans) -> Positions:
    """Return where a mask is true, ascending."""
    return mask.nonzero()[0]


def text_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one plain Arrow string array, whatever text type a mapping left it in."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return values if values.type == pa.string() else values.cast(pa.string())


class Cells:
    """Hold one column of a block with what kernels derive from it."""

    def __init__(self, values: pa.Array | pa.ChunkedArray) -> None:
        self.values = text_array(values)

    def __len__(self) -> int:
        """Count the cells, absent ones included."""
        return len(self.values)

    @cached_property
    def present(self) -> Booleans:
        """Say which cells hold anything, read or not."""
        if self.values.null_count == 0:
            return np.ones(len(self.values), dtype=np.bool_)
        return np.asarray(self.values.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def unread(self) -> Positions:
        """Return where staging could not read the value."""
        if not may_be_marked(self.values):
            return _NOWHERE
        return positions(np.asarray(is_unread(self.values).to_numpy(zero_copy_only=False)))

    @cached_property
    def texts(self) -> Texts:
        """Return the values that can be judged, with the rows they stand in."""
        if not len(self.unread) and self.values.null_count == 0:
            return Texts(self.values, np.arange(len(self.values)))
        readable = self.present
        if len(self.unread):
            readable = readable.copy()
            readable[self.unread] = False
        return Texts(self.values.filter(pa.array(readable)), positions(readable))

    def repeated(self) -> pa.DictionaryArray | None:
        """Return the column by its distinct values if these were seen to be few, and nothing is unread."""
        distinct = self.__dict__["texts"].__dict__.get("distinct") if "texts" in self.__dict__ else None
        if distinct is None or len(self.unread):
            return None
        places = np.zeros(len(self), np.int32)
        places[self.texts.rows] = distinct.places
        indices = pa.array(places, mask=None if self.present.all() else ~self.present)
        return pa.DictionaryArray.from_arrays(indices, distinct.texts.values)

    @property
    def applied(self) -> int:
        """Count the cells that hold anything."""
        return len(self.values) - int(self.values.null_count)


@dataclass(frozen=True)
class Texts:
    """Hold the readable values of a column, none of them null, and their rows in the block (ascending)."""

    values: pa.Array
    rows: Positions
    memo: dict[str, Booleans] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        """Count the values."""
        return len(self.values)

    def at(self, chosen: Positions) -> Texts:
        """Return some of the values."""
        return Texts(self.values.take(pa.array(chosen)), self.rows[chosen])

    @cached_property
    def distinct(self) -> Distinct | None:
        """Return the distinct values, if a sample says that there are few: each need be judged but once."""
        if not seems_repetitive(self.values, _FEW):
            return None
        encoded = self.values.dictionary_encode()
        found = encoded.dictionary
        return Distinct(Texts(found, np.arange(len(found))), encoded.indices.to_numpy())

    @cached_property
    def all_good(self) -> Booleans:
        """Return the verdict that every value is good; shared, so not to be written to."""
        good = np.ones(len(self), dtype=np.bool_)
        good.flags.writeable = False
        return good

    @cached_property
    def first_octets(self) -> NDArray[np.uint8]:
        """Return the first byte of each value, 0 for an empty one."""
        first = np.zeros(len(self), dtype=np.uint8)
        filled = self.sizes > 0
        first[filled] = self.octets[self.offsets[:-1][filled]]
        return first

    @cached_property
    def offsets(self) -> NDArray[np.int32]:
        """Return where each value starts in ``octets``, and where the last one ends."""
        buffer = self.values.buffers()[1]
        if not len(self.values) or buffer is None:
            return np.zeros(1, dtype=np.int32)
        return np.frombuffer(buffer, dtype=np.int32)[self.values.offset :][: len(self.values) + 1]

    @cached_property
    def octets(self) -> NDArray[np.uint8]:
        """Return the UTF-8 bytes of the whole column."""
        buffer = self.values.buffers()[2]
        return np.empty(0, dtype=np.uint8) if buffer is None else np.frombuffer(buffer, dtype=np.uint8)

    @cached_property
    def sizes(self) -> NDArray[np.int32]:
        """Return the length of each value in bytes."""
        return self.offsets[1:] - self.offsets[:-1]

    @cached_property
    def ascii(self) -> bool:
        """Say whether the whole column is ASCII, so that bytes are characters."""
        used = self.octets[self.offsets[0] : self.offsets[-1]]
        return used.size == 0 or int(used.max()) < _ASCII

    @cached_property
    def lengths(self) -> NDArray[np.int32]:
        """Return the length of each value in characters (Unicode code points)."""
        if self.ascii:
            return self.sizes
        return np.asarray(pc.utf8_length(self.values).to_numpy(zero_copy_only=False))


@dataclass(frozen=True, slots=True)
class Distinct:
    """Hold the distinct values of a column, and the place among them of each value of the column."""

    texts: Texts
    places: NDArray[np.int32]

    def spread(self, verdicts: Booleans, column: Texts) -> Booleans:
        """Return the verdict on each value of the column."""
        return column.all_good if np.count_nonzero(verdicts) == len(verdicts) else verdicts[self.places]
