"""Import pandas with the first column, not before: it takes a fifth of a second, and who only reads makes none.

pyarrow would import it with the first array that it makes, to be able to tell whether it was handed one of pandas'.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from customers.absent import absent

if TYPE_CHECKING:
    from types import ModuleType


def leave_out_pandas() -> None:
    """Let pyarrow go on without pandas, unless somebody has imported it already."""
    with absent("pandas"):
        pa.array([])


@cache
def pandas() -> ModuleType:
    """Import pandas, and let pyarrow know of it."""
    import pandas as pd  # noqa: PLC0415 (see above)

    pa.nulls(0).to_pandas()
    return pd
