"""64 bits for every text of an array, or stretch of bytes: equal bytes, equal words, whatever they stand in."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from mappings.octets import octets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Octets = NDArray[np.uint8]
    Words = NDArray[np.uint64]
    Integers = NDArray[np.int32] | NDArray[np.int64]

_WORD = 8
# Beyond so many bytes a stretch would hold up all others.
_LONG = 1024
_ODD = np.uint64(0x9E3779B97F4A7C15)
# What a word is multiplied by before and after it is taken in, and what is folded down in between.
_TAKEN, _SPREAD, _FOLD = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x9E3779B185EBCA87), np.uint64(31)
# What is left of a word that only its first octets belong to.
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)


def digests(texts: pa.Array) -> Words:
    """Hash every text; none may be missing.

    Keys and tax ids are short: up to two machine words are mixed as the numbers that they are. Longer ones are taken
    in word by word, which costs more for each.
    """
    texts = texts.cast(pa.string())
    data, edges = octets(texts)
    starts, sizes = edges[:-1], np.diff(edges)
    padded = np.concatenate((data, np.zeros(2 * _WORD, np.uint8)))
    low = _words_at(padded, starts) & _KEPT[np.minimum(sizes, _WORD)]
    high = _words_at(padded, starts + np.minimum(sizes, _WORD)) & _KEPT[np.clip(sizes - _WORD, 0, _WORD)]
    words = of_two_words(low, high, sizes.astype(np.uint64))
    long = np.flatnonzero(sizes > 2 * _WORD)
    if len(long):
        words[long] = of_stretches(data, starts[long].astype(np.int64), sizes[long].astype(np.int64))
    return words


def of_two_words(low: Words, high: Words, sizes: Words) -> Words:
    """Hash texts of at most sixteen octets, given as two numbers, and how many octets each has."""
    return mixed(mixed(low + sizes * _ODD) ^ high)


def of_stretches(data: Octets, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> Words:
    """Hash stretches of bytes, all of as many words at once; the few that are very long one by one.

    A word is multiplied before it is taken in, so that what two changes do to their words does not cancel.
    """
    long = np.flatnonzero(sizes > _LONG)
    if len(long):
        words = of_stretches(data, starts, np.where(sizes > _LONG, 0, sizes))
        edges = zip(starts[long].tolist(), (starts[long] + sizes[long]).tolist(), strict=True)
        words[long] = [xxh3_64_intdigest(data[start:end].tobytes()) for start, end in edges]
        return words
    padded = np.concatenate((data, np.zeros(_WORD, np.uint8)))
    words = sizes.astype(np.uint64) * _ODD
    counts = ((sizes + (_WORD - 1)) // _WORD).astype(np.uint8)
    order = np.argsort(counts, kind="stable")  # numpy sorts short numbers by counting them
    ends = np.cumsum(np.bincount(counts, minlength=1))
    for count in range(1, len(ends)):
        rows = order[ends[count - 1] : ends[count]]
        if len(rows):
            blocks = _blocks_at(padded, starts[rows], count)
            blocks[:, -1] &= _KEPT[sizes[rows] - _WORD * (count - 1)]
            words[rows] = _taken_in(words[rows], blocks)
    return mixed(words)


def _blocks_at(data: Octets, starts: NDArray[np.int64], count: int) -> Words:
    """Read so many words from each place on, a row for each place."""
    size = _WORD * count
    everywhere = np.ndarray((len(data) - size + 1,), f"V{size}", data, strides=(1,))
    blocks: Words = everywhere[starts].view("<u8").astype(np.uint64, copy=False).reshape(len(starts), count)
    return blocks


def _taken_in(words: Words, blocks: Words) -> Words:
    blocks *= _TAKEN
    for place in range(blocks.shape[1]):
        words ^= blocks[:, place]
        words ^= words >> _FOLD
        words *= _SPREAD
    return words


def mixed(words: Words) -> Words:
    """Spread the bits of words over them: the finalizer of SplitMix64 (Steele, Lea, Flood 2014), which loses none."""
    words = words + _ODD
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    spread: Words = words ^ (words >> np.uint64(31))
    return spread


@cache
def salt(text: str) -> np.uint64:
    """Return a word to be added to others, so that they differ by what they are of."""
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def _words_at(data: Octets, starts: Integers) -> Words:
    """Read the eight octets from each place on as a number."""
    everywhere = np.ndarray((len(data) - _WORD + 1,), "<u8", data, strides=(1,))
    return everywhere[starts].astype(np.uint64)
