"""CNPJ: the fourteen characters of a legal entity in the federal register, the last two being check digits.

Until 2026 all fourteen are digits; the alphanumeric form (customers 2.3.0) has capital letters among the
first twelve. The numeric form is a case of the other, so one function judges both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from customers.brazil import check_digits

if TYPE_CHECKING:
    import pyarrow as pa

_SHAPE = "^[0-9A-Z]{12}[0-9]{2}$"
_FIRST = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_SECOND = (6, *_FIRST)


def compact(text: str) -> str:
    """Take off the mask and the blanks around it.

    >>> compact(" 12.345.678/0001-95 ")
    '12345678000195'
    """
    return re.sub(r"[\s./\-]", "", text)


def is_valid(text: str) -> bool:
    """Say whether a text without mask is a CNPJ, numeric or alphanumeric, with the right check digits.

    >>> is_valid("12345678000195"), is_valid("12ABC34501DE35")
    (True, True)
    >>> is_valid("12345678000190"), is_valid("00000000000000"), is_valid("12abc34501de35"), is_valid("")
    (False, False, False, False)
    """
    if not re.fullmatch(_SHAPE, text) or len(set(text)) == 1:
        return False
    return text[12:] == check_digits.digit(text[:12], _FIRST) + check_digits.digit(text[:13], _SECOND)


def valid(values: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
    """Judge a whole column as ``is_valid`` does; null stays null.

    >>> import pyarrow as pa
    >>> valid(pa.array(["12345678000195", "12ABC34501DE35", "12345678000190", None])).to_pylist()
    [True, True, False, None]
    """
    return check_digits.valid(values, _SHAPE, _FIRST, _SECOND)
