"""The Customers API's reader of PostgreSQL: a small pool, and one statement for many requests at once.

A statement costs this process several times what reading a row does, so that requests which arrive while a
statement is under way are asked together in the next one.
"""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from sql.batches import Batches
from sql.engine import SEARCH_PATH
from sql.reading import (
    CONSENT_COLUMNS,
    LAST_PUBLISHED,
    NOBODY,
    DatabaseUnavailable,
    Document,
    Person,
    Question,
    consent_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from customers.consents import Consent
    from sql.reading import Consented

# Plans are made once per connection, so a connection ends before its plans are too old for a grown database.
_LIFETIME_SECONDS = 300
# Then the next request begins anew, where a longer pause would outlast the failure.
_RECONNECT_SECONDS = 2
_PROBES = 2
_QUERY_CANCELLED = "57014"
_COLUMNS = ", ".join(f"n.{name.strip()}" for name in CONSENT_COLUMNS.split(","))
# Lists go as one text with a line for each element, which holds no line break: psycopg takes long over lists.
_TEXTS = "string_to_array(%s, chr(10))"
# LATERAL with a fence makes it one look-up by index per element, whatever the planner thinks of the array's length.
_CONSENTS = """
    SELECT {columns}
    FROM unnest({texts}) AS k (consent_id)
    CROSS JOIN LATERAL (SELECT * FROM consents AS o WHERE o.consent_id = k.consent_id OFFSET 0) AS n
"""
_PERSONS = """
    SELECT k.place, c.availability, {total}, d.document, d.stale_since IS NOT NULL
    FROM unnest({texts}, {texts}, {texts}, {texts}::bigint[], {texts}::bigint[])
         WITH ORDINALITY AS k (structure, tax_id, kind, size, skip, place)
    CROSS JOIN LATERAL (SELECT availability FROM customers AS o
                        WHERE o.tax_id = k.tax_id AND o.kind = k.kind OFFSET 0) AS c
    LEFT JOIN LATERAL (SELECT o.core_key, o.document, o.stale_since FROM served AS o
                       WHERE o.tax_id = k.tax_id AND o.structure = k.structure AND o.version = {version}
                       ORDER BY o.core_key COLLATE "C" LIMIT k.size OFFSET k.skip) AS d ON true
    ORDER BY k.place, d.core_key COLLATE "C"
"""
_TOTAL = """(SELECT COUNT(*) FROM served AS o
             WHERE o.tax_id = k.tax_id AND o.structure = k.structure AND o.version = {version})"""
# In no order: sorting one row or two is dearer for PostgreSQL than for who asks.
_CONSENTED = """
    SELECT k.place, d.core_key, c.availability, d.document, d.stale_since IS NOT NULL, {columns}
    FROM unnest({texts}, {texts}, {texts}::bigint[]) WITH ORDINALITY AS k (structure, consent_id, most, place)
    CROSS JOIN LATERAL (SELECT * FROM consents AS o WHERE o.consent_id = k.consent_id OFFSET 0) AS n
    LEFT JOIN LATERAL (SELECT availability FROM customers AS o
                       WHERE o.tax_id = n.tax_id AND o.kind = n.kind OFFSET 0) AS c ON true
    LEFT JOIN LATERAL (SELECT o.core_key, o.document, o.stale_since FROM served AS o
                       WHERE o.tax_id = n.tax_id AND o.structure = k.structure AND o.version = {version}
                       LIMIT k.most + 1) AS d ON c.availability IS NOT NULL
"""


class PostgresReader:
    """Read PostgreSQL on a pool of connections that cannot write."""

    def __init__(self, url: str, version: str, seconds: float, connections: int) -> None:
        self._seconds = seconds
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=seconds,
            max_lifetime=_LIFETIME_SECONDS,
            reconnect_timeout=_RECONNECT_SECONDS,
            kwargs={"autocommit": True, "prepare_threshold": 0, "connect_timeout": max(2, round(seconds))},
            configure=self._configure,
        )
        words = {"version": f"'{version}'", "texts": _TEXTS, "columns": _COLUMNS}
        self._statement = _CONSENTED.format(**words)
        self._consents = Batches(self._ask_consents)
        self._consented = Batches(self._ask_consented)
        plain = _PERSONS.format(total="NULL", **words)
        counted = _PERSONS.format(total=_TOTAL.format(**words), **words)
        self._plain = Batches(partial(self._ask_persons, plain))
        self._counted = Batches(partial(self._ask_persons, counted))

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def consent(self, consent_id: str) -> Consent | None:
        """Return a consent, or None where there is none."""
        return await self._consents.ask(consent_id)

    async def consented(self, structure: str, consent_id: str, most: int) -> Consented:
        """Return a consent, and the documents of its person, if at most so many."""
        return await self._consented.ask((structure, consent_id, most))

    async def person(self, structure: str, question: Question, *, counted: bool) -> Person:
        """Return a page of a person's documents, with their total if asked."""
        return await (self._counted if counted else self._plain).ask((structure, *question))

    async def last_published(self) -> str | None:
        """Return when a run was last published (UTC text), or None where none was."""
        rows = await self._rows(LAST_PUBLISHED, ())
        return None if rows[0][0] is None else str(rows[0][0])

    async def _ask_consents(self, ids: list[str]) -> list[Consent | None]:
        rows = await self._rows(_CONSENTS.format(columns=_COLUMNS, texts=_TEXTS), _joined([ids]))
        found = {row[0]: consent_of(row) for row in rows}
        return [found.get(consent_id) for consent_id in ids]

    async def _ask_persons(self, statement: str, questions: list[tuple[str | int, ...]]) -> list[Person]:
        rows = await self._rows(statement, _joined(zip(*questions, strict=True)))
        return _people(rows, len(questions))

    async def _ask_consented(self, questions: list[tuple[str, str, int]]) -> list[Consented]:
        found: list[list[Any]] = [[] for _ in questions]
        for row in await self._rows(self._statement, _joined(zip(*questions, strict=True))):
            found[row[0] - 1].append(row)
        return [_holder(rows, most) for rows, (_, _, most) in zip(found, questions, strict=True)]

    async def _rows(self, statement: str, values: Sequence[object]) -> list[Any]:
        """Run a statement; where a connection turns out to be dead, look through the pool and run it once more."""
        for probe in range(_PROBES):
            try:
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(statement, values)
                    return await cursor.fetchall()
            except PoolTimeout:
                message = "PostgreSQL: no connection in time"
                raise DatabaseUnavailable(message) from None
            except psycopg.Error as problem:
                dead = isinstance(problem, psycopg.OperationalError) and problem.sqlstate != _QUERY_CANCELLED
                if not dead or probe == _PROBES - 1:
                    message = f"PostgreSQL: {type(problem).__name__} {problem.sqlstate or ''}".rstrip()
                    raise DatabaseUnavailable(message) from None
                await self._pool.check()
        raise AssertionError

    async def _configure(self, connection: psycopg.AsyncConnection[Any]) -> None:
        milliseconds = round(self._seconds * 1000)
        await connection.execute(
            f"SET search_path = {SEARCH_PATH}; SET plan_cache_mode = force_generic_plan;"
            f" SET jit = off; SET statement_timeout = {milliseconds}; SET default_transaction_read_only = on",
            prepare=False,
        )


def _joined(columns: Iterable[Iterable[object]]) -> list[str]:
    return ["\n".join(map(str, column)) for column in columns]


def _people(rows: list[Any], count: int) -> list[Person]:
    """Gather rows of (place, availability, total, document, stale) into one person per place."""
    people = [NOBODY] * count
    for place, availability, total, document, stale, *_ in rows:
        if people[place - 1] is NOBODY and availability is not None:
            people[place - 1] = Person(availability, [], total)
        if document is not None:
            people[place - 1].documents.append(Document(document.encode(), stale))
    return people


def _holder(rows: list[Any], most: int) -> Consented:
    """Return the consent and the person of rows of (place, core key, availability, document, stale, consent)."""
    if not rows:
        return None, NOBODY
    _, core_key, availability, _, _, *consent = rows[0]
    if availability is None:
        return consent_of(consent), NOBODY
    if len(rows) > most:
        return consent_of(consent), None
    rows.sort(key=itemgetter(1))
    documents = [] if core_key is None else [Document(row[3].encode(), row[4]) for row in rows]
    return consent_of(consent), Person(availability, documents, None)
