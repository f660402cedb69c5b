"""Give memory back between two parts of a run that each need a lot of it for a while."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Return to the system what Arrow's pool and, where it can (glibc), the C library's heap hold free.

    Arrays of some megabytes that come and go leave the heap full of holes, twice as large as what is in it.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
