"""Every earlier revision becomes the present one with what it held, on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from customers.structures import STRUCTURES
from sql import migrate
from sql.engine import is_postgres, open_engine, writing
from sql.lock import hold
from sql.migrate import steps_file, upgrade
from sql.store import open_store
from sql.views import make_views
from tests.spec.write_steps import DIALECTS, steps

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


# Whatever PostgreSQL knows of the database beside the rows: names, in an order of their own, and what each is.
CATALOGUE = (
    "SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname IN ('serving', 'quality', 'control') ORDER BY 1",
    (
        "SELECT oid::regclass::text, relkind, relispartition, relpersistence, relowner::regrole::text, relacl::text,"
        " reloptions, pg_get_expr(relpartbound, oid), pg_get_partkeydef(oid), obj_description(oid, 'pg_class')"
        " FROM pg_class WHERE {ours} ORDER BY 1"
    ),
    (
        "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attcollation,"
        " pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid"
        " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE attnum > 0 AND NOT attisdropped AND {ours} ORDER BY 1, attnum"
    ),
    (
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisprimary, indisvalid FROM pg_index"
        " JOIN pg_class AS c ON c.oid = indexrelid WHERE {ours} ORDER BY 1"
    ),
    (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(k.oid) FROM pg_constraint AS k"
        " JOIN pg_class AS c ON c.oid = conrelid WHERE {ours} ORDER BY 1, 2"
    ),
    "SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits ORDER BY 1",
    "SELECT schemaname, sequencename, data_type::text, start_value, last_value FROM pg_sequences ORDER BY 1, 2",
    "SELECT schemaname, viewname, definition FROM pg_views WHERE schemaname IN ('serving', 'quality') ORDER BY 1, 2",
    (
        "SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting JOIN pg_database AS d ON d.oid = setdatabase"
        " WHERE datname = current_database() ORDER BY 1"
    ),
)
OURS = "relnamespace IN ('serving'::regnamespace, 'quality'::regnamespace, 'control'::regnamespace)"
ROWS = ("SELECT * FROM alembic_version", "SELECT * FROM sequences ORDER BY name")


def catalogue(url: str) -> list[list[tuple[object, ...]]]:
    """Describe a database: what its catalogue says, and the rows that a new one has."""
    engine = open_engine(url)
    with writing(engine) as connection:
        if is_postgres(connection):
            queries: tuple[str, ...] = tuple(query.format(ours=OURS) for query in CATALOGUE)
        else:
            queries = ("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2",)
        found = [[tuple(row) for row in connection.exec_driver_sql(query)] for query in (*queries, *ROWS)]
    engine.dispose()
    # Spaces at the ends of lines are all that a file does not keep.
    return [
        [tuple(" ".join(value.split()) if isinstance(value, str) else value for value in row) for row in rows]
        for rows in found
    ]


def emptied(url: str) -> None:
    """Take away what an upgrade made."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    with psycopg.connect(url) as connection:
        connection.execute("DROP SCHEMA serving, quality, control CASCADE")


def test_a_new_database_is_as_if_every_step_had_been_taken(any_database: str) -> None:
    for revision in reversed(REVISIONS):
        upgrade(any_database, revision)
    by_steps = catalogue(any_database)
    emptied(any_database)
    upgrade(any_database)
    at_once = catalogue(any_database)
    assert sum(map(len, by_steps)) > 40
    for stepwise, new in zip(by_steps, at_once, strict=True):
        assert new == stepwise
    upgrade(any_database)
    assert catalogue(any_database) == at_once


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_steps_are_written_down(dialect: str) -> None:
    assert steps_file(dialect).read_text(encoding="utf-8") == steps(dialect), "run python3 dev.py docs"


def test_a_new_database_needs_no_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from sql.migrate import upgrade; upgrade(sys.argv[1]); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'new.db'}"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "False"
