"""Read the documents of random customers over and over, as the API's process would, and tell what was torn.

``python -m tests.reliability.reader URL READS CORE_KEYS SEED`` reads until its standard input closes and at least READS
times, and prints one line of JSON: how many reads, of how many publications, and what was wrong with any of them.
"""

from __future__ import annotations

import json
import random
import select
import sqlite3
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_VIEWS = {
    "F": ("personal_identifications", "personal_qualifications", "personal_financial_relations"),
    "J": ("business_identifications", "business_qualifications", "business_financial_relations"),
}
# Between two looks: readers that never rest leave the publishers no processor.
_REST_SECONDS = 0.004
# What one look at a customer sees: a row for each document, (structure, run_id, document).
Seen = list[tuple[str, str, str]]


def query(structure: str, mark: str) -> str:
    """Return the look at one document."""
    return f"SELECT '{structure}', run_id, document FROM {structure} WHERE core_key = {mark}"


class Reader:
    """One connection, and the three ways to look at a customer."""

    def __init__(self, url: str) -> None:
        self._postgres = url.startswith("postgresql")
        self._mark = "%s" if self._postgres else "?"
        self._connection: Any = (
            psycopg.connect(url, autocommit=True)
            if self._postgres
            else sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
        )

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read everything inside as of one moment."""
        self._connection.execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if self._postgres else "BEGIN"
        )
        yield
        self._connection.execute("COMMIT")

    def in_one_statement(self, key: str) -> Seen:
        """Read all documents at once."""
        views = _VIEWS[key[0]]
        statement = " UNION ALL ".join(query(view, self._mark) for view in views)
        return list(self._connection.execute(statement, (key,) * len(views)))

    def in_one_transaction(self, key: str) -> Seen:
        """Read one document after the other, as of one moment."""
        with self.snapshot():
            return [row for view in _VIEWS[key[0]] for row in self.alone(view, key)]

    def alone(self, view: str, key: str) -> Seen:
        """Read one document."""
        return list(self._connection.execute(query(view, self._mark), (key,)))


def wrong(seen: Seen, documents: int) -> str | None:
    """Say what is torn in one look: a document is missing or there twice, or is of another run than its siblings."""
    if len(seen) < documents:
        return "vanished"
    if len(seen) > documents:
        return "twice"
    return "mixed" if len({run_id for _, run_id, _ in seen}) > 1 else None


def look(reader: Reader, key: str, drawn: random.Random) -> tuple[Seen, str | None]:
    """Look at one customer in a way that is drawn."""
    ways: list[Callable[[str], Seen]] = [reader.in_one_statement, reader.in_one_transaction]
    if drawn.random() < 0.3:
        seen = reader.alone(drawn.choice(_VIEWS[key[0]]), key)
        return seen, wrong(seen, 1)
    seen = drawn.choice(ways)(key)
    return seen, wrong(seen, 3)


def main(url: str, reads: str, keys: str, seed: str) -> None:
    """Read until told to stop."""
    reader, drawn, names = Reader(url), random.Random(seed), keys.split(",")
    count, runs, problems = 0, set(), []
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while count < int(reads) or not select.select([sys.stdin], [], [], 0)[0]:
        key = drawn.choice(names)
        seen, problem = look(reader, key, drawn)
        time.sleep(_REST_SECONDS)
        count += 1
        runs |= {run_id for _, run_id, _ in seen}
        if problem:
            problems.append(f"{problem}: {key}, {[(view, run_id) for view, run_id, _ in seen]}")
    sys.stdout.write(json.dumps({"reads": count, "runs": sorted(runs), "problems": problems[:5]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
