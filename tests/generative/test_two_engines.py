"""Two engines, one verdict: the rules judged on documents and on blocks find the same, whatever the document."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.structures import BY_NAME
from tests.generative.documents import documents
from tests.spec.drawn import by_blocks, by_documents


@pytest.mark.slow
@pytest.mark.parametrize("structure", BY_NAME)
def test_both_engines_find_the_same(structure: str) -> None:
    @settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(st.lists(documents(structure), min_size=8, max_size=12))
    def compare(drawn: list[dict[str, object]]) -> None:
        on_blocks = [sorted(found) for found in by_blocks(structure, drawn)]
        assert on_blocks == [sorted(by_documents(structure, document)) for document in drawn]

    compare()
