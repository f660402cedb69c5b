"""The serving database on SQLite and PostgreSQL: what readers see, and when."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from customers.errors import Busy, CadastraError, UnreadableInput
from customers.findings import FINDINGS_SCHEMA, RULE_RESULTS_SCHEMA
from customers.structures import STRUCTURES
from sql import history, near, partitions
from sql.bulk import read
from sql.copy_binary import payload
from sql.engine import is_postgres, one_of, open_engine, writing
from sql.migrate import upgrade
from sql.store import RunCount, RunStart, Store, open_store
from sql.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sql.ledger import Ending

ROOT = Path(__file__).resolve().parents[2]
VERSION = "2.2.1"
NAMES = [structure.name for structure in STRUCTURES]
IDENTIFICATIONS = NAMES[0]
ANA, BIA, CAIO = "id-ana", "id-bia", "id-caio"


@pytest.fixture
def store(any_database: str) -> Iterator[Store]:
    with open_store(any_database) as opened:
        yield opened


def begun(store: Store, day: int, run_id: str | None = None) -> int:
    return store.begin_run(
        RunStart(
            run_id=run_id or f"run-{day}",
            flow="nightly",
            core="reference",
            kind="full",
            started_at=f"2026-11-{day:02}T01:00:00Z",
            business_date=f"2026-11-{day:02}",
        )
    )


def published_at(day: int) -> str:
    return f"2026-11-{day:02}T02:00:00Z"


def publish(store: Store, run_seq: int, day: int) -> None:
    store.publish(run_seq, finished_at=published_at(day), counts={"read": 3})


def documents(contents: dict[str, str], structure: str = IDENTIFICATIONS) -> pa.Table:
    """Make documents from their customers and contents; no customer here has a tax id but Bia."""
    customers = list(contents)
    return pa.table(
        {
            "structure": [structure] * len(customers),
            "version": [VERSION] * len(customers),
            "customer_id": customers,
            "core_key": [f"core-{customer}" for customer in customers],
            "tax_id": pa.array([f"tax-{c}" if c == BIA else None for c in customers], pa.string()),
            "content_hash": [f"hash-{content}" for content in contents.values()],
            "update_date_time": ["2026-11-01T00:00:00Z"] * len(customers),
            "document": [f'{{"content": "{content}"}}' for content in contents.values()],
        }
    )


def day_of(store: Store, day: int, contents: dict[str, str]) -> int:
    """Publish a run in which these customers, and no others, have these contents."""
    run_seq = begun(store, day)
    now = {row["customer_id"]: row for row in store.served(IDENTIFICATIONS, VERSION).to_pylist()}
    ended = [row for c, row in now.items() if row["content_hash"] != f"hash-{contents.get(c)}"]
    store.retire(run_seq, periods(ended))
    started = {
        c: text for c, text in contents.items() if now.get(c, {}).get("content_hash") != f"hash-{text}"
    }
    wanted = documents(started)
    before = store.stored_before(IDENTIFICATIONS, VERSION, wanted)
    store.serve_again(run_seq, before["document_id"])
    known = set(before["customer_id"].to_pylist())
    store.write_documents(run_seq, documents({c: text for c, text in started.items() if c not in known}))
    publish(store, run_seq, day)
    return run_seq


def periods(rows: list[dict[str, int]]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], pa.int64())
            for name in ("document_id", "opened_run_seq")
        }
    )


def mark(store: Store, day: int, customer: str, since: str | None) -> None:
    run_seq = begun(store, day)
    row = {"structure": IDENTIFICATIONS, "version": VERSION, "customer_id": customer, "since": since}
    columns = {name: pa.array([value], pa.string()) for name, value in row.items()}
    store.mark_stale(run_seq, pa.table(columns))
    publish(store, run_seq, day)


def contents_of(store: Store, structure: str = IDENTIFICATIONS) -> dict[object, object]:
    rows = store.query(f"SELECT customer_id, content_hash FROM {structure}")
    return {row["customer_id"]: str(row["content_hash"]).removeprefix("hash-") for row in rows}


def stale_since(store: Store, customer: str) -> object:
    rows = store.query(
        "SELECT stale_since FROM personal_identifications WHERE customer_id = :customer",
        {"customer": customer},
    )
    return rows[0]["stale_since"]


def test_nothing_shows_before_publishing_and_then_all_six_structures_do(
    store: Store, any_database: str
) -> None:
    run_seq = begun(store, 1)
    for name in NAMES:
        store.write_documents(run_seq, documents({ANA: "1"}, name))
        store.write_documents(run_seq, documents({BIA: "1"}, name))
    with open_store(any_database, migrate=False) as reader:
        assert [contents_of(reader, name) for name in NAMES] == [{}] * 6
        assert reader.served(IDENTIFICATIONS, VERSION).num_rows == 0
        assert reader.query("SELECT * FROM history") == []
        publish(store, run_seq, 1)
        assert [contents_of(reader, name) for name in NAMES] == [{ANA: "1", BIA: "1"}] * 6


def test_a_structure_shows_the_columns_of_the_contract(store: Store) -> None:
    day_of(store, 1, {BIA: "ação"})
    assert store.query("SELECT * FROM personal_identifications") == [
        {
            "customer_id": BIA,
            "core_key": "core-id-bia",
            "tax_id": "tax-id-bia",
            "document": '{"content": "ação"}',
            "content_hash": "hash-ação",
            "update_date_time": "2026-11-01T00:00:00Z",
            "version": VERSION,
            "run_id": "run-1",
            "published_at": published_at(1),
            "stale_since": None,
        }
    ]


def test_changed_unchanged_and_withdrawn(store: Store) -> None:
    day_of(store, 1, {ANA: "1", BIA: "1", CAIO: "1"})
    day_of(store, 2, {ANA: "1", BIA: "2"})
    assert contents_of(store) == {ANA: "1", BIA: "2"}
    runs = store.query("SELECT customer_id, run_id FROM personal_identifications ORDER BY customer_id")
    assert [row["run_id"] for row in runs] == ["run-1", "run-2"]


def test_a_content_that_returns_is_served_again_and_not_stored_twice(store: Store) -> None:
    for day, content in enumerate(["A", "B", "A", "B", "A"], start=1):
        day_of(store, day, {ANA: content})
        assert contents_of(store) == {ANA: content}
    assert store.query("SELECT COUNT(*) AS stored FROM documents") == [{"stored": 2}]
    history = store.query("SELECT * FROM history ORDER BY valid_from")
    assert [str(row["content_hash"])[-1] for row in history] == ["A", "B", "A", "B", "A"]
    assert [row["run_id"] for row in history] == [f"run-{day}" for day in range(1, 6)]
    assert [row["valid_from"] for row in history] == [published_at(day) for day in range(1, 6)]
    assert [row["valid_to"] for row in history] == [*(published_at(day) for day in range(2, 6)), None]
    assert list(history[0])[:6] == [
        "structure",
        "customer_id",
        "content_hash",
        "run_id",
        "valid_from",
        "valid_to",
    ]


def test_stored_before_finds_neither_what_is_served_nor_what_was_never_published(store: Store) -> None:
    day_of(store, 1, {ANA: "1", BIA: "1"})
    store.write_documents(begun(store, 2), documents({CAIO: "1"}))
    day_of(store, 3, {ANA: "1"})
    wanted = documents({ANA: "1", BIA: "1", CAIO: "1"})
    found = store.stored_before(IDENTIFICATIONS, VERSION, wanted)
    assert found.select(["customer_id", "content_hash"]).to_pylist() == [
        {"customer_id": BIA, "content_hash": "hash-1"}
    ]
    assert store.stored_before(NAMES[1], VERSION, wanted).num_rows == 0
    assert store.stored_before(IDENTIFICATIONS, "9.9.9", wanted).num_rows == 0
    column = wanted.column_names.index("tax_id")
    other = wanted.set_column(column, "tax_id", pa.array(["tax-another"] * 3))
    assert store.stored_before(IDENTIFICATIONS, VERSION, other).num_rows == 0


def test_a_rollback_moves_the_pointers_back(store: Store) -> None:
    day_of(store, 1, {ANA: "1"})
    undone = day_of(store, 2, {ANA: "2", BIA: "1"})
    rollback = begun(store, 3)
    now = store.served(IDENTIFICATIONS, VERSION)
    store.retire(rollback, now.select(["document_id", "opened_run_seq"]))
    before = store.stored_before(IDENTIFICATIONS, VERSION, documents({ANA: "1"}))
    store.serve_again(rollback, before["document_id"])
    store.publish(rollback, finished_at=published_at(3), counts={}, rolled_back=[undone])
    assert contents_of(store) == {ANA: "1"}
    assert [run["state"] for run in store.runs()] == ["published", "rolled_back", "published"]


def test_a_stale_mark_appears_vanishes_and_ends_with_the_document(store: Store) -> None:
    day_of(store, 1, {ANA: "1", BIA: "1"})
    mark(store, 2, ANA, published_at(2))
    assert (stale_since(store, ANA), stale_since(store, BIA)) == (published_at(2), None)
    assert store.served(IDENTIFICATIONS, VERSION).sort_by("customer_id")["stale"].to_pylist() == [True, False]
    mark(store, 3, ANA, None)
    assert stale_since(store, ANA) is None
    mark(store, 4, ANA, published_at(4))
    assert stale_since(store, ANA) == published_at(4)
    day_of(store, 5, {ANA: "2", BIA: "1"})
    assert stale_since(store, ANA) is None


def test_an_unpublished_mark_and_one_of_another_structure_do_not_show(store: Store) -> None:
    day_of(store, 1, {ANA: "1"})
    run_seq = begun(store, 2)
    marks = {"version": [VERSION] * 2, "customer_id": [ANA] * 2, "since": [published_at(2)] * 2}
    store.mark_stale(run_seq, pa.table({"structure": [IDENTIFICATIONS, NAMES[1]], **marks}))
    assert stale_since(store, ANA) is None
    other = begun(store, 3)
    store.mark_stale(other, pa.table({"structure": [NAMES[1], NAMES[2]], **marks}))
    publish(store, other, 3)
    assert stale_since(store, ANA) is None


def test_the_latest_published_state_of_a_person_shows(store: Store) -> None:
    def state(run_seq: int, person: str, availability: str) -> None:
        row = {"person_id": person, "tax_id": None, "kind": "F", "availability": availability, "since": "x"}
        store.write_customer_states(
            run_seq, pa.table({name: pa.array([value], pa.string()) for name, value in row.items()})
        )

    first, second, unseen = begun(store, 1), begun(store, 2), begun(store, 3)
    state(first, "p1", "AVAILABLE")
    state(first, "p2", "AVAILABLE")
    state(second, "p2", "UNAVAILABLE")
    state(unseen, "p1", "UNAVAILABLE")
    publish(store, first, 1)
    publish(store, second, 2)
    shown = store.query("SELECT person_id, availability FROM customers ORDER BY person_id")
    assert [tuple(row.values()) for row in shown] == [("p1", "AVAILABLE"), ("p2", "UNAVAILABLE")]
    assert store.customer_states().sort_by("person_id").to_pylist() == store.query(
        "SELECT * FROM customers ORDER BY person_id"
    )


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_run_that_ends_unpublished_leaves_nothing(store: Store, state: Ending) -> None:
    day_of(store, 1, {ANA: "1"})
    run_seq = begun(store, 2)
    store.write_documents(run_seq, documents({ANA: "2", BIA: "2"}))
    store.retire(run_seq, store.served(IDENTIFICATIONS, VERSION).select(["document_id", "opened_run_seq"]))
    store.finish_run(run_seq, state, published_at(2), {"read": 2})
    assert contents_of(store) == {ANA: "1"}
    assert store.query("SELECT COUNT(*) AS stored FROM documents") == [{"stored": 1}]
    assert (store.runs()[0]["state"], store.runs()[0]["counts"]) == (state, {"read": 2})
    with pytest.raises(CadastraError, match="cannot become published"):
        publish(store, run_seq, 3)
    assert contents_of(store) == {ANA: "1"}


def test_a_held_run_may_be_published_later(store: Store) -> None:
    run_seq = begun(store, 1)
    store.write_documents(run_seq, documents({ANA: "1"}))
    store.finish_run(run_seq, "held", published_at(1), {})
    assert contents_of(store) == {}
    publish(store, run_seq, 2)
    assert contents_of(store) == {ANA: "1"}


def test_a_late_bucket_of_a_run_that_was_given_up_leaves_nothing(store: Store) -> None:
    run_seq = begun(store, 1)
    assert store.write_bucket(run_seq, 0, {"documents": documents({ANA: "1"})}, "{}")
    store.give_up(run_seq, "failed", published_at(1), {})
    with pytest.raises(CadastraError, match="is not running"):
        store.write_bucket(run_seq, 1, {"documents": documents({BIA: "1"})}, "{}")
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect() as connection:
            assert not any(partitions.unsettled(connection, whole) for whole in partitions.PARTITIONED)


def test_nothing_is_added_to_a_run_that_was_published(store: Store) -> None:
    run_seq = day_of(store, 1, {ANA: "1"})
    with pytest.raises(CadastraError, match="is not running"):
        store.write_documents(run_seq, documents({BIA: "1"}))
    with pytest.raises(CadastraError, match="is not running"):
        store.serve_again(run_seq, pa.array([1], pa.int64()))
    assert contents_of(store) == {ANA: "1"}


def test_a_killed_run_leaves_the_old_batch_and_the_next_one_publishes(
    store: Store, any_database: str
) -> None:
    day_of(store, 1, {ANA: "1"})
    program = f"""
import os, signal
from sql.engine import writing
from sql import ledger
from sql.store import open_store
from tests.functional.test_store import *
store = open_store({any_database!r})
run_seq = begun(store, 2)
store.write_documents(run_seq, documents({{BIA: "2"}}))
with writing(store._engine) as connection:
    ledger.publish(connection, run_seq, published_at(2), {{}}, [])
    os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    assert contents_of(store) == {ANA: "1"}
    assert store.runs()[0]["state"] == "running"
    day_of(store, 3, {ANA: "3"})
    assert contents_of(store) == {ANA: "3"}


def test_findings_and_results_come_back_as_they_were(store: Store) -> None:
    run_seq = begun(store, 1)
    texts = ["", "São Tomé", "👩‍🦰", 'a;"b",\\N\r\n%s :c', None]
    findings = pa.table(
        {
            **{
                name: pa.array(["x"] * 5)
                for name in ("structure", "customer_ref", "occurrence", "rule", "severity")
            },
            "shape": pa.array(texts, pa.string()),
            "source_file": pa.array([None, "", "á", "b", None], pa.string()),
            "source_line": pa.array([0, None, -1, 2**62, None], pa.int64()),
        }
    ).cast(FINDINGS_SCHEMA)
    result = {"structure": IDENTIFICATIONS, "xpath": "/data", "rule": "S-type", "severity": "reject"}
    numbers = {"applied": 2**40, "passed": 2, "failed": 1, "unknown": 0}
    store.write_findings(run_seq, findings)
    store.write_rule_results(run_seq, pa.Table.from_pylist([result | numbers], schema=RULE_RESULTS_SCHEMA))
    names = ", ".join(FINDINGS_SCHEMA.names)
    rows = store.query(f"SELECT {names} FROM findings")
    assert sorted(map(repr, rows)) == sorted(map(repr, findings.to_pylist()))
    assert store.query("SELECT * FROM rule_results") == [{"run_id": "run-1", **result, **numbers}]


def test_reading_keeps_empty_texts_apart_from_nulls(any_database: str) -> None:
    schema = pa.schema({"t": pa.string(), "n": pa.int64(), "b": pa.bool_()})
    texts = {"a": "", "c": 'x";\r\ny%', "d": "👩‍🦰"}
    statement = """
        SELECT CAST(:a AS text) AS t, 1 AS n, 1 = 1 AS b UNION ALL SELECT NULL, NULL, NULL
        UNION ALL SELECT :c, 3, 1 = 2 UNION ALL SELECT :d, -9007199254740993, NULL"""
    engine = open_engine(any_database)
    with engine.connect() as connection:
        rows = read(connection, statement, schema, texts).sort_by("n").to_pylist()
        assert read(connection, "SELECT 'x' AS t, 1 AS n, 1 = 1 AS b WHERE 1 = 2", schema, {}).num_rows == 0
    engine.dispose()
    assert [tuple(row.values()) for row in rows] == [
        ("👩‍🦰", -9007199254740993, None),
        ("", 1, True),
        ('x";\r\ny%', 3, False),
        (None, None, None),
    ]


def test_the_ledger_lists_runs_and_their_counts(store: Store) -> None:
    run_seq = begun(store, 1)
    count = RunCount(IDENTIFICATIONS, read=5, published_new=3, excluded=2, excluded_reasons={"closed": 2})
    store.write_run_counts(run_seq, [count])
    publish(store, run_seq, 1)
    begun(store, 2)
    newest, first = store.runs(limit=2)
    assert (newest["run_id"], newest["state"], newest["counts"]) == ("run-2", "running", None)
    assert (first["state"], first["finished_at"], first["counts"]) == (
        "published",
        published_at(1),
        {"read": 3},
    )
    (counted,) = store.run_counts("run-1")
    assert (counted["read"], counted["published_new"], counted["withdrawn"]) == (5, 3, 0)
    assert counted["excluded_reasons"] == {"closed": 2}
    assert len(store.runs(limit=1)) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"document": ["secret\x00", "b"]}, "table documents: a text of the column document holds a NUL"),
        ({"core_key": ["secret", None]}, "table documents: the column core_key holds 1 nulls"),
        ({"other": ["secret", "b"]}, "table documents has no column other"),
        ({"core_key": None}, "table documents: the column core_key is missing"),
    ],
)
def test_rows_that_do_not_fit_are_refused_without_their_values(
    store: Store, changed: dict[str, list[str | None] | None], message: str
) -> None:
    columns = {name: column.to_pylist() for name, column in _columns(documents({ANA: "1", BIA: "1"}))}
    rows = {name: values for name, values in {**columns, **changed}.items() if values is not None}
    with pytest.raises(CadastraError, match=message) as caught:
        store.write_documents(begun(store, 1), pa.table(rows))
    assert "secret" not in str(caught.value)


def _columns(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    return zip(table.column_names, table.columns, strict=True)


def test_a_key_that_is_there_already_is_refused_without_its_value(store: Store) -> None:
    run_seq = begun(store, 1)
    states = {"tax_id": ["t"], "kind": ["F"], "availability": ["AVAILABLE"], "since": ["x"]}
    rows = pa.table({"person_id": ["secret"], **states})
    store.write_customer_states(run_seq, rows)
    with pytest.raises(CadastraError, match="table customer_states refuses the rows") as caught:
        store.write_customer_states(run_seq, rows)
    assert "secret" not in str(caught.value)


def test_writers_at_once_never_get_the_same_ids(any_database: str, store: Store) -> None:
    run_seq = begun(store, 1)

    def write(writer: int) -> None:
        with open_store(any_database) as own:
            for number in range(5):
                own.write_documents(run_seq, documents({f"{writer}-{number}-{i}": "1" for i in range(20)}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    publish(store, run_seq, 1)
    counted = store.query("SELECT COUNT(*) AS n, COUNT(DISTINCT document_id) AS ids FROM documents")
    assert counted == [{"n": 400, "ids": 400}]
    assert len(contents_of(store)) == 400


def test_a_query_cannot_write(store: Store) -> None:
    begun(store, 1)
    with pytest.raises(Exception, match=r"read-only|readonly"):
        store.query("DELETE FROM runs")
    assert len(store.runs()) == 1
    begun(store, 2)


def test_processes_that_migrate_at_once_take_turns(any_database: str) -> None:
    program = f"from sql.migrate import upgrade; upgrade({any_database!r})"
    started = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    upgrade(any_database)
    with open_store(any_database, migrate=False) as store:
        assert store.runs() == []


def test_a_database_without_tables_is_not_opened_unless_it_may_be_migrated(any_database: str) -> None:
    with pytest.raises(UnreadableInput, match="cadastra db upgrade"):
        open_store(any_database, migrate=False)


def test_a_database_of_a_newer_program_is_refused(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(UnreadableInput, match="revision 9999"):
        open_store(sqlite_url)


def test_the_migrations_make_the_tables_that_the_program_knows(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:hush@127.0.0.1:1/bank",
        "postgresql://127.0.0.1:1/bank?password=hush",
        "mysql://someone:hush@127.0.0.1/bank",
        "hush",
        "postgresql://someone:hush@127.0.0.1:port/bank",
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_the_password(url: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        open_store(url)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_files_that_cannot_be_databases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match=r"folder .*missing.* does not exist"):
        open_store(f"sqlite:///{tmp_path / 'missing' / 'cadastra.db'}")
    text = tmp_path / "text.db"
    text.write_text("no database at all " * 100)
    with pytest.raises(UnreadableInput, match="not a database"):
        open_store(f"sqlite:///{text}")


def test_a_writer_that_does_not_finish_is_reported(sqlite_url: str) -> None:
    with open_store(f"{sqlite_url}?timeout=0.1") as store:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            begun(store, 1)
        other.close()
        begun(store, 1)


@pytest.mark.parametrize("column", ["customer_id", "tax_id"])
@pytest.mark.parametrize("relation", ["personal_identifications", "business_qualifications"])
def test_look_ups_use_indexes_on_sqlite(sqlite_url: str, relation: str, column: str) -> None:
    with open_store(sqlite_url) as store:
        plan = store.query(f"EXPLAIN QUERY PLAN SELECT * FROM {relation} WHERE {column} = 'x'")
    steps = "\n".join(str(step["detail"]) for step in plan)
    assert steps.count(f"SEARCH d USING INDEX documents_{column}") == 2
    assert "SCAN" not in steps


@pytest.mark.parametrize("column", ["customer_id", "tax_id"])
def test_look_ups_use_indexes_on_postgres(postgres_database: str, column: str) -> None:
    upgrade(postgres_database)
    with psycopg.connect(postgres_database) as connection:
        # On tables this small a scan would be right.
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute(
            f"EXPLAIN SELECT * FROM personal_identifications WHERE {column} = 'x'"
        ).fetchall()
    steps = "\n".join(row[0] for row in plan)
    assert f"Index Cond: ({column} = 'x'::text)" in steps
    assert "Seq Scan" not in steps


@pytest.mark.parametrize(
    "asked",
    [
        history.DOCUMENTS.replace(":keys", "('x')"),
        "SELECT structure FROM served WHERE customer_id {of_ids} OR tax_id {of_tax_ids}",
    ],
)
def test_who_asks_by_core_key_uses_indexes(any_database: str, asked: str) -> None:
    """Explain what is asked by the ids that are made of core keys, and by the persons of these."""
    with open_store(any_database) as store, writing(store.engine) as connection:
        postgres = is_postgres(connection)
        if postgres:
            # On tables this small reading all would be right.
            for way in ("seqscan", "hashjoin", "mergejoin"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for name in ("customer_id", "tax_id"):
            connection.exec_driver_sql(
                f"CREATE TEMPORARY TABLE near_{name.removeprefix('customer_')}s ({name} text)"
            )
        asked = asked.format(
            of_ids=one_of(connection, near.OF_IDS), of_tax_ids=one_of(connection, near.OF_TAX_IDS)
        )
        explain = "EXPLAIN" if postgres else "EXPLAIN QUERY PLAN"
        plan = connection.exec_driver_sql(f"{explain} {asked}").all()
    steps = "\n".join(str(row[-1]) for row in plan)
    for name in ("customer_id", "tax_id"):
        assert (f"Index Cond: ({name} = " if postgres else f"INDEX documents_{name} ({name}=?)") in steps
    assert "Seq Scan on documents" not in steps
    assert "SCAN d" not in steps


def test_new_connections_of_the_role_find_the_names_on_postgres(postgres_database: str) -> None:
    with open_store(postgres_database) as store:
        day_of(store, 1, {ANA: "1"})
    names = [*NAMES, "customers", "runs", "run_counts", "rule_results", "findings", "documents", "history"]
    with psycopg.connect(postgres_database) as connection:
        for name in names:
            connection.execute(f"SELECT * FROM {name}")
        assert connection.execute("SELECT customer_id FROM personal_identifications").fetchall() == [(ANA,)]


def test_a_large_run_gets_a_partition_and_a_small_one_the_shared_one(postgres_database: str) -> None:
    with open_store(postgres_database) as store:
        small = begun(store, 1)
        store.write_documents(small, documents({ANA: "1"}))
        publish(store, small, 1)
        large = begun(store, 2)
        store.write_documents(large, documents({f"id-{i}": "1" for i in range(100_000)}))
        publish(store, large, 2)
        partitions = store.query(
            "SELECT tableoid::regclass::text AS name, COUNT(*) AS rows FROM documents GROUP BY 1 ORDER BY 2"
        )
        assert partitions == [
            {"name": "documents_shared", "rows": 1},
            {"name": f"documents_{large}", "rows": 100_000},
        ]
        assert store.served(IDENTIFICATIONS, VERSION).num_rows == 100_001
        rows = store.query("SELECT core_key FROM personal_identifications WHERE customer_id = 'id-77777'")
        assert rows == [{"core_key": "core-id-77777"}]


def test_binary_copy_names_a_column_that_it_cannot_write() -> None:
    with pytest.raises(TypeError, match="column share: double"):
        list(payload(pa.table({"share": [0.5]})))
