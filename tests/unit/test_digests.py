"""Hashes of texts, and finding them again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mappings.digests import digests
from mappings.word_index import NOWHERE, WordIndex

# Around the ends of one and of two machine words, NULs and wide characters among them.
TEXTS = st.lists(
    st.text(alphabet="\0aé9", max_size=40) | st.integers(1022, 1027).map("a".__mul__), max_size=30
)
WORDS = st.lists(st.integers(min_value=0, max_value=2**64 - 1) | st.integers(min_value=0, max_value=50))


@given(TEXTS, st.integers(min_value=0, max_value=30))
def test_a_text_has_one_hash_wherever_it_stands_and_no_other_text_has_it(
    texts: list[str], start: int
) -> None:
    whole = digests(pa.array(texts, pa.string()))
    assert [digests(pa.array([text]))[0] for text in texts] == whole.tolist()
    assert digests(pa.array(texts, pa.string()).slice(start)).tolist() == whole[start:].tolist()
    assert len(set(whole.tolist())) == len(set(texts))


@given(WORDS, WORDS)
def test_a_word_is_found_where_it_stands_and_nowhere_else(words: list[int], wanted: list[int]) -> None:
    known = sorted(set(words))
    found = WordIndex(np.array(known, np.uint64)).places(np.array([*wanted, *words], np.uint64))
    assert found.tolist() == [known.index(word) if word in known else NOWHERE for word in [*wanted, *words]]
