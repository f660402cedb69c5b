"""The Customers API's reader of PostgreSQL: a small pool, and one statement for many requests at once.

A statement costs this process several times what reading a row does, so that requests which arrive while a
statement is under way are asked together in the next one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from customers.structures import STRUCTURES
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
_DOCUMENTS = """
    SELECT o.core_key, o.document, o.stale_since FROM {structure} AS o
    WHERE o.tax_id = n.tax_id AND o.version = {version}{condition}
    ORDER BY o.core_key COLLATE "C" LIMIT k.size
"""
_PERSONS = """
    SELECT k.place, c.availability, {total}, d.document, d.stale_since IS NOT NULL
    FROM unnest({texts}, {texts}, {texts}::bigint[], {texts}::bigint[])
         WITH ORDINALITY AS k (tax_id, kind, size, skip, place)
    CROSS JOIN LATERAL (SELECT availability FROM customers AS o
                        WHERE o.tax_id = k.tax_id AND o.kind = k.kind OFFSET 0) AS c
    LEFT JOIN LATERAL (SELECT o.core_key, o.document, o.stale_since FROM {structure} AS o
                       WHERE o.tax_id = k.tax_id AND o.version = {version}
                       ORDER BY o.core_key COLLATE "C" LIMIT k.size OFFSET k.skip) AS d ON true
    ORDER BY k.place, d.core_key COLLATE "C"
"""
_CONSENTED = """
    SELECT k.place, c.availability, NULL, d.document, d.stale_since IS NOT NULL, {columns}
    FROM unnest({texts}, {texts}, {texts}::bigint[]) WITH ORDINALITY AS k (structure, consent_id, size, place)
    CROSS JOIN LATERAL (SELECT * FROM consents AS o WHERE o.consent_id = k.consent_id OFFSET 0) AS n
    LEFT JOIN LATERAL (SELECT availability FROM customers AS o
                       WHERE o.tax_id = n.tax_id AND o.kind = n.kind OFFSET 0) AS c ON true
    LEFT JOIN LATERAL ({documents}) AS d ON c.availability IS NOT NULL
    ORDER BY k.place, d.core_key COLLATE "C"
"""
_TOTAL = "(SELECT COUNT(*) FROM {structure} AS o WHERE o.tax_id = k.tax_id AND o.version = {version})"


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
        names = [structure.name for structure in STRUCTURES]
        quoted = f"'{version}'"
        self._consents = Batches(self._ask_consents)
        self._consented = Batches(self._ask_consented)
        self._consented_in = {name: _consented([name], quoted) for name in names}
        self._consented_anywhere = _consented(names, quoted)
        self._persons: dict[tuple[str, bool], Batches[Question, Person]] = {}
        for name in names:
            total = _TOTAL.format(structure=name, version=quoted)
            plain = _PERSONS.format(structure=name, version=quoted, total="NULL", texts=_TEXTS)
            counted = _PERSONS.format(structure=name, version=quoted, total=total, texts=_TEXTS)
            self._persons[name, False] = Batches(partial(self._ask_persons, plain))
            self._persons[name, True] = Batches(partial(self._ask_persons, counted))

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def consent(self, consent_id: str) -> Consent | None:
        """Return a consent, or None where there is none."""
        return await self._consents.ask(consent_id)

    async def consented(self, structure: str, consent_id: str, size: int) -> tuple[Consent | None, Person]:
        """Return a consent, and the first documents of its person."""
        return await self._consented.ask((structure, consent_id, size))

    async def person(self, structure: str, question: Question, *, counted: bool) -> Person:
        """Return a page of a person's documents, with their total if asked."""
        return await self._persons[structure, counted].ask(question)

    async def last_published(self) -> str | None:
        """Return when a run was last published (UTC text), or None where none was."""
        rows = await self._rows(LAST_PUBLISHED, ())
        return None if rows[0][0] is None else str(rows[0][0])

    async def _ask_consents(self, ids: list[str]) -> list[Consent | None]:
        rows = await self._rows(_CONSENTS.format(columns=_COLUMNS, texts=_TEXTS), _joined([ids]))
        found = {row[0]: consent_of(row) for row in rows}
        return [found.get(consent_id) for consent_id in ids]

    async def _ask_persons(self, statement: str, questions: list[Question]) -> list[Person]:
        rows = await self._rows(statement, _joined(zip(*questions, strict=True)))
        return _people(rows, len(questions))

    async def _ask_consented(
        self, questions: list[tuple[str, str, int]]
    ) -> list[tuple[Consent | None, Person]]:
        asked = {structure for structure, _, _ in questions}
        statement = self._consented_in[asked.pop()] if len(asked) == 1 else self._consented_anywhere
        rows = await self._rows(statement, _joined(zip(*questions, strict=True)))
        consents: list[Consent | None] = [None] * len(questions)
        for row in rows:
            if consents[row[0] - 1] is None:
                consents[row[0] - 1] = consent_of(row[5:])
        return list(zip(consents, _people(rows, len(questions)), strict=True))

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


def _consented(structures: Sequence[str], version: str) -> str:
    """Return the statement for questions about these structures.

    One for all of them costs PostgreSQL twice what that for one does, and less than three of those.
    """
    one = len(structures) == 1
    documents = [
        _DOCUMENTS.format(
            structure=name, version=version, condition="" if one else f" AND k.structure = '{name}'"
        )
        for name in structures
    ]
    united = " UNION ALL ".join(f"({each})" for each in documents)
    return _CONSENTED.format(documents=united, columns=_COLUMNS, texts=_TEXTS)


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
