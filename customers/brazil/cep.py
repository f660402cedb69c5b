"""CEP: the eight digits of a Brazilian postal code."""

from __future__ import annotations

import re


def compact(text: str) -> str:
    """Take off the mask and the blanks around it.

    >>> compact("01310-100")
    '01310100'
    """
    return re.sub(r"[\s.\-]", "", text)


def is_valid(text: str) -> bool:
    """Say whether a text without mask has the shape of a CEP; eight zeros are none.

    >>> is_valid("01310100"), is_valid("00000000"), is_valid("1310100")
    (True, False, False)
    """
    return re.fullmatch("[0-9]{8}", text) is not None and text != "00000000"
