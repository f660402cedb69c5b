"""Check digits modulo 11, as CPF and CNPJ use them, on whole Arrow columns.

The remainder of a weighted sum gives the digit: 0 and 1 become 0, anything else 11 minus it. Letters count as
their ASCII code minus 48, so that digits count as themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray


def digit(characters: str, weights: tuple[int, ...]) -> str:
    """Return the check digit of a text as long as the weights.

    >>> digit("123456789", (10, 9, 8, 7, 6, 5, 4, 3, 2))
    '0'
    """
    total = sum((ord(character) - 48) * weight for character, weight in zip(characters, weights, strict=True))
    return str(11 - total % 11) if total % 11 > 1 else "0"


def _matrix(values: pa.Array, width: int) -> NDArray[np.int64]:
    """View texts of one width, without nulls, as one row of numbers each."""
    fixed = values.cast(pa.binary()).cast(pa.binary(width))
    start = fixed.offset * width
    data = np.frombuffer(fixed.buffers()[1], dtype=np.uint8)[start : start + len(fixed) * width]
    return data.reshape(len(fixed), width).astype(np.int64) - 48


def _digits(matrix: NDArray[np.int64], weights: tuple[int, ...]) -> NDArray[np.int64]:
    remainder = matrix[:, : len(weights)] @ np.array(weights, dtype=np.int64) % 11
    return np.where(remainder > 1, 11 - remainder, 0)


def valid(
    values: pa.Array | pa.ChunkedArray, shape: str, first: tuple[int, ...], second: tuple[int, ...]
) -> pa.BooleanArray:
    """Say which texts match the shape, end in the right two digits, and are not one character over and over.

    Null stays null, anything else of any length is judged; nothing raises. ``second`` weighs the first digit
    too.
    """
    texts = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    texts = texts.cast(pa.large_string()).cast(pa.string()) if not pa.types.is_string(texts.type) else texts
    shaped = pc.fill_null(pc.match_substring_regex(texts, shape), False)  # noqa: FBT003 (Arrow's fill value)
    verdicts: NDArray[np.bool_] = shaped.to_numpy(zero_copy_only=False).copy()
    if verdicts.any():
        matrix = _matrix(texts if verdicts.all() else texts.filter(shaped), len(second) + 1)
        right = (_digits(matrix, first) == matrix[:, -2]) & (_digits(matrix, second) == matrix[:, -1])
        verdicts[verdicts] = right & (matrix != matrix[:, :1]).any(axis=1)
    return pa.array(
        verdicts, mask=texts.is_null().to_numpy(zero_copy_only=False) if texts.null_count else None
    )
