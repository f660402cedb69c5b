"""Hash the first field of every record of CSV text by its bytes alone, where that is a plain key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mappings.digests import of_two_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Places = NDArray[np.int64]

_WORD = 8
_QUOTE = 0x22


def _everywhere(octet: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([octet]) * _WORD, "little"))


_ONES, _HIGHEST, _FIRST_PLAIN, _FILL = map(_everywhere, (0x01, 0x80, 0x21, 0x30))
_ONE, _TO_FIRST_BIT, _BITS = np.uint64(1), np.uint64(7), np.uint8(3)


def first_fields(raw: bytes, begins: Places, separator: str) -> Words | None:
    """Return what ``mappings.digests.digests`` does of the first fields, given where the records begin.

    None where one is empty, quoted, not all of visible ASCII or longer than 15 octets: a parser has to look.
    """
    octets = np.frombuffer(raw, np.uint8)
    if (octets[begins] == _QUOTE).any():
        return None
    low, high = _words_at(octets, begins)
    sign = _everywhere(ord(separator))
    of_low, ends_low = _before(low, sign)
    of_high, ends_high = _before(high, sign)
    of_high[ends_low] = 0
    if not (ends_low | ends_high).all() or (of_low == 0).any():
        return None
    low &= of_low
    high &= of_high
    if _any_odd(low | (~of_low & _FILL)) or _any_odd(high | (~of_high & _FILL)):
        return None
    sizes = (np.bitwise_count(of_low) + np.bitwise_count(of_high)) >> _BITS
    return of_two_words(low, high, sizes.astype(np.uint64))


def _words_at(octets: NDArray[np.uint8], begins: Places) -> tuple[Words, Words]:
    """Read the sixteen octets from each place on as two numbers; what is behind the end counts as zero."""
    inside = int(np.searchsorted(begins, len(octets) - 2 * _WORD, side="right"))
    first = _words_of(octets, begins[:inside]), _words_of(octets, begins[:inside] + _WORD)
    if inside == len(begins):
        return first
    tail = np.concatenate((octets[begins[inside] :], np.zeros(2 * _WORD, np.uint8)))
    rest = begins[inside:] - begins[inside]
    last = _words_of(tail, rest), _words_of(tail, rest + _WORD)
    return np.concatenate((first[0], last[0])), np.concatenate((first[1], last[1]))


def _words_of(octets: NDArray[np.uint8], begins: Places) -> Words:
    if len(begins) == 0:
        return np.empty(0, np.uint64)
    everywhere = np.ndarray((len(octets) - _WORD + 1,), "<u8", octets, strides=(1,))
    return everywhere[begins].astype(np.uint64, copy=False)


def _before(words: Words, sign: np.uint64) -> tuple[Words, NDArray[np.bool_]]:
    """Return a mask of the octets before the first one that is the sign (all, where none is), and whether one is.

    The lowest octet that is zero is found by what borrowing from it does (Mycroft 1987).
    """
    differing = words ^ sign
    zero = (differing - _ONES) & ~differing & _HIGHEST
    lowest = zero & (~zero + _ONE)
    return (lowest >> _TO_FIRST_BIT) - _ONE, zero != 0


def _any_odd(words: Words) -> bool:
    """Say whether any octet is a blank, a control character or not of ASCII."""
    odd = words | ((words - _FIRST_PLAIN) & ~words)
    return bool(np.bitwise_or.reduce(odd, initial=0) & _HIGHEST)
