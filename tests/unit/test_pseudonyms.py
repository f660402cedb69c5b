"""Pseudonyms: SipHash-2-4-128 against a reading of its paper in plain integers, and what must hold of the ids."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.pseudonyms import buckets, customer_ids, customer_refs, person_ids, siphash128

SECRET = "an invented secret that only the tests use"
WORD = (1 << 64) - 1
# From the authors' own vectors: key 00..0f, messages of 0, 1, 2 and 3 bytes 00 01 02.
VECTORS = [
    "a3817f04ba25a8e66df67214c7550293",
    "da87c1d86b99af44347659119b22fc45",
    "8177228da4a45dc7fca38bdef60affe4",
    "9c70b60c5267a94e5f33b6b02985ed51",
]


def rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & WORD


def rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        v[0] = (v[0] + v[1]) & WORD
        v[1] = rotated(v[1], 13) ^ v[0]
        v[0] = rotated(v[0], 32)
        v[2] = (v[2] + v[3]) & WORD
        v[3] = rotated(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & WORD
        v[3] = rotated(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & WORD
        v[1] = rotated(v[1], 17) ^ v[2]
        v[2] = rotated(v[2], 32)


def siphash(message: bytes, key: bytes) -> bytes:
    """Compute SipHash-2-4 with 128 bits, one message at a time."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D ^ 0xEE,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        v[3] ^= word
        rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xEE
    rounds(v, 4)
    low = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(v, 4)
    return b"".join(word.to_bytes(8, "little") for word in (low, v[0] ^ v[1] ^ v[2] ^ v[3]))


@pytest.mark.parametrize("length", range(len(VECTORS)))
def test_the_plain_reading_has_the_authors_vectors(length: int) -> None:
    assert siphash(bytes(range(length)), bytes(range(16))).hex() == VECTORS[length]


@given(
    st.lists(st.text(max_size=40) | st.text(min_size=250, max_size=270)), st.binary(min_size=16, max_size=16)
)
def test_a_whole_array_is_hashed_like_each_of_its_texts(texts: list[str], key: bytes) -> None:
    low, high = siphash128(pa.array(texts, pa.string()), key)
    found = [a.tobytes() + b.tobytes() for a, b in zip(low.astype("<u8"), high.astype("<u8"), strict=True)]
    assert found == [siphash(text.encode(), key) for text in texts]


def test_a_slice_is_hashed_like_a_copy() -> None:
    keys = pa.array(["F1", "F22", "F333", "F4444"])
    assert (
        customer_ids(keys.slice(1, 2), SECRET).to_pylist()
        == customer_ids(pa.array(["F22", "F333"]), SECRET).to_pylist()
    )


def test_customer_ids_are_uuids_that_the_api_takes() -> None:
    ids = customer_ids(pa.array([f"F{number}" for number in range(500)]), SECRET).to_pylist()
    assert len(set(ids)) == 500
    assert all(
        re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one)
        for one in ids
    )


def test_an_id_depends_on_key_and_secret_alone() -> None:
    one, other = customer_ids(pa.array(["F1", "F1"]), SECRET).to_pylist()
    assert one == other
    assert [one] != customer_ids(pa.array(["F1"]), SECRET + "!").to_pylist()


def test_each_use_has_pseudonyms_of_its_own() -> None:
    keys = pa.array(["F1"])
    found = [
        make(keys, SECRET)[0].as_py().replace("-", "") for make in (customer_ids, customer_refs, person_ids)
    ]
    assert len({text[:8] for text in found}) == 3


def test_no_keys_have_no_pseudonyms() -> None:
    none = pa.array([], pa.string())
    assert [make(none, SECRET).to_pylist() for make in (customer_ids, customer_refs, person_ids)] == [
        [],
        [],
        [],
    ]
    assert buckets(none, 3).tolist() == []


def test_buckets_are_filled_evenly_and_always_the_same_way() -> None:
    keys = pa.array([f"F:{number:011}" for number in range(3000)])
    places = buckets(keys, 3)
    assert set(places.tolist()) == {0, 1, 2}
    assert min((places == bucket).sum() for bucket in range(3)) > 900
    assert buckets(keys.take(pa.array([7, 5])), 3).tolist() == [places[7], places[5]]


def test_a_key_beyond_all_measure_takes_no_time_and_changes_no_other() -> None:
    endless = "A" * 2_000_000
    ids = customer_ids(pa.array(["F1", endless, None, f"{endless}B"]), "an invented secret")
    assert ids.take(pa.array([0, 2])) == customer_ids(pa.array(["F1", None]), "an invented secret")
    assert len(set(ids.to_pylist())) == 4
    assert ids[1] == customer_ids(pa.array([endless]), "an invented secret")[0]
