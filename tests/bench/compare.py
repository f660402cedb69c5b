"""Whether two databases serve the same documents: one canonical hash per structure, and what differs where it does."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from customers.structures import STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Served:
    """What a database serves of one structure: how many documents, and one hash over all of them."""

    documents: int
    digest: str


def rows(url: str, query: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a query."""
    if url.startswith(_SQLITE):
        connection = sqlite3.connect(url.removeprefix(_SQLITE))
        try:
            yield from connection.execute(query)
        finally:
            connection.close()
        return
    with psycopg.connect(url, options="-c search_path=serving,public") as server:
        yield from server.cursor("bench").execute(query)


def queries(*, ours: bool) -> Iterator[tuple[str, str]]:
    """Yield for each structure the query for customer_id and document, in the product's views or a rival's table."""
    for structure in STRUCTURES:
        table = structure.name if ours else f"documents WHERE structure = '{structure.name}'"
        yield structure.name, f"SELECT customer_id, document FROM {table}"


def served(url: str, *, ours: bool) -> dict[str, Served]:
    """Hash what a database serves: each document with sorted keys, together with whom it is about."""
    return {name: _hashed(rows(url, query)) for name, query in queries(ours=ours)}


def _hashed(documents: Iterable[tuple[str, ...]]) -> Served:
    total, count = 0, 0
    for customer_id, text in documents:
        digest = hashlib.blake2b(f"{customer_id}\n{canonical(text)}".encode(), digest_size=16).digest()
        # Added up, so that the order in which they come does not matter and none has to be kept.
        total = (total + int.from_bytes(digest, "big")) % (1 << 128)
        count += 1
    return Served(count, f"{total:032x}")


def canonical(text: str) -> str:
    """Return a document's JSON with sorted keys."""
    return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def difference(ours: str, rival: str) -> dict[str, tuple[int, int, int]]:
    """Count for each structure the documents that only we serve, that only the rival serves, and that differ."""
    found = {}
    for (name, own), (_, other) in zip(queries(ours=True), queries(ours=False), strict=True):
        here = {key: canonical(text) for key, text in rows(ours, own)}
        there = {key: canonical(text) for key, text in rows(rival, other)}
        both = here.keys() & there.keys()
        unlike = sum(here[key] != there[key] for key in both)
        found[name] = (len(here.keys() - there.keys()), len(there.keys() - here.keys()), unlike)
    return found
