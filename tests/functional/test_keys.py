"""The keys of a large run's own table: made several at a time, before anybody sees it, whatever fails in between."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from sql import partitions
from sql.store import Store, open_store
from tests.functional.test_store import IDENTIFICATIONS, VERSION, begun, documents, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 30
WHOLES = {"documents_pkey", *(f"documents_{name}" for name in ("customer_id", "core_key", "tax_id"))}
# Each key of a partition with that of the whole that took it for its own.
KEYS = """
    SELECT i.indrelid::regclass::text AS part, i.indisprimary AS is_primary, i.indisvalid AS valid,
           pg_get_indexdef(i.indexrelid) AS said, h.inhparent::regclass::text AS whole
    FROM pg_index AS i LEFT JOIN pg_inherits AS h ON h.inhrelid = i.indexrelid
    WHERE i.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'serving.documents'::regclass)
      AND i.indrelid <> 'serving.documents_shared'::regclass
"""


@pytest.fixture
def store(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Open a store in which every run is a large one."""
    monkeypatch.setattr(partitions, "_OWN_ROWS", ROWS)
    monkeypatch.setattr(partitions, "_OWN_SHARE", 0)
    with open_store(postgres_database) as opened:
        yield opened


def written(store: Store, number: int) -> int:
    run_seq = begun(store, 1, f"run-{number}")
    store.write_documents(run_seq, documents({f"id-{number}-{row}": "1" for row in range(ROWS)}))
    return run_seq


def check(store: Store, runs: int) -> None:
    keys = store.query(KEYS)
    assert len(keys) == len(WHOLES) * runs
    assert {key["whole"] for key in keys} == WHOLES
    assert all(key["valid"] for key in keys)
    assert all(key["is_primary"] == (key["whole"] == "documents_pkey") for key in keys)
    assert store.served(IDENTIFICATIONS, VERSION).num_rows == ROWS * runs
    assert store.query("SELECT COUNT(*) AS n FROM freshness WHERE documents = 30") == [{"n": runs}]


@contextmanager
def lost_at(store: Store, url: str, place: int) -> Iterator[list[str]]:
    """End the session that makes the statement of a number; yield what was stated so far."""
    stated: list[str] = []
    turn = threading.Lock()

    def note(_connection: Any, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 (psycopg's own)
        with turn:
            stated.append(statement)
            if len(stated) == place:
                end(url, cursor.connection.info.backend_pid)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield stated
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def end(url: str, session: int) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (session,))


def test_the_keys_are_those_of_the_whole(store: Store) -> None:
    for number in (1, 2):
        publish(store, written(store, number), 1)
    check(store, 2)


def test_whatever_session_is_lost_the_publication_goes_on(store: Store, postgres_database: str) -> None:
    failures, runs = 0, 0
    for place in count(2, 3):
        runs += 1
        run_seq = written(store, place)
        with lost_at(store, postgres_database, place) as stated:
            try:
                publish(store, run_seq, 1)
            except DBAPIError:
                failures += 1
            if len(stated) < place:
                break
        if store.state_of(f"run-{place}") != "published":
            publish(store, run_seq, 1)
    assert failures > len(WHOLES), "a publication makes more statements"
    check(store, runs)


def test_of_a_run_that_is_given_up_no_key_stays(store: Store) -> None:
    run_seq = written(store, 1)
    with store.engine.begin() as connection:
        keys = partitions.keys(connection, run_seq)
        for key in keys[:2]:
            partitions.make_key(connection, run_seq, key)
    store.finish_run(run_seq, "failed", "2026-11-01T02:00:00Z", {})
    assert store.query("SELECT relname FROM pg_class WHERE relname LIKE 'documents\\_1%'") == []
    assert len(keys) == 4
