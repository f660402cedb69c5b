"""The formats of the dictionaries as patterns, so that every engine judges them alike.

A value has a format if it matches all of the format's patterns. The patterns are anchored, ASCII, and compile
in Python, RE2 (Arrow) and Rust (pydantic); use a full match in Python.

>>> import re
>>> [bool(re.fullmatch(DATE, day)) for day in ("2024-02-29", "2023-02-29", "2023-2-9", "0000-01-01")]
[True, False, False, False]
"""

from __future__ import annotations

from customers.text import BLANKS

_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
_OFFSET = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_ATOM = "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"

# RFC 3339 full-date of a real day (R03); years 0001 to 9999.
DATE = f"^{_DAY}$"
# RFC 3339 date-time of a real day, with any offset, fraction, letter case and leap second (N17).
DATE_TIME = rf"^{_DAY}[Tt]{_TIME}(?:\.[0-9]+)?{_OFFSET}$"
# The one form that the standard allows (N17, R04): UTC, 20 characters.
UTC_DATE_TIME = (
    "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
)

# A number as JSON writes it (RFC 8259).
NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"

FORMATS: dict[str, tuple[str, ...]] = {
    "date": (DATE,),
    "date-time": (DATE_TIME,),
    # R16: one @, a dot-atom of at most 64 characters, a domain of letters, digits and hyphens.
    "email": (rf"^{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*$", r"^[^@]{1,64}@[^@]{1,255}$"),
    # N24: no registered format; read as an absolute URI.
    "url": (f"^[A-Za-z][0-9A-Za-z+.-]*:[^{BLANKS}]+$",),
}

# ``double`` on a text (shareholding) says nothing that the pattern does not say better.
FORMATS_WITHOUT_RULE: frozenset[str] = frozenset({"double"})
