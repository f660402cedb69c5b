"""Random draws and Arrow text kernels that the whole generator shares; nothing here loops over rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Text: TypeAlias = Any  # an Arrow string array; pyarrow has no type stubs
Ints: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

_FIRST_DAY = -36524  # 01/01/1870 counted from 01/01/1970
_DAYS = 80_000


def join(*parts: Text | str) -> Text:
    """Concatenate columns and constants row by row."""
    return pc.binary_join_element_wise(*parts, "")


def choose(mask: Mask, yes: Text | str, no: Text | str) -> Text:
    """Take ``yes`` where the mask holds, else ``no``."""
    return pc.if_else(pa.array(mask), yes, no)


def only(mask: Mask, text: Text | str) -> Text:
    """Keep text where the mask holds, else no value."""
    return choose(mask, text, "")


def on(mask: Mask, text: Text, change: Callable[[Text], Text]) -> Text:
    """Change the rows of a mask only; the cost is that of the rows changed."""
    if not mask.any():
        return text
    chosen = pa.array(mask)
    return pc.replace_with_mask(text, chosen, change(text.filter(chosen)))


def constant(value: str, size: int) -> Text:
    """Return a column of one value."""
    return pa.repeat(pa.scalar(value), size)


def padded(numbers: Ints, width: int) -> Text:
    """Write whole numbers with zeros on the left."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def pool(words: Sequence[str]) -> Text:
    """Turn a list of words into something to draw from."""
    return pa.array(list(words), pa.string())


def phrases(text: str) -> Text:
    """Split a list at its blanks; an underscore is a blank inside a phrase."""
    return pool([phrase.replace("_", " ") for phrase in text.split()])


def spread(counts: Ints) -> tuple[Ints, Ints]:
    """Return (owner, position within the owner) of the rows that each register has by count."""
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - np.repeat(starts, counts)


def has_text(text: Text) -> Mask:
    """Say which rows are not empty."""
    return np.asarray(pc.not_equal(text, ""))


@cache
def _day_texts() -> Text:
    days = pa.array(np.arange(_FIRST_DAY, _FIRST_DAY + _DAYS, dtype=np.int32)).cast(pa.date32())
    return pc.strftime(days, format="%d/%m/%Y")


@cache
def _second_texts() -> Text:
    seconds = np.arange(86_400)
    return join(padded(seconds // 3600, 2), ":", padded(seconds // 60 % 60, 2), ":", padded(seconds % 60, 2))


def date_text(days: Ints) -> Text:
    """Write days since 1970 as ``dd/mm/aaaa``."""
    return _day_texts().take(pa.array(days - _FIRST_DAY))


def timestamp_text(days: Ints, seconds: Ints) -> Text:
    """Write days since 1970 and seconds of the day as ``dd/mm/aaaa HH:MM:SS``."""
    return join(date_text(days), " ", _second_texts().take(pa.array(seconds)))


@dataclass(frozen=True, slots=True)
class Draw:
    """Draw columns of a given size; ``today`` is the business date in days since 1970."""

    rng: np.random.Generator
    today: int

    def chance(self, size: int, share: float) -> Mask:
        """Choose about a share of the rows."""
        return self.rng.random(size, dtype=np.float32) < share

    def corner(self, among: Mask, share: float) -> Mask:
        """Choose about a share of some rows, and one at least where half a row or more is due."""
        chosen = among & self.chance(len(among), share)
        possible = np.flatnonzero(among)
        if not chosen.any() and round(len(possible) * share):
            chosen[self.rng.choice(possible)] = True
        return chosen

    def below(self, size: int, high: int) -> Ints:
        """Draw whole numbers from 0 up to, not including, ``high``."""
        return self.rng.integers(high, size=size)

    def pick(self, size: int, words: Text) -> Text:
        """Draw words evenly."""
        return words.take(pa.array(self.below(size, len(words))))

    def weighted(self, size: int, weights: Sequence[float]) -> Ints:
        """Draw positions of ``weights``, each as often as its weight says."""
        edges = np.cumsum(weights, dtype=np.float64)
        positions = np.searchsorted(edges / edges[-1], self.rng.random(size), side="right")
        return np.minimum(positions, len(edges) - 1)

    def cases(self, size: int, weights: Sequence[float]) -> list[Mask]:
        """Deal the rows to as many cases as there are weights: one mask each, every row in exactly one."""
        case = self.weighted(size, weights)
        return [case == number for number in range(len(weights))]

    def word(self, size: int, weights: Mapping[str, float]) -> Text:
        """Draw words, each as often as its weight says."""
        return pool(list(weights)).take(pa.array(self.weighted(size, list(weights.values()))))

    def some(self, text: Text, share: float) -> Text:
        """Keep about a share of the values."""
        return only(self.chance(len(text), share), text)

    def number(self, size: int, width: int) -> Text:
        """Draw a number of so many digits that does not start with zero."""
        return pa.array(self.rng.integers(10 ** (width - 1), 10**width, size=size)).cast(pa.string())

    def past(self, size: int, years: float) -> Ints:
        """Draw days before today, the recent ones more often."""
        ago = 1 + years * 365 * self.rng.random(size) ** 2
        return self.today - ago.astype(np.int64)

    def updates(self, size: int, empty: float = 0.2) -> Text:
        """Draw timestamps of a last change; a share is empty, so that the customer's own holds."""
        moments = timestamp_text(self.past(size, 9), self.below(size, 86_400))
        return self.some(moments, 1 - empty) if empty else moments
