"""The third source of the layout: the tables in a database schema, as one snapshot shows them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pyarrow as pa
import pytest
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import make_url

from customers.errors import ExportRefused, UnreadableInput, UsageError
from customers.structures import STRUCTURES
from flows.explain import explain
from flows.explain_search import Question
from flows.explain_verb import explain_verb
from flows.nightly import run_job
from flows.pipeline import Job
from flows.sources import DatabaseExport, address_of, export_of, look_at, read_tables
from mappings.cores.reference.sample import write_sample
from sql.glance import glance
from sql.source import open_source
from sql.source_rows import open_database
from sql.store import open_store
from tests.bank import CORE, SECRET
from tests.conftest import ROOT
from tests.exports import natural_person, write_export
from tests.schemas import load_postgres, load_sqlite, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sql.source import Source


DAY = date(2026, 11, 20)
OTHERS = "pid <> pg_backend_pid() AND datname = current_database()"
ROW = ("structure", "customer_ref", "occurrence", "rule", "severity", "shape")


def full(url: str) -> DatabaseExport:
    return DatabaseExport(url, DAY, "full")


def published(export: Path | DatabaseExport, database: str) -> dict[str, Any]:
    """Run an export and return all that is served, and all findings but where they were found."""
    report = run_job(Job(CORE, export, database, SECRET))
    assert report.state == "published"
    with open_store(database) as store:
        found: dict[str, Any] = {
            structure.name: store.query(
                f"SELECT core_key, document, content_hash FROM {structure.name} ORDER BY core_key"
            )
            for structure in STRUCTURES
        }
        found["findings"] = sorted(
            tuple(str(row[name]) for name in ROW) for row in store.query("SELECT * FROM findings")
        )
        found["run_counts"] = store.query(
            "SELECT * FROM run_counts WHERE run_id = :run_id", {"run_id": report.run_id}
        )
    for count in found["run_counts"]:
        del count["run_id"]
    return found


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[str]:
    """Yield the URL of a database for this module, for schemas of any name."""
    name = f"cadastra_source_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "csv"
    write_sample(folder, customers=600, seed=11, bad=0.2, date=DAY)
    return folder


@pytest.fixture(scope="module")
def from_files(sample: Path) -> dict[str, Any]:
    return published(sample, f"sqlite:///{sample.parent / 'files.db'}")


@pytest.fixture
def small(tmp_path: Path) -> dict[str, pa.Table]:
    """Return the tables of one person."""
    return tables_of(write_export(tmp_path / "small", natural_person("F1", "52998224725")))


@pytest.fixture
def schema(server: str, small: dict[str, pa.Table]) -> Iterator[str]:
    """Yield the URL of a schema of one person's tables."""
    name = f"s{uuid4().hex}"
    yield load_postgres(small, server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("DROP SCHEMA {} CASCADE").format(Identifier(name)))


def read(source: Source, table: str, columns: Sequence[str] = ()) -> pa.Table:
    """Read some columns of a table, or all."""
    return pa.Table.from_batches(source.batches(table, columns or source.columns[table]))


def execute(url: str, *statements: str) -> None:
    """Run statements in a schema."""
    database, _, name = url.rpartition("/")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SQL("SET search_path = {}").format(Identifier(name)))
        for statement in statements:
            connection.execute(statement.encode())


def test_text_in_postgresql_makes_what_the_files_make(
    sample: Path, from_files: dict[str, Any], server: str, tmp_path: Path
) -> None:
    url = load_postgres(tables_of(sample), server)

    assert published(full(url), f"sqlite:///{tmp_path / 'served.db'}") == from_files


def test_text_in_sqlite_makes_what_the_files_make(
    sample: Path, from_files: dict[str, Any], tmp_path: Path
) -> None:
    url = load_sqlite(tables_of(sample), tmp_path / "core.db")

    assert published(full(url), f"sqlite:///{tmp_path / 'served.db'}") == from_files


def test_native_types_make_what_parquet_files_make(server: str, tmp_path: Path) -> None:
    write_sample(tmp_path / "parquet", customers=600, seed=11, bad=0.2, date=DAY, format="parquet")
    url = load_postgres(tables_of(tmp_path / "parquet"), server, "native")

    by_files = published(tmp_path / "parquet", f"sqlite:///{tmp_path / 'files.db'}")
    assert published(full(url), f"sqlite:///{tmp_path / 'served.db'}") == by_files


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_snapshot_does_not_see_who_writes_meanwhile(
    kind: str, small: dict[str, pa.Table], schema: str, tmp_path: Path
) -> None:
    url = schema if kind == "postgresql" else load_sqlite(small, tmp_path / "core.db")
    change = "INSERT INTO contas SELECT * FROM contas", "DELETE FROM clientes"
    if kind == "sqlite":
        with sqlite3.connect(tmp_path / "core.db") as owner:
            owner.execute("PRAGMA journal_mode = WAL")  # else who writes waits until the reader is done
        owner.close()
    before = {name: content.num_rows for name, content in small.items()}

    with open_source(url) as source:
        read(source, "pessoas_fisicas")
        if kind == "postgresql":
            execute(url, *change)
        else:
            with sqlite3.connect(tmp_path / "core.db") as writer:
                for statement in change:
                    writer.execute(statement)
            writer.close()
        for name in source.columns:
            assert source.count(name) == read(source, name).num_rows == before[name]
    with open_source(url) as source:
        assert (source.count("contas"), source.count("clientes")) == (2 * before["contas"], 0)


def test_who_loads_a_table_anew_is_waited_for_and_waits(schema: str) -> None:
    """TRUNCATE is seen by older snapshots: the tables are locked before the snapshot is taken."""
    database, _, name = schema.rpartition("/")
    with psycopg.connect(database) as loader, ThreadPoolExecutor(1) as reader:
        loader.execute(SQL("SET search_path = {}").format(Identifier(name)))
        loader.execute("CREATE TEMP TABLE kept AS SELECT * FROM clientes; TRUNCATE clientes")
        counted = reader.submit(_count_twice, schema)
        wait_for_lock(database)
        loader.execute("INSERT INTO clientes SELECT * FROM kept UNION ALL SELECT * FROM kept")
        loader.commit()
        assert counted.result() == (2, 2)


def _count_twice(schema: str) -> tuple[int, int]:
    with open_source(schema) as source:
        first = source.count("clientes")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            execute(schema, "SET lock_timeout = '50ms'", "TRUNCATE clientes")
        return first, source.count("clientes")


def wait_for_lock(database: str) -> None:
    """Wait until somebody waits for a lock in a database."""
    with psycopg.connect(database, autocommit=True) as observer:
        waiting = f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND {OTHERS}"
        deadline = monotonic() + 60
        while observer.execute(waiting.encode()).fetchone() == (0,):
            assert monotonic() < deadline, "nobody waits"
            sleep(0.02)


def test_rows_through_sqlalchemy_are_those_of_binary_copy(
    small: dict[str, pa.Table], server: str, schema: str
) -> None:
    """No other server is here: PostgreSQL stands for it, read through SQLAlchemy in the login's own schema."""
    kinds = [("numeric(18, 4)", "100000.0400"), ("date", "2020-02-29"), ("timestamp", "2020-02-29 10:00:00")]
    kinds += [("boolean", "true"), ("bigint", "7"), ("text", "é")]
    columns = ", ".join(f"c{place} {kind}" for place, (kind, _) in enumerate(kinds))
    values = ", ".join(f"'{value}'" for _, value in kinds)
    execute(
        schema,
        f"CREATE TABLE kinds (k text, {columns})",
        f"INSERT INTO kinds VALUES ('2', {values})",
        "INSERT INTO kinds VALUES ('1')",
    )
    name = schema.rpartition("/")[2]
    target = make_url(f"{server}?options=-csearch_path%3D{name}").set(drivername="postgresql+psycopg")

    with open_database(target, "rows") as rows:
        assert set(rows.columns) == {*small, "kinds"}
        content = read(rows, "kinds")
        assert rows.count("kinds") == 2
        nothing = read(rows, "socios")
    assert nothing.num_rows == 0
    assert content["k"].to_pylist() == ["1", "2"]
    found = [content[f"c{place}"][1].as_py() for place in range(len(kinds))]
    moment = datetime(2020, 2, 29, 10)  # noqa: DTZ001 (the core's local time)
    assert found == ["100000,04", date(2020, 2, 29), moment, True, 7, "é"]
    assert [content[f"c{place}"][0].as_py() for place in range(len(kinds))] == [None] * len(kinds)


def test_sqlite_keeps_dates_and_numbers_in_its_own_way(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "core.db") as connection:
        connection.execute("CREATE TABLE t (k TEXT, d DATE, m DATETIME, n NUMERIC, a TEXT)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)",
            [
                ("1", "2020-02-29", "2020-02-29 10:00:00.25", 100000.04, "2020-02-29"),
                ("2", "29/02/2020", "2020-02-29T10:00:00", 7, "x"),
                ("3", "2020-02-30", "2020-02-29", "1234,56", None),
                ("4", "2020-02-29Z", "2020-02-29 10:00:00+00:00", None, ""),
            ],
        )
    connection.close()
    with open_source(f"sqlite:///{tmp_path / 'core.db'}") as source:
        content = read(source, "t")
    assert content.to_pydict() == {
        "k": ["1", "2", "3", "4"],
        "d": ["29/02/2020", "29/02/2020", "30/02/2020", "2020-02-29Z"],
        "m": [
            "29/02/2020 10:00:00",
            "29/02/2020 10:00:00",
            "29/02/2020 00:00:00",
            "2020-02-29 10:00:00+00:00",
        ],
        "n": ["100000,04", "7", "1234,56", None],
        "a": ["2020-02-29", "x", None, ""],
    }


def test_rows_of_a_key_come_in_the_order_that_the_table_defines(schema: str) -> None:
    insert = "INSERT INTO {} VALUES ('b', 1, 'x'), ('a', 2, 'y'), ('a', 1, 'z'), ('B', 1, 'x')"
    execute(
        schema,
        "CREATE TABLE with_key (k text, seq int, v text, PRIMARY KEY (k, seq))",
        "CREATE TABLE without_key (k text, seq int, v text)",
        insert.format("with_key"),
        insert.format("without_key"),
        "CREATE VIEW seen AS SELECT * FROM without_key",
    )
    with open_source(schema) as source:
        found = {name: read(source, name, ["k", "v"]) for name in ("with_key", "without_key", "seen")}
    assert all(table["k"].to_pylist() == [*"Baab"] for table in found.values())
    assert {name: table["v"].to_pylist() for name, table in found.items()} == {
        "with_key": [*"xzyx"],
        "without_key": [*"xyzx"],
        "seen": [*"xyzx"],
    }


def test_what_no_layout_can_say_is_unread_not_lost(schema: str, tmp_path: Path) -> None:
    """Infinity, which would wrap around in Arrow, is a date that nothing reads: the document is refused."""
    execute(
        schema,
        "ALTER TABLE pessoas_fisicas ALTER dt_nascimento TYPE date USING 'infinity'",
        "ALTER TABLE clientes ALTER dt_inicio_ccs TYPE timestamptz USING '0044-03-15 BC'",
    )
    database = f"sqlite:///{tmp_path / 'served.db'}"
    found = published(full(schema), database)["findings"]
    assert {row[0] for row in found if "birthDate" in row[2]} == {"personal_identifications"}
    with open_store(database) as store:
        files = {row["source_file"] for row in store.query("SELECT source_file FROM findings")}
    assert f"{schema.rpartition('/')[2]}.pessoas_fisicas" in files


def test_text_comes_as_the_server_means_it(postgres_url: str, small: dict[str, pa.Table]) -> None:
    name = f"cadastra_latin_{uuid4().hex}"
    making = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for encoding in ("LATIN1", "SQL_ASCII"):
            connection.execute(making.format(Identifier(name), Literal(encoding)))
            url = load_postgres(small, urlsplit(postgres_url)._replace(path=f"/{name}").geturl())
            execute(
                url, "UPDATE pessoas_fisicas SET nome_civil = convert_from('\\x4ae3', getdatabaseencoding())"
            )
            with open_source(url) as source:
                if encoding == "LATIN1":
                    content = read(source, "pessoas_fisicas", ["cod_cliente", "nome_civil"])
                    assert content["nome_civil"].to_pylist() == ["Jã"]
                else:
                    with pytest.raises(UnreadableInput, match="cannot be read: text of no encoding"):
                        read(source, "pessoas_fisicas", ["cod_cliente", "nome_civil"])
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE emails", "the schema has 19 tables, core reference wants 20: table emails is missing"),
        ("CREATE TABLE novos (k text)", "core reference knows no table novos"),
        ("ALTER TABLE emails DROP ind_principal", ".emails: .*column ind_principal is missing"),
        ("ALTER TABLE emails ADD senha text", ".emails: .*column senha is unknown"),
        (
            "ALTER TABLE emails ALTER email TYPE bytea USING ''",
            ".emails: column email has the type bytea, which no cell can be read from",
        ),
    ],
)
def test_tables_and_columns_are_those_of_the_core(schema: str, statement: str, said: str) -> None:
    execute(schema, "CREATE TABLE _controle (k text)", statement)
    with pytest.raises(ExportRefused, match=said):
        read_tables(full(schema), CORE)


def test_a_table_that_may_not_be_read_is_named(schema: str) -> None:
    name, role = schema.rpartition("/")[2], f"reader_{uuid4().hex}"
    execute(
        schema,
        f"CREATE ROLE {role} LOGIN PASSWORD 'geheim'",
        f"GRANT USAGE ON SCHEMA {name} TO {role}",
    )
    parts = urlsplit(schema)
    login = parts._replace(netloc=f"{role}:geheim@{parts.hostname}:{parts.port}").geturl()
    with pytest.raises(
        UnreadableInput, match=r"\.atividades_economicas cannot be read: InsufficientPrivilege$"
    ):
        read_tables(full(login), CORE)
    execute(schema, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_server_that_goes_away_is_one_line(schema: str) -> None:
    with open_source(schema) as source:
        execute(schema, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}")
        with pytest.raises(UnreadableInput, match=r"\.clientes cannot be read: ") as problem:
            source.count("clientes")
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:geheim@127.0.0.1:1/bank/core", "cannot be opened: .*refused"),
        (
            "postgresql://u:geheim@127.0.0.1:1/bank",
            "names no schema: expected postgresql://USER@HOST/DATABASE/SCHEMA",
        ),
        ("postgresql://u:geheim@127.0.0.1:port/bank/core", "cannot be read"),
        ("postgresql:/u:geheim@127.0.0.1/bank/core", "cannot be read"),
        ("postgresql://u:geheim@127.0.0.1:1/bank/core?passfile=/geheim", "cannot be opened"),
        ("{server}/nowhere", "the database has no schema nowhere"),
        ("{server}_none/core", 'cannot be opened: .*database ".*_none" does not exist'),
        ("sqlite:///nowhere.db", "there is no database nowhere.db"),
        ("oracle://u:geheim@127.0.0.1/bank", "no driver for oracle is installed"),
        ("bank://u:geheim@127.0.0.1/bank", "no driver for bank is installed"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line_without_its_password(url: str, said: str, server: str) -> None:
    export = export_of(url.format(server=server), DAY, "full")
    with pytest.raises(UnreadableInput, match=said) as problem:
        look_at(export, CORE)
    assert "geheim" not in f"{problem.value} {export}"
    assert "\n" not in str(problem.value)


def test_the_operator_is_told_in_one_line(tmp_path: Path) -> None:
    url = "postgresql://u:geheim@127.0.0.1:1/bank/core"
    words = ["-m", "flows.cli", "plan", "--export", url, "--business-date", "2026-11-20", "--kind", "full"]
    told = subprocess.run(
        [sys.executable, *words, "--database", f"sqlite:///{tmp_path / 'served.db'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout, "Traceback" in told.stderr) == (2, "", False)
    assert told.stderr.splitlines()[-1].startswith(
        "cadastra: postgresql://u@127.0.0.1:1/bank/core cannot be opened"
    )
    assert "geheim" not in told.stderr
    with pytest.raises(UsageError, match="explain reads export folders only"):
        explain_verb("F1", None, None, None, Path(url), as_json=False)


def test_flags_stand_for_the_control_file_and_only_for_it(sample: Path) -> None:
    assert export_of(str(sample), None, None) == sample
    for flags in ((DAY, None), (None, "full"), (None, None)):
        with pytest.raises(UsageError, match="give --business-date and --kind"):
            export_of("sqlite:///core.db", *flags)
    for flags in ((DAY, None), (None, "delta")):
        with pytest.raises(UsageError, match="the control file of a folder says them"):
            export_of(str(sample), *flags)


def test_a_batch_is_its_content_and_its_time_the_snapshots(schema: str) -> None:
    before = datetime.now(UTC)
    first, again = (read_tables(full(schema), CORE).control for _ in range(2))
    assert first.batch_id == again.batch_id
    assert before - timedelta(minutes=1) < first.generated_at <= again.generated_at
    assert first.tables["clientes"][0] == 1
    as_delta = read_tables(DatabaseExport(schema, DAY, "delta"), CORE).control
    execute(schema, "UPDATE pessoas_fisicas SET nome_social = 'Bia'")
    other = read_tables(full(schema), CORE).control
    assert len({first.batch_id, as_delta.batch_id, other.batch_id}) == 3


def test_a_delta_touches_only_whom_it_has(schema: str, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'served.db'}"
    both = natural_person("F1", "52998224725"), natural_person("F2", "11144477735")
    published(write_export(tmp_path / "both", *both, day="2026-11-19"), database)

    served = published(DatabaseExport(schema, DAY, "delta"), database)
    assert [row["core_key"] for row in served["personal_identifications"]] == ["F1", "F2"]
    served = published(full(schema), database)
    assert [row["core_key"] for row in served["personal_identifications"]] == ["F1"]


def test_the_ledger_and_explain_know_the_schema_but_no_password(schema: str, tmp_path: Path) -> None:
    parts = urlsplit(schema)
    login = parts._replace(netloc=f"postgres:geheim@{parts.hostname}:{parts.port}").geturl()
    database = f"sqlite:///{tmp_path / 'served.db'}"
    published(full(login), database)
    with open_store(database) as store:
        [run] = store.query("SELECT export FROM runs")
    assert run["export"] == address_of(full(login)) == schema

    question = Question("F1", ("personal_identifications",), None, None, SECRET, (), "reference")
    with glance(database) as opened:
        answer = explain(question, opened)
    assert schema in answer.notes[0]
    assert "may have changed since" in answer.notes[0]
    [document] = answer.documents
    assert document.state == "served"
    assert any(value.xpath == "/data/civilName" and value.status == "served" for value in document.values)
