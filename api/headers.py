"""The request headers of the Customers API: the bearer token, and the optional ones that have a form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from api.exchange import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_AUTHORIZATION = 2048
_LONGEST_TEXT = 100
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]+)")
_AUTH_DATE = re.compile(
    rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4}"
    rb" [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|UTC)"
)
_TEXTS = (b"x-fapi-customer-ip-address", b"x-customer-user-agent")


def bearer(headers: Mapping[bytes, bytes]) -> str:
    """Return the bearer token of a request; refuse it as unauthorized where there is none."""
    header = headers.get(b"authorization", b"")
    found = _BEARER.fullmatch(header)
    if found is None or len(header) > _LONGEST_AUTHORIZATION:
        raise Refused("unauthorized")
    return found[1].decode("ascii")


def check_optional(headers: Mapping[bytes, bytes]) -> None:
    """Refuse an optional header that does not have its form."""
    date = headers.get(b"x-fapi-auth-date")
    if date is not None and not _AUTH_DATE.fullmatch(date):
        raise Refused("invalid-parameter", "x-fapi-auth-date")
    for name in _TEXTS:
        text = headers.get(name)
        if text is not None and not 1 <= len(text.decode("utf-8", "replace")) <= _LONGEST_TEXT:
            raise Refused("invalid-parameter", name.decode())
