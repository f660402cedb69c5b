"""Pages of the identifications: their parameters and their links."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from api.exchange import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, LAST = 1, 2_147_483_647
DEFAULT_SIZE, LARGEST_SIZE = 25, 1000
LONGEST_KEY = 2048
LONGEST_LINK = 2000
_NUMBER = re.compile(r"[0-9]{1,10}")
_MOST_PARAMETERS = 50


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for; ``query`` holds the parameters as they came, for the link to itself."""

    number: int = FIRST
    size: int = DEFAULT_SIZE
    key: str | None = None
    query: tuple[tuple[str, str], ...] = ()

    @property
    def skip(self) -> int:
        """Count the records before this page."""
        return (self.number - 1) * self.size


DEFAULT = Page()


def page_of(query: bytes) -> Page:
    """Read the parameters of a list; refuse a number that is none or out of its range, and one given twice.

    >>> page_of(b"page=2&page-size=1&other=x")
    Page(number=2, size=1, key=None, query=(('page', '2'), ('page-size', '1')))
    """
    if not query:
        return DEFAULT
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Refused("invalid-parameter", "query") from None
    known = tuple(pair for pair in pairs if pair[0] in {"page", "page-size", "pagination-key"})
    values = dict(known)
    if len(values) != len(known):
        raise Refused("invalid-parameter", "query")
    key = values.get("pagination-key")
    if key is not None and len(key) > LONGEST_KEY:
        raise Refused("invalid-parameter", "pagination-key")
    return Page(
        _number(values, "page", FIRST, LAST),
        _number(values, "page-size", DEFAULT_SIZE, LARGEST_SIZE),
        key,
        known,
    )


def _number(values: dict[str, str], name: str, default: int, largest: int) -> int:
    text = values.get(name)
    if text is None:
        return default
    number = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= number <= largest:
        raise Refused("invalid-parameter", name)
    return number


def links(address: str, page: Page = DEFAULT, total: int = 1) -> bytes:
    """Return the links of a page as JSON: itself, and those of first, prev, next and last that there are."""
    found = {"self": _link(address, page.query)}
    last = max(FIRST, -(-total // page.size))
    others = dict(_others(page, last))
    key = str(uuid4()) if page.key is None and others else page.key or ""
    for name, number in others.items():
        query = (("page", str(number)), ("page-size", str(page.size)), ("pagination-key", key))
        found[name] = _link(address, query)
    return json.dumps(found, separators=(",", ":")).encode()


def _others(page: Page, last: int) -> Iterator[tuple[str, int]]:
    if page.number > FIRST:
        yield "first", FIRST
        yield "prev", page.number - 1
    if page.number < last:
        yield "next", page.number + 1
        yield "last", last


def _link(address: str, query: tuple[tuple[str, str], ...]) -> str:
    """Write one link, without the pagination key where it would make the link longer than links may be."""
    text = f"{address}?{urlencode(query, encoding='utf-8', errors='replace')}" if query else address
    if len(text) > LONGEST_LINK:
        return _link(address, tuple(pair for pair in query if pair[0] != "pagination-key"))
    return text
