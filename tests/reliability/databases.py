"""Databases to be harmed: copied from one that was filled before, and looked at as anybody would."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from customers.structures import STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS = "customer_id, core_key, tax_id, document, content_hash, update_date_time, version"
SERVED = " UNION ALL ".join(
    f"SELECT '{structure.name}' AS structure, {_COLUMNS}, stale_since IS NOT NULL AS stale FROM {structure.name}"
    for structure in STRUCTURES
)


class Sqlite:
    """SQLite files in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fresh(self, template: str | None = None) -> str:
        """Make a new database, empty or a copy of another that nobody uses, and return its URL."""
        folder = self._folder / uuid4().hex
        folder.mkdir()
        if template is not None:
            shutil.copy(_file(template), folder / "cadastra.db")
        return f"sqlite:///{folder / 'cadastra.db'}"

    def rows(self, url: str, sql: str) -> list[dict[str, Any]]:
        """Ask a database, through a plain connection."""
        with closing(sqlite3.connect(_file(url), timeout=60)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql)]

    def drop(self, url: str) -> None:
        """Remove a database."""
        shutil.rmtree(_file(url).parent)


class Postgres:
    """Databases of one PostgreSQL server."""

    name = "postgres"

    def __init__(self, server: str) -> None:
        self._server = server

    def fresh(self, template: str | None = None) -> str:
        """Make a new database, empty or a copy of another that nobody uses, and return its URL."""
        name = f"cadastra_{uuid4().hex}"
        source = "template0" if template is None else urlsplit(template).path.lstrip("/")
        statement = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(source))
        with psycopg.connect(self._server, autocommit=True) as server:
            server.execute(statement)
            if template is not None:
                path = SQL("ALTER DATABASE {} SET search_path = serving, quality, control, public")
                server.execute(path.format(Identifier(name)))
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    def rows(self, url: str, sql: str) -> list[dict[str, Any]]:
        """Ask a database, through a plain connection."""
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(sql.encode()).fetchall()

    def drop(self, url: str) -> None:
        """Remove a database, whoever still uses it."""
        with psycopg.connect(self._server, autocommit=True) as server:
            name = Identifier(urlsplit(url).path.lstrip("/"))
            server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


Databases = Sqlite | Postgres


def fingerprint(databases: Databases, url: str, *, gone: bool = True) -> str:
    """Hash everything being served: documents, whether they are stale, and who is available.

    ``gone``: and who is not any more.
    """
    documents = databases.rows(url, SERVED)
    keys = [(row["structure"], row["version"], row["customer_id"]) for row in documents]
    assert len(set(keys)) == len(keys), "a document is served twice"
    people = databases.rows(url, "SELECT person_id, tax_id, kind, availability FROM customers")
    assert len({row["person_id"] for row in people}) == len(people), "a person is there twice"
    people = [row for row in people if gone or row["availability"] != "UNAVAILABLE"]
    for row in documents:
        row["stale"] = bool(row["stale"])
    lines = sorted(json.dumps(row, sort_keys=True) for row in (*documents, *people))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def assert_sound(databases: Databases, url: str, *, at_rest: bool = True) -> None:
    """Hold the store to what must be so at any moment; ``at_rest``: after a run that ended by itself."""
    rows = databases.rows
    assert _pairs(rows(url, "SELECT run_seq, run_id FROM publications")) == _pairs(
        rows(url, "SELECT run_seq, run_id FROM runs WHERE state IN ('published', 'rolled_back')")
    )
    twice = "SELECT 1 AS one FROM documents GROUP BY structure, version, customer_id, content_hash, tax_id HAVING count(*) > 1"
    counts = rows(url, "SELECT c.* FROM run_counts AS c JOIN publications AS p ON p.run_id = c.run_id")
    told = (
        "published_new",
        "published_changed",
        "unchanged",
        "rejected_stale",
        "rejected_unserved",
        "excluded",
    )
    for count in counts:
        assert count["read"] == sum(count[name] for name in told)
    if at_rest:
        assert not rows(url, "SELECT run_id FROM runs WHERE state = 'running'")
        assert not rows(url, "SELECT run_id FROM run_lock")
        assert not rows(
            url, "SELECT run_seq FROM documents WHERE run_seq NOT IN (SELECT run_seq FROM publications)"
        )
        assert not rows(url, twice)


def publications_that_changed(databases: Databases, url: str, batch: str) -> list[str]:
    """Return the runs of a batch that were published and changed what is served: never more than one."""
    sql = f"""
        SELECT r.run_id FROM runs AS r
        WHERE r.state = 'published' AND r.business_date = '{batch}' AND EXISTS (
            SELECT 1 FROM run_counts AS c
            WHERE c.run_id = r.run_id AND c.published_new + c.published_changed + c.withdrawn > 0)
    """
    return [row["run_id"] for row in databases.rows(url, sql)]


def _pairs(rows: Sequence[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {tuple(row.values()) for row in rows}


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
