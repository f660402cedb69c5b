"""The Customers API's reader of an SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from customers.consents import Consent
    from sql.reading import Consented

_BUSY_SECONDS = 2
# How many steps of SQLite's machine lie between two looks at the clock: some tenths of a millisecond.
_STEPS = 20_000
_CONSENT = f"SELECT {CONSENT_COLUMNS} FROM consents WHERE consent_id = ?"  # noqa: S608 - our own names
# What nearly everybody asks; no row where a person has no document, whatever the availability. In no order: for one
# SQLite would copy whatever the view has into a sorter, which costs it as much as finding the rows.
_FIRST = """
    SELECT (SELECT availability FROM customers WHERE tax_id = ?1 AND kind = ?2),
           CAST(document AS BLOB), stale_since IS NOT NULL, core_key
    FROM served
    WHERE tax_id = ?1 AND structure = ?3 AND version = ?4
    LIMIT ?5
"""
# Conditions on constants reach the index through the views, a join's would not.
_PERSON = """
    SELECT c.availability, CAST(d.document AS BLOB), d.stale_since IS NOT NULL, {total}
    FROM (SELECT availability FROM customers WHERE tax_id = ?1 AND kind = ?2) AS c
    LEFT JOIN (SELECT core_key, document, stale_since FROM served
               WHERE tax_id = ?1 AND structure = ?3 AND version = ?4
               ORDER BY core_key LIMIT ?5 OFFSET ?6) AS d ON 1 = 1
    ORDER BY d.core_key
"""
_PLAIN = _PERSON.format(total="NULL")
_COUNTED = _PERSON.format(
    total="(SELECT COUNT(*) FROM served WHERE tax_id = ?1 AND structure = ?3 AND version = ?4)"
)


class SqliteReader:
    """Read an SQLite file on one connection that cannot write, in the caller's own thread.

    What is asked in one turn of the event loop is answered at its end: from one transaction, and one question right
    after the other, while the processor's caches hold SQLite's code and not the server's.
    """

    def __init__(self, file: str, version: str, seconds: float) -> None:
        self._file, self._version, self._seconds = file, version, seconds
        self._connection: sqlite3.Connection | None = None
        self._deadline = 0.0
        self._waiting: list[tuple[asyncio.Future[Consented], tuple[str, str, int]]] = []

    async def open(self) -> None:
        """Do nothing: the first question connects, and so does the first after a failure."""

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def consent(self, consent_id: str) -> Consent | None:
        """Return a consent, or None where there is none."""
        return self._consent(consent_id)

    async def consented(self, structure: str, consent_id: str, most: int) -> Consented:
        """Return a consent, and the documents of its person, if at most so many."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        future: asyncio.Future[Consented] = loop.create_future()
        self._waiting.append((future, (structure, consent_id, most)))
        return await future

    async def person(self, structure: str, question: Question, *, counted: bool) -> Person:
        """Return a page of a person's documents, with their total if asked."""
        return self._person(structure, question, counted=counted)

    async def last_published(self) -> str | None:
        """Return when a run was last published (UTC text), or None where none was."""
        moment = self._rows(LAST_PUBLISHED, ())[0][0]
        return None if moment is None else str(moment)

    def _answer(self) -> None:
        """Answer what waits; who has given up meanwhile is passed over."""
        waiting, self._waiting = self._waiting, []
        for future, (structure, consent_id, most) in waiting:
            if future.done():
                continue
            try:
                if self._connection is None or not self._connection.in_transaction:
                    self._rows("BEGIN", ())
                consent = self._consent(consent_id)
                person = NOBODY if consent is None else self._all_of(structure, consent, most)
                future.set_result((consent, person))
            except Exception as problem:  # noqa: BLE001 - whatever it is, who asked would wait for ever
                future.set_exception(problem)
        self._end()

    def _consent(self, consent_id: str) -> Consent | None:
        rows = self._rows(_CONSENT, (consent_id,))
        return consent_of(rows[0]) if rows else None

    def _all_of(self, structure: str, consent: Consent, most: int) -> Person | None:
        rows = self._rows(_FIRST, (consent.tax_id, consent.kind, structure, self._version, most + 1))
        if not rows:
            return self._person(structure, Question(consent.tax_id, consent.kind, 0), counted=False)
        if rows[0][0] is None:
            return NOBODY
        if len(rows) > most:
            return None
        rows.sort(key=itemgetter(3))
        return Person(rows[0][0], [Document(content, stale == 1) for _, content, stale, _ in rows], None)

    def _person(self, structure: str, question: Question, *, counted: bool) -> Person:
        tax_id, kind, size, skip = question
        values = (tax_id, kind, structure, self._version, size, skip)
        rows = self._rows(_COUNTED if counted else _PLAIN, values)
        if not rows:
            return NOBODY
        documents = [Document(content, stale == 1) for _, content, stale, _ in rows if content is not None]
        return Person(rows[0][0], documents, rows[0][3])

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        self._deadline = time.monotonic() + self._seconds
        try:
            connection = self._connection or self._connect()
            return connection.execute(statement, values).fetchall()
        except sqlite3.Error as problem:
            self._drop()
            message = f"SQLite: {getattr(problem, 'sqlite_errorname', type(problem).__name__)}"
            raise DatabaseUnavailable(message) from None

    def _end(self) -> None:
        if self._connection is None or not self._connection.in_transaction:
            return  # nobody waited, or nothing could be read
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._drop()

    def _connect(self) -> sqlite3.Connection:
        address = f"{Path(self._file).absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        for pragma in ("query_only = ON", "cache_size = -65536"):
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(self._late, _STEPS)
        self._connection = connection
        return connection

    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
