"""64 bits of xxh3 for every text of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint64]


def digests(texts: pa.Array) -> Words:
    """Hash every text; none may be missing."""
    octets = texts.cast(pa.binary()).to_numpy(zero_copy_only=False)
    return np.fromiter(map(xxh3_64_intdigest, octets), np.uint64, len(octets))
