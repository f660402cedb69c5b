"""A spill gives back each bucket's rows in the order in which they came, however many buckets there are."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mappings.spill import Spill

BUCKETS = st.sampled_from([0, 1, 2, 300, 65_535, 65_536, 65_537, 200_000])


@given(st.lists(st.lists(BUCKETS, max_size=8), max_size=4))
def test_a_bucket_has_its_rows_in_their_order(windows: list[list[int]]) -> None:
    numbers = iter(range(100))
    came = [(bucket, next(numbers)) for window in windows for bucket in window]
    with TemporaryDirectory() as folder:
        left = iter(came)
        with Spill(f"{folder}/rows.arrow", pa.schema({"number": pa.int64()})) as spill:
            for window in windows:
                rows = pa.table({"number": pa.array([next(left)[1] for _ in window], pa.int64())})
                spill.add(rows, np.array(window, np.int32))
        spilled = spill.spilled
        assert spilled.rows == len(came)
        for bucket in {0, *(bucket for bucket, _ in came)}:
            wanted = [number for home, number in came if home == bucket]
            assert spilled.read(bucket)["number"].to_pylist() == wanted
            assert (spilled.size(bucket) > 0) == bool(wanted)
