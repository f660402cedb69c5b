"""Guess from a sample whether a column has few distinct values, so that each of them need be looked at but once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa

_SAMPLE = 128


def seems_repetitive(values: pa.Array, most: int) -> bool:
    """Say whether of 128 values, taken evenly, at most so many differ; a shorter column is not worth it.

    An error costs time and nothing else.

    >>> seems_repetitive(pa.array(["F", "J"] * 64), 2), seems_repetitive(pa.array(["F", "J"] * 64), 1)
    (True, False)
    """
    return len(values) >= _SAMPLE and len(values.take(_evenly(len(values))).unique()) <= most


@lru_cache(maxsize=64)
def _evenly(values: int) -> pa.Array:
    return pa.array(np.arange(_SAMPLE) * (values - 1) // (_SAMPLE - 1))
