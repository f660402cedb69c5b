"""The keys of a large run's own table: made several at a time, before anybody sees it, whatever fails in between."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from customers.errors import CadastraError
from sql import partitions
from sql.erasure import Person, erase
from sql.lock import hold
from sql.store import Store, open_store
from tests.functional.test_store import IDENTIFICATIONS, VERSION, begun, documents, publish

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 30
WHOLES = {
    *("documents_pkey", "documents_customer_id", "documents_tax_id"),
    *("customer_states_pkey", "customer_states_tax_id", "fingerprints_pkey"),
}
# Each key of a partition with that of the whole that took it for its own.
KEYS = """
    SELECT i.indisprimary AS is_primary, i.indisvalid AS valid, h.inhparent::regclass::text AS whole
    FROM pg_index AS i LEFT JOIN pg_inherits AS h ON h.inhrelid = i.indexrelid
    JOIN pg_class AS c ON c.oid = i.indrelid
    WHERE c.relispartition AND c.relname ~ '_[0-9]+$' AND NOT 'autovacuum_enabled=false' = ANY (c.reloptions)
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
    names = [f"id-{number}-{row}" for row in range(ROWS)]
    texts = {"kind": "F", "availability": "AVAILABLE", "since": "2026-11-01T00:00:00Z", "excluded": ""}
    others = pa.table({name: pa.repeat(value, ROWS) for name, value in texts.items()})
    states = others.drop("excluded").append_column("person_id", pa.array(names))
    marks = others.select(["excluded", "availability"]).append_column("core_key", pa.array(names))
    rows = {
        "documents": documents(dict.fromkeys(names, "1")),
        "customer_states": states.append_column("tax_id", pa.array(names)),
        "fingerprints": marks.append_column("fingerprint", pa.array(range(ROWS), pa.int64())),
    }
    assert store.write_bucket(run_seq, 0, rows, "{}")
    return run_seq


def check(store: Store, runs: int) -> None:
    keys = store.query(KEYS)
    assert len(keys) == len(WHOLES) * runs
    assert {key["whole"] for key in keys} == WHOLES
    assert all(key["valid"] for key in keys)
    assert all(key["is_primary"] == str(key["whole"]).endswith("_pkey") for key in keys)
    assert store.served(IDENTIFICATIONS, VERSION).num_rows == ROWS * runs
    assert store.customer_states().num_rows == ROWS * runs
    assert sum(part.num_rows for part in store.each_fingerprint()) == ROWS * runs
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


def test_what_was_loaded_is_not_written_again_by_a_vacuum(store: Store) -> None:
    publish(store, written(store, 1), 1)
    settled = store.query("SELECT DISTINCT reloptions FROM pg_class WHERE relispartition AND relname ~ '_1$'")
    assert settled == [{"reloptions": ["autovacuum_vacuum_insert_threshold=-1"]}]


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


def test_a_signal_ends_what_is_under_way(store: Store, postgres_database: str) -> None:
    run_seq = written(store, 1)
    with psycopg.connect(postgres_database) as other:
        other.execute("LOCK TABLE serving.documents_1 IN ROW EXCLUSIVE MODE")  # no key of it can be made
        before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
        alarm = threading.Timer(1, os.kill, (os.getpid(), signal.SIGUSR1))
        alarm.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                publish(store, run_seq, 1)
        finally:
            alarm.join()
            signal.signal(signal.SIGUSR1, before)
        busy = "SELECT query FROM pg_stat_activity WHERE query LIKE 'CREATE %' AND state = 'active'"
        assert other.execute(busy).fetchall() == []
    publish(store, run_seq, 1)
    check(store, 1)


def test_of_a_run_that_is_given_up_no_key_stays(store: Store) -> None:
    run_seq = written(store, 1)
    with store.engine.begin() as connection:
        keys = partitions.keys(connection, run_seq)
        for key in keys[::2]:
            partitions.make_key(connection, key)
    store.finish_run(run_seq, "failed", "2026-11-01T02:00:00Z", {})
    assert (
        store.query("SELECT relname FROM pg_class WHERE relname ~ '_1(_.*)?$' AND relkind IN ('r', 'i')")
        == []
    )
    assert len(keys) == len(WHOLES)


def test_a_key_that_a_row_breaks_is_told_without_the_row(store: Store) -> None:
    run_seq = begun(store, 1)
    marks = {"core_key": ["core-ana"] * ROWS, "excluded": [""] * ROWS, "availability": ["AVAILABLE"] * ROWS}
    rows = pa.table({**marks, "fingerprint": pa.array(range(ROWS), pa.int64())})
    store.write_bucket(run_seq, 0, {"fingerprints": rows}, "{}")
    with pytest.raises(CadastraError, match="table fingerprints refuses the rows: UniqueViolation") as caught:
        publish(store, run_seq, 1)
    assert "core-ana" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_erasure_reaches_what_a_held_run_wrote_of_a_person(store: Store) -> None:
    run_seq = written(store, 1)
    store.finish_run(run_seq, "held", "2026-11-01T02:00:00Z", {})
    person = Person("a tombstone", "id-1-7", ["id-1-7"])
    with hold(store, "erasure"):
        gone = erase(store, person).rows
    assert (gone["customer_states"], gone["fingerprints"]) == (1, 1)
    publish(store, run_seq, 1)
    assert store.query("SELECT person_id FROM customers WHERE tax_id = 'id-1-7'") == []
    assert store.customer_states().num_rows == ROWS - 1


def test_what_little_a_run_brings_goes_to_the_shared_partitions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_OWN_ROWS", ROWS + 1)
    publish(store, written(store, 1), 1)
    assert store.query(KEYS) == []
    for whole in partitions.PARTITIONED:
        assert store.query(f"SELECT COUNT(*) AS n FROM {partitions.shared(whole)}") == [{"n": ROWS}]
