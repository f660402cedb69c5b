"""What each role of PostgreSQL may do, tried by connecting as it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier, Literal

from customers.errors import UsageError
from customers.structures import STRUCTURES
from sql.erasure import Person, erase
from sql.lock import hold
from sql.migrate import upgrade
from sql.purge import purge
from sql.roles import ROLES, apply_roles
from sql.rollback import rollback
from sql.store import open_store
from tests.functional.test_store import ANA, BIA, begun, day_of, documents, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ETL, API, QUALITY = ROLES
SERVED = [*(structure.name for structure in STRUCTURES), "served", "customers", "consents", "publications"]
MEASURED = [
    *("runs", "run_counts", "rule_results", "findings", "quality_runs", "quality_conformance"),
    *("quality_completeness", "quality_top_rules", "quality_quarantine", "quality_unmapped_codes"),
    *("freshness", "quality_freshness"),
]
HIDDEN = [
    *(
        "serving.documents",
        "serving.documents_shared",
        "serving.customer_states",
        "serving.periods",
    ),
    *(
        "serving.refused_now",
        "serving.history",
        "control.served_again",
        "control.retired",
        "control.stale_marks",
    ),
    *("control.sequences", "control.run_lock", "control.erasures", "control.purges"),
]


@pytest.fixture
def login(postgres_database: str) -> Iterator[Callable[[str], str]]:
    """Give a function that makes a login role, member of one of ours, and returns its URL."""
    upgrade(postgres_database)
    made: list[str] = []
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        present = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles")}
        apply_roles(postgres_database)

        def make(role: str) -> str:
            name, password = f"{role}_{uuid4().hex}", uuid4().hex
            create = SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
            admin.execute(create.format(Identifier(name), Literal(password), Identifier(role)))
            made.append(name)
            return url_of(postgres_database, name, password)

        yield make
        forget(admin, [*made, *(role for role in ROLES if role not in present)])


def forget(admin: psycopg.Connection, roles: list[str]) -> None:
    for role in roles:
        name = Identifier(role)
        admin.execute(SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(name))
        admin.execute(SQL("DROP OWNED BY {}").format(name))
        admin.execute(SQL("DROP ROLE {}").format(name))


def url_of(database: str, name: str, password: str) -> str:
    parts = urlsplit(database)
    return parts._replace(netloc=f"{quote(name)}:{password}@{parts.hostname}:{parts.port}").geturl()


def refused(connection: psycopg.Connection, statement: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(statement.encode())
    except errors.InsufficientPrivilege:
        return True
    return False


def readable(connection: psycopg.Connection, names: list[str]) -> list[str]:
    return [name for name in names if not refused(connection, f"SELECT * FROM {name} LIMIT 1")]


def test_the_etl_role_does_everything_that_runs_need(login: Callable[[str], str]) -> None:
    url = login(ETL)
    with open_store(url) as store:
        with hold(store, "run-1"):
            small = begun(store, 1, "run-1")
            store.write_documents(small, documents({ANA: "1"}))
            publish(store, small, 1)
        with hold(store, "run-2"):
            large = begun(store, 2, "run-2")
            store.write_documents(large, documents({f"id-{i}": "1" for i in range(100_000)}))
            publish(store, large, 2)
        with hold(store, "run-3"):
            rollback(store, "run-3", "run-2", "a test")
        with hold(store, "purge"):
            purge(store, 1)
            erase(store, Person("x", "12345678909", [], [], [], []))
        assert [row["customer_id"] for row in store.query("SELECT * FROM personal_identifications")] == [ANA]
        day_of(store, 4, {BIA: "1"})
    with open_store(login(ETL)) as another:  # the tables of one member are no other member's
        day_of(another, 5, {ANA: "1"})
    upgrade(url)


def test_the_etl_role_has_no_right_beyond_the_database(login: Callable[[str], str]) -> None:
    with psycopg.connect(login(ETL), autocommit=True) as connection:
        for statement in ("CREATE ROLE x", "CREATE DATABASE x", "ALTER ROLE cadastra_api LOGIN"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_api_role_reads_what_is_served_and_nothing_else(
    login: Callable[[str], str], postgres_database: str
) -> None:
    with open_store(postgres_database) as store:
        day_of(store, 1, {ANA: "1", BIA: "1"})
    with psycopg.connect(login(API)) as connection:
        assert readable(connection, SERVED) == SERVED
        assert readable(connection, [*HIDDEN, *(f"quality.{name}" for name in MEASURED)]) == []
        found = connection.execute("SELECT customer_id FROM personal_identifications ORDER BY 1").fetchall()
        assert found == [(ANA,), (BIA,)]
        for statement in (
            "DELETE FROM customers",
            "INSERT INTO publications VALUES (9, 'x', 'x')",
            "UPDATE consents SET status = 'x'",
            "CREATE TABLE serving.mine (x integer)",
        ):
            assert refused(connection, statement)


def test_a_partition_made_later_is_served_but_not_readable(
    login: Callable[[str], str], postgres_database: str
) -> None:
    with open_store(login(ETL)) as store:
        large = begun(store, 1)
        store.write_documents(large, documents({f"id-{i}": "1" for i in range(100_000)}))
        with psycopg.connect(login(API)) as connection:
            assert refused(connection, f"SELECT * FROM serving.documents_{large}")
            publish(store, large, 1)
            counted = connection.execute("SELECT COUNT(*) FROM personal_identifications").fetchone()
            assert counted == (100_000,)
            assert refused(connection, f"SELECT * FROM serving.documents_{large}")
    with psycopg.connect(postgres_database) as admin:
        owner = "SELECT tableowner FROM pg_tables WHERE tablename = %s"
        assert admin.execute(owner, [f"documents_{large}"]).fetchone() == (ETL,)


def test_the_quality_role_reads_measures_and_no_person(login: Callable[[str], str]) -> None:
    with psycopg.connect(login(QUALITY)) as connection:
        assert readable(connection, MEASURED) == MEASURED
        assert readable(connection, HIDDEN) == []
        assert readable(connection, [f"serving.{name}" for name in SERVED[:-1]]) == []
        assert refused(connection, "SELECT * FROM control.publications")
        columns = connection.execute(
            "SELECT DISTINCT column_name FROM information_schema.columns"  # those that the user has a right on
            " WHERE table_schema IN ('serving', 'quality', 'control')"
        ).fetchall()
        named = {row[0] for row in columns}
        assert "customer_ref" in named
        assert named & {"document", "tax_id", "core_key", "customer_id", "person_id"} == set()
        assert refused(connection, "DELETE FROM findings")
        assert refused(connection, "INSERT INTO runs (run_id) VALUES ('x')")


@pytest.mark.parametrize("role", [API, QUALITY])
def test_a_reader_opens_the_store_without_migrating(login: Callable[[str], str], role: str) -> None:
    with open_store(login(role), migrate=False) as store:
        assert store.query("SELECT 1 AS one") == [{"one": 1}]


def test_roles_can_log_in_themselves_and_find_the_names(
    login: Callable[[str], str], postgres_database: str
) -> None:
    login(ETL)
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        paths = {}
        for role in ROLES:
            admin.execute(SQL("ALTER ROLE {} LOGIN PASSWORD 'only here'").format(Identifier(role)))
            with psycopg.connect(url_of(postgres_database, role, "only%20here")) as connection:
                paths[role] = connection.execute("SHOW search_path").fetchone()
            admin.execute(SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(Identifier(role)))
    assert paths == {
        ETL: ("serving, quality, control, public",),
        API: ("serving, control, public",),
        QUALITY: ("quality, control, public",),
    }


def test_the_script_changes_nothing_the_second_time(
    login: Callable[[str], str], postgres_database: str
) -> None:
    login(ETL)
    rights = "SELECT oid::regclass::text, relowner, relacl::text FROM pg_class ORDER BY 1"
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        before = admin.execute(rights).fetchall()
        apply_roles(postgres_database)
        assert admin.execute(rights).fetchall() == before


def test_rights_that_are_not_meant_go_and_those_of_new_views_come(
    login: Callable[[str], str], postgres_database: str
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        admin.execute("GRANT SELECT ON serving.documents TO cadastra_api")
        admin.execute("DROP VIEW quality.quality_runs")
    upgrade(login(ETL))
    with psycopg.connect(login(API)) as connection:
        assert refused(connection, "SELECT * FROM serving.documents")
    with psycopg.connect(login(QUALITY)) as connection:
        assert readable(connection, ["quality_runs"]) == ["quality_runs"]


def test_an_administrator_needs_no_superuser(postgres_database: str) -> None:
    owner, password = f"owner_{uuid4().hex}", uuid4().hex
    database = Identifier(urlsplit(postgres_database).path.removeprefix("/"))
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        present = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles")}
        create = SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}")
        admin.execute(create.format(Identifier(owner), Literal(password)))
        admin.execute(SQL("ALTER DATABASE {} OWNER TO {}").format(database, Identifier(owner)))
        url = url_of(postgres_database, owner, password)
        upgrade(url)
        apply_roles(url)
        apply_roles(url)
        with open_store(url) as store:
            day_of(store, 1, {ANA: "1"})
        forget(admin, [*(role for role in ROLES if role not in present), owner])


def test_sqlite_has_no_roles(sqlite_url: str) -> None:
    with pytest.raises(UsageError, match="SQLite has no roles"):
        apply_roles(sqlite_url)


def test_a_user_without_the_right_is_told_so(login: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="may not make roles"):
        apply_roles(login(QUALITY))
