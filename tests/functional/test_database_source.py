"""The third source of the layout: the tables in a database schema, as one snapshot shows them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from customers.structures import STRUCTURES
from flows.nightly import run_job
from flows.pipeline import Job
from flows.sources import DatabaseExport
from mappings.cores.reference.sample import write_sample
from sql.store import open_store
from tests.bank import CORE, SECRET
from tests.exports import natural_person, write_export
from tests.schemas import load_postgres, load_sqlite, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

DAY = date(2026, 11, 20)
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
