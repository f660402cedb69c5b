"""Keyed pseudonyms: stable identifiers that say nothing about the core key without the institution's secret.

SipHash-2-4 with 128 bits of output (Aumasson, Bernstein 2012), computed for a whole Arrow array at once: a keyed
pseudo-random function made for short inputs. Each use has a context of its own, so that two pseudonyms of one
customer cannot be tied together from outside.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]

_WORD = 8
_LONGEST = 1_024  # octets
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
# The nibbles that say version 8 (free form) and variant 1 (RFC 9562).
_VERSION_AT, _VARIANT_AT = 12, 16


def customer_ids(core_keys: pa.Array, secret: str) -> pa.Array:
    """Return the customer_id (personalId, businessId) of each core key: a keyed hash in UUID form.

    >>> ids = customer_ids(pa.array(["F1", "F2"]), "an invented secret of enough characters")
    >>> ids[0].as_py() != ids[1].as_py(), len(ids[0].as_py()), ids[0].as_py()[14]
    (True, 36, '8')
    """
    digits = _digits(core_keys, secret, "customer_id")
    digits[:, _VERSION_AT] = 8
    digits[:, _VARIANT_AT] = 8 | (digits[:, _VARIANT_AT] & 3)
    text = np.insert(_HEX[digits], [8, 12, 16, 20], np.frombuffer(b"-", np.uint8), axis=1)
    return _strings(text)


def customer_refs(core_keys: pa.Array, secret: str) -> pa.Array:
    """Return the pseudonym by which findings name a core key; not related to its customer_id."""
    return _strings(_HEX[_digits(core_keys, secret, "customer_ref")])


def person_ids(person_keys: pa.Array, secret: str) -> pa.Array:
    """Return the pseudonym of a person (kind and tax id, or core key)."""
    return _strings(_HEX[_digits(person_keys, secret, "person_id")])


def buckets(keys: pa.Array, count: int) -> NDArray[np.int64]:
    """Spread keys evenly over buckets, the same way on every machine and run."""
    low, _ = siphash128(_shortened(keys), bytes(16))
    return (low % np.uint64(count)).astype(np.int64)


def _digits(values: pa.Array, secret: str, context: str) -> NDArray[np.uint8]:
    """Return the 32 hexadecimal digits of each value's hash, one row per value."""
    if len(values) == 0:
        return np.empty((0, 32), np.uint8)
    key = hashlib.blake2b(
        context.encode(), key=hashlib.sha256(secret.encode()).digest(), digest_size=16
    ).digest()
    octets = (
        np.stack(siphash128(_shortened(values), key), axis=1).astype("<u8").view(np.uint8).reshape(-1, 16)
    )
    return np.stack((octets >> 4, octets & 15), axis=2).reshape(-1, 32)


def _shortened(values: pa.Array) -> pa.Array:
    """Put a digest in the place of each text that no key is as long as: SipHash takes its time over every word.

    The digest begins with a NUL, which no text of an export holds.
    """
    long = pc.fill_null(pc.greater(pc.binary_length(values), _LONGEST), False)  # noqa: FBT003 (Arrow's fill value)
    if not pc.any(long).as_py():
        return values
    digests = [f"\0{hashlib.blake2b(text.encode()).hexdigest()}" for text in values.filter(long).to_pylist()]
    return pc.replace_with_mask(values, long, pa.array(digests, values.type))


def _strings(octets: NDArray[np.uint8]) -> pa.Array:
    rows, width = octets.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    data = np.ascontiguousarray(octets)
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def siphash128(values: pa.Array, key: bytes) -> tuple[Words, Words]:
    """Hash every text (missing counts as empty) under a key of 16 bytes; return the low and the high words.

    >>> low, high = siphash128(pa.array([""]), bytes(range(16)))
    >>> low.astype("<u8").tobytes().hex(), high.astype("<u8").tobytes().hex()
    ('a3817f04ba25a8e6', '6df67214c7550293')
    """
    texts = pc.fill_null(values.cast(pa.large_string()), "").cast(pa.large_binary())
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
    low, high = np.empty(len(texts), np.uint64), np.empty(len(texts), np.uint64)
    words = lengths // _WORD + 1
    for count in np.unique(words):
        chosen = np.flatnonzero(words == count)
        low[chosen], high[chosen] = _siphash(_message(texts, lengths, chosen, int(count)), key)
    return low, high


def _message(texts: pa.Array, lengths: Words, chosen: NDArray[np.int64], count: int) -> Words:
    """Lay the texts out as little-endian words, the last one ending in the length: one row per text."""
    part = texts.take(pa.array(chosen))
    size = lengths[chosen]
    octets = np.zeros((len(chosen), count * _WORD), np.uint8)
    data = np.frombuffer(part.buffers()[2] or b"", np.uint8)[: int(size.sum())]
    octets[np.arange(count * _WORD) < size[:, None]] = data
    octets[:, -1] = size & 0xFF
    return octets.view("<u8").astype(np.uint64)


def _rotated(word: Words, bits: int) -> Words:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


def _round(v0: Words, v1: Words, v2: Words, v3: Words) -> tuple[Words, Words, Words, Words]:
    v0 = v0 + v1
    v1 = _rotated(v1, 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 = v2 + v3
    v3 = _rotated(v3, 16) ^ v2
    v0 = v0 + v3
    v3 = _rotated(v3, 21) ^ v0
    v2 = v2 + v1
    v1 = _rotated(v1, 17) ^ v2
    return v0, v1, _rotated(v2, 32), v3


def _siphash(message: Words, key: bytes) -> tuple[Words, Words]:
    k0, k1 = np.frombuffer(key, "<u8")
    ones = np.ones(len(message), np.uint64)
    v0, v1 = ones * (k0 ^ np.uint64(0x736F6D6570736575)), ones * (k1 ^ np.uint64(0x646F72616E646F6D ^ 0xEE))
    v2, v3 = ones * (k0 ^ np.uint64(0x6C7967656E657261)), ones * (k1 ^ np.uint64(0x7465646279746573))
    for column in range(message.shape[1]):
        word = message[:, column]
        v3 = v3 ^ word
        for _ in range(2):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 = v0 ^ word
    v2 = v2 ^ np.uint64(0xEE)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    low = v0 ^ v1 ^ v2 ^ v3
    v1 = v1 ^ np.uint64(0xDD)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return low, v0 ^ v1 ^ v2 ^ v3
