"""What the Customers API reads: consents, and the documents of a person. Nothing here can write.

Every answer comes from one statement, so that it is of one batch even while another one is published. SQLite is
read where the caller stands: a look-up takes less time than handing it to a thread. PostgreSQL is asked
without waiting for it; see ``sql.reading_postgres``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from customers.consents import Consent

if TYPE_CHECKING:
    from collections.abc import Sequence

CONSENT_COLUMNS = "consent_id, tax_id, kind, status, permissions, joint_approval, expires_at"
LAST_PUBLISHED = "SELECT MAX(published_at) FROM publications"


class DatabaseUnavailable(Exception):
    """Say that the serving database does not answer, or not in time; the message names no value."""


class Question(NamedTuple):
    """Ask for the documents of a person in one structure: ``size`` of them in order of core key, after ``skip``."""

    tax_id: str
    kind: str
    size: int
    skip: int = 0


class Document(NamedTuple):
    """One document being served, as the bytes stored; stale where a newer one is refused."""

    content: bytes
    stale: bool


class Person(NamedTuple):
    """What the serving database says of a person; ``availability`` is None where it knows nobody.

    ``total`` counts the person's documents whatever the page; None where that was not asked.
    """

    availability: str | None
    documents: list[Document]
    total: int | None

    def __repr__(self) -> str:
        """Leave out the documents."""
        return f"Person(availability={self.availability!r}, total={self.total!r})"


NOBODY = Person(None, [], 0)
# A consent and whose it is: nobody's where there is no consent; None for a person of more documents than asked for.
Consented = tuple[Consent | None, Person | None]


class Reader(Protocol):
    """Read a serving database. Every method raises DatabaseUnavailable where it does not answer."""

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""

    async def close(self) -> None:
        """Close every connection."""

    async def consent(self, consent_id: str) -> Consent | None:
        """Return a consent, or None where there is none."""

    async def consented(self, structure: str, consent_id: str, most: int) -> Consented:
        """Return a consent, and the documents of its person, if at most so many: ``person`` gives more in pages."""

    async def person(self, structure: str, question: Question, *, counted: bool) -> Person:
        """Return a page of a person's documents, with their total if asked."""

    async def last_published(self) -> str | None:
        """Return when a run was last published (UTC text), or None where none was."""


def consent_of(row: Sequence[Any]) -> Consent:
    """Make a consent of a row with the columns ``CONSENT_COLUMNS``."""
    consent_id, tax_id, kind, status, permissions, joint_approval, expires_at = row
    return Consent(consent_id, tax_id, kind, status, _names_in(permissions), joint_approval, expires_at)


@lru_cache(256)
def _names_in(permissions: str) -> frozenset[str]:
    return frozenset(permissions.split())


def open_reader(url: str, version: str, *, seconds: float, connections: int) -> Reader:
    """Make a reader of documents of one version of the API; it connects in ``open``.

    ``seconds`` is the longest that one statement may take, ``connections`` the most on PostgreSQL. Raise
    UnreadableInput where the URL cannot be used.
    """
    from sql.engine import target_of  # noqa: PLC0415 - SQLAlchemy, only for its reading of URLs
    from sql.reading_postgres import PostgresReader  # noqa: PLC0415
    from sql.reading_sqlite import SqliteReader  # noqa: PLC0415

    target = target_of(url)
    if target.drivername.startswith("sqlite"):
        return SqliteReader(target.database or "", version, seconds)
    plain = target.set(drivername="postgresql").render_as_string(hide_password=False)
    return PostgresReader(plain, version, seconds, connections)
