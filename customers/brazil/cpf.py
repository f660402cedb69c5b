"""CPF: the eleven digits of a natural person in the federal register, the last two being check digits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from customers.brazil import check_digits

if TYPE_CHECKING:
    import pyarrow as pa

_SHAPE = "^[0-9]{11}$"
_FIRST = (10, 9, 8, 7, 6, 5, 4, 3, 2)
_SECOND = (11, *_FIRST)


def compact(text: str) -> str:
    """Take off the mask and the blanks around it.

    >>> compact(" 123.456.789-09 ")
    '12345678909'
    """
    return re.sub(r"[\s.\-]", "", text)


def is_valid(text: str) -> bool:
    """Say whether a text without mask is a CPF with the right check digits; eleven equal digits are none.

    >>> is_valid("12345678909"), is_valid("12345678900"), is_valid("11111111111"), is_valid("")
    (True, False, False, False)
    """
    if not re.fullmatch(_SHAPE, text) or len(set(text)) == 1:
        return False
    return text[9:] == check_digits.digit(text[:9], _FIRST) + check_digits.digit(text[:10], _SECOND)


def valid(values: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
    """Judge a whole column as ``is_valid`` does; null stays null.

    >>> import pyarrow as pa
    >>> valid(pa.array(["12345678909", "12345678900", "x", None])).to_pylist()
    [True, False, False, None]
    """
    return check_digits.valid(values, _SHAPE, _FIRST, _SECOND)
