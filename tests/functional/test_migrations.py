"""Every earlier revision becomes the present one with what it held, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from customers.structures import STRUCTURES
from sql import migrate
from sql.engine import is_postgres, open_engine, writing
from sql.lock import hold
from sql.migrate import upgrade
from sql.store import open_store
from sql.views import make_views

REVISIONS = [
    step.revision
    for step in ScriptDirectory(str(Path(migrate.__file__).parent / "migrations")).walk_revisions()
]
FROZEN = Path(__file__).parent / "revision_0001"
HELD = (
    (
        "INSERT INTO runs (run_seq, run_id, flow, core, kind, state, started_at)"
        " VALUES (1, 'run-1', 'nightly', 'reference', 'full', 'published', '2026-11-01T01:00:00Z')"
    ),
    "INSERT INTO publications VALUES (1, 'run-1', '2026-11-01T02:00:00Z')",
    (
        "INSERT INTO documents (document_id, run_seq, structure, version, customer_id, core_key, tax_id, content_hash,"
        " update_date_time, document) VALUES (1, 1, 'personal_identifications', '2.2.1', 'id-ana', 'core-ana', NULL,"
        " 'hash-1', '2026-11-01T00:00:00Z', '{}')"
    ),
    (
        "INSERT INTO stale_marks (customer_id, structure, version, run_seq, since)"
        " VALUES ('id-ana', 'personal_identifications', '2.2.1', 1, '2026-11-01T02:00:00Z')"
    ),
    "UPDATE sequences SET next_id = 2 WHERE name = 'documents'",
)


def make_as_of(url: str, revision: str) -> None:
    """Make a database as the program of a revision left it: tables, views and a published run."""
    upgrade(url, revision)
    engine = open_engine(url)
    with writing(engine) as connection:
        if revision == "0001":
            for name in (
                "periods",
                "refused_now",
                "served",
                *(s.name for s in STRUCTURES),
                "customers",
                "history",
            ):
                file = FROZEN / f"{name}.sql"
                text = file if file.exists() else FROZEN / "structure.sql"
                connection.exec_driver_sql(text.read_text(encoding="utf-8").format(structure=name))
        for statement in HELD:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_earlier_database_goes_on(any_database: str, revision: str) -> None:
    make_as_of(any_database, revision)
    with open_store(any_database) as store:
        (served,) = store.query("SELECT customer_id, run_id, stale_since FROM personal_identifications")
        assert served == {"customer_id": "id-ana", "run_id": "run-1", "stale_since": "2026-11-01T02:00:00Z"}
        assert store.query("SELECT document_id FROM history") == [{"document_id": 1}]
        assert store.query("SELECT run_id FROM quality_runs") == [{"run_id": "run-1"}]
        with hold(store, "run-2"):
            assert store.runs()[0]["run_id"] == "run-1"


def test_persons_and_fingerprints_go_into_partitions(any_database: str) -> None:
    make_as_of(any_database, "0008")
    engine = open_engine(any_database)
    with writing(engine) as connection:
        state = "INSERT INTO customer_states VALUES ('person-1', 1, 'tax-1', 'F', 'AVAILABLE', '2026-11-01T00:00:00Z')"
        connection.exec_driver_sql(state)
        connection.exec_driver_sql("INSERT INTO fingerprints VALUES ('core-1', 1, 7, NULL, '', 'AVAILABLE')")
    engine.dispose()
    with open_store(any_database) as store:
        (person,) = store.customer_states().to_pylist()
        assert (person["person_id"], person["tax_id"]) == ("person-1", "tax-1")
        (marks,) = store.each_fingerprint()
        assert marks["core_key"].to_pylist() == ["core-1"]
        with pytest.raises(IntegrityError), writing(store.engine) as connection:
            connection.exec_driver_sql(state)


def test_every_revision_is_tried() -> None:
    assert tuple(reversed(REVISIONS)) == migrate.REVISIONS
    assert REVISIONS[-1] == "0001"
    assert len(REVISIONS) == len(set(REVISIONS)) >= 2


def test_what_others_built_on_a_view_stays(postgres_database: str) -> None:
    make_as_of(postgres_database, "0001")
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE VIEW public.mine AS SELECT content_hash FROM serving.history")
    upgrade(postgres_database)
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SELECT * FROM public.mine").fetchall() == [("hash-1",)]
        comment = connection.execute("SELECT obj_description('quality.quality_runs'::regclass)").fetchone()
    assert comment is not None
    assert comment[0].startswith("One row per run")


def test_a_view_whose_columns_went_is_made_anew(any_database: str) -> None:
    upgrade(any_database)
    engine = open_engine(any_database)
    with writing(engine) as connection:
        schema = "serving." if is_postgres(connection) else ""
        connection.exec_driver_sql(f"DROP VIEW {schema}history")
        connection.exec_driver_sql(f"CREATE VIEW {schema}history AS SELECT 1 AS quite_another")
        make_views(connection)
        make_views(connection)
        assert connection.exec_driver_sql("SELECT structure FROM history").all() == []
    engine.dispose()
