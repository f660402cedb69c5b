"""Content negotiation: this API speaks JSON in UTF-8, and nothing else."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MEDIA = {"application/json": 2, "application/*": 1, "*/*": 0}
_CHARSET = {"utf-8": 1, "utf8": 1, "*": 0}
_REMEMBERED = 256


def acceptable(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether the Accept headers of a request let JSON in UTF-8 through; a missing one lets everything."""
    accept, charset = headers.get(b"accept"), headers.get(b"accept-charset")
    return (not accept or accepts_json(accept)) and (not charset or accepts_utf8(charset))


@lru_cache(_REMEMBERED)
def accepts_json(header: bytes) -> bool:
    """Judge an Accept header; of the ranges that hold, the closest decides.

    >>> accepts_json(b"text/html, */*;q=0.1"), accepts_json(b"application/json;q=0, */*")
    (True, False)
    >>> accepts_json(b"application/json; charset=utf-8"), accepts_json(b"application/json; charset=latin1")
    (True, False)
    >>> accepts_json(b"application/xml"), accepts_json(b"nonsense")
    (False, False)
    """
    return _closest(header, _MEDIA)


@lru_cache(_REMEMBERED)
def accepts_utf8(header: bytes) -> bool:
    """Judge an Accept-Charset header.

    >>> accepts_utf8(b"latin1, utf-8;q=0.5"), accepts_utf8(b"iso-8859-1"), accepts_utf8(b"*")
    (True, False, True)
    """
    return _closest(header, _CHARSET)


def _closest(header: bytes, ranges: Mapping[str, int]) -> bool:
    found = [(ranges[name], weight) for name, weight in _weighed(header) if name in ranges]
    return bool(found) and max(found)[1] > 0


def _weighed(header: bytes) -> Iterator[tuple[str, float]]:
    for element in header.decode("latin-1").split(","):
        name, *parameters = (part.strip().lower() for part in element.split(";"))
        values = dict(parameter.partition("=")[::2] for parameter in parameters)
        if values.get("charset", "utf-8").strip('"') in _CHARSET:
            yield name, _weight(values.get("q", "1"))


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
