"""The Customers API's reader of PostgreSQL: a small pool, and one statement for many requests at once.

A statement costs this process several times what reading a row does, so that requests which arrive while a
statement is under way are asked together in the next one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from customers.structures import STRUCTURES
from sql.batches import Batches
from sql.engine import SEARCH_PATH
from sql.reading import (
    CONSENT_COLUMNS,
    LAST_PUBLISHED,
    DatabaseUnavailable,
    Document,
    Person,
    Question,
    consent_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customers.consents import Consent

# Plans are made once per connection, so a connection ends before its plans are too old for a grown database.
_LIFETIME_SECONDS = 300
# Then the next request begins anew, where a longer pause would outlast the failure.
_RECONNECT_SECONDS = 2
_PROBES = 2
_QUERY_CANCELLED = "57014"
# LATERAL with a fence makes it one look-up by index per element, whatever the planner thinks of the array's length.
_CONSENTS = f"""
    SELECT {", ".join(f"n.{name.strip()}" for name in CONSENT_COLUMNS.split(","))}
    FROM unnest(%s::text[]) AS k (consent_id)
    CROSS JOIN LATERAL (SELECT * FROM consents AS o WHERE o.consent_id = k.consent_id OFFSET 0) AS n
"""  # noqa: S608 - our own names
_PERSONS = """
    SELECT k.place, c.availability, d.document, d.stale_since IS NOT NULL, {total}
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])
         WITH ORDINALITY AS k (tax_id, kind, size, skip, place)
    CROSS JOIN LATERAL (SELECT availability FROM customers AS o
                        WHERE o.tax_id = k.tax_id AND o.kind = k.kind OFFSET 0) AS c
    LEFT JOIN LATERAL (SELECT o.core_key, o.document, o.stale_since FROM {structure} AS o
                       WHERE o.tax_id = k.tax_id AND o.version = {version}
                       ORDER BY o.core_key COLLATE "C" LIMIT k.size OFFSET k.skip) AS d ON true
    ORDER BY k.place, d.core_key COLLATE "C"
"""
_TOTAL = "(SELECT COUNT(*) FROM {structure} AS o WHERE o.tax_id = k.tax_id AND o.version = {version})"


class _Octets(Loader):
    """Give a text column as the bytes that came over the wire."""

    def load(self, data: Any) -> bytes:  # noqa: ANN401 - whatever buffer psycopg has
        """Return the bytes."""
        return bytes(data)


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
        self._consents = Batches(self._ask_consents)
        self._persons = {
            (structure.name, counted): Batches(
                partial(self._ask_persons, _persons(structure.name, version, counted))
            )
            for structure in STRUCTURES
            for counted in (False, True)
        }

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def consent(self, consent_id: str) -> Consent | None:
        """Return a consent, or None where there is none."""
        return await self._consents.ask(consent_id)

    async def person(self, structure: str, question: Question, *, counted: bool) -> Person:
        """Return a page of a person's documents, with their total if asked."""
        return await self._persons[structure, counted].ask(question)

    async def last_published(self) -> str | None:
        """Return when a run was last published (UTC text), or None where none was."""
        rows = await self._rows(LAST_PUBLISHED, ())
        return None if rows[0][0] is None else str(rows[0][0].decode())

    async def _ask_consents(self, ids: list[str]) -> list[Consent | None]:
        rows = await self._rows(_CONSENTS, (ids,))
        found = {row[0].decode(): consent_of(row) for row in rows}
        return [found.get(consent_id) for consent_id in ids]

    async def _ask_persons(self, statement: str, questions: list[Question]) -> list[Person]:
        rows = await self._rows(statement, [list(column) for column in zip(*questions, strict=True)])
        people = [Person(None, [], 0) for _ in questions]
        for place, availability, document, stale, total in rows:
            if people[place - 1].availability is None:
                people[place - 1] = Person(availability.decode(), [], total)
            if document is not None:
                people[place - 1].documents.append(Document(document, stale))
        return people

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
        connection.adapters.register_loader("text", _Octets)
        milliseconds = round(self._seconds * 1000)
        await connection.execute(
            f"SET search_path = {SEARCH_PATH}; SET plan_cache_mode = force_generic_plan;"
            f" SET statement_timeout = {milliseconds}; SET default_transaction_read_only = on"
        )


def _persons(structure: str, version: str, counted: bool) -> str:  # noqa: FBT001 - a key of the table of statements
    quoted = f"'{version}'"
    total = _TOTAL.format(structure=structure, version=quoted) if counted else "NULL"
    return _PERSONS.format(structure=structure, version=quoted, total=total)
