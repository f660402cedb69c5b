"""64 bits for every text of an array: equal texts, equal words, whatever array they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from mappings.octets import octets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Integers = NDArray[np.int32]

_WORD = 8
_ODD = np.uint64(0x9E3779B97F4A7C15)
# What is left of a word that only its first octets belong to.
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)


def digests(texts: pa.Array) -> Words:
    """Hash every text; none may be missing.

    Keys and tax ids are short: up to two machine words are mixed as the numbers that they are, all texts at once. xxh3
    takes the longer ones, one by one.
    """
    texts = texts.cast(pa.string())
    data, edges = octets(texts)
    starts, sizes = edges[:-1], np.diff(edges)
    padded = np.concatenate((data, np.zeros(2 * _WORD, np.uint8)))
    low = _words_at(padded, starts) & _KEPT[np.minimum(sizes, _WORD)]
    high = _words_at(padded, starts + np.minimum(sizes, _WORD)) & _KEPT[np.clip(sizes - _WORD, 0, _WORD)]
    words = mixed(mixed(low + sizes.astype(np.uint64) * _ODD) ^ high)
    long = np.flatnonzero(sizes > 2 * _WORD)
    if len(long):
        words[long] = _hashed(texts if len(long) == len(texts) else texts.take(pa.array(long)))
    return words


def mixed(words: Words) -> Words:
    """Spread the bits of words over them: the finalizer of SplitMix64 (Steele, Lea, Flood 2014), which loses none."""
    words = words + _ODD
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    spread: Words = words ^ (words >> np.uint64(31))
    return spread


def _words_at(data: NDArray[np.uint8], starts: Integers) -> Words:
    """Read the eight octets from each place on as a number."""
    everywhere = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    return everywhere[starts].astype(np.uint64)


def _hashed(texts: pa.Array) -> Words:
    content = texts.cast(pa.binary()).to_numpy(zero_copy_only=False)
    return np.fromiter(map(xxh3_64_intdigest, content), np.uint64, len(content))
