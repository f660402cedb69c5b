"""Erase a person (LGPD): every copy of the documents, whatever names the person elsewhere, and what rests in a file.

What stays is a tombstone: a keyed hash of the tax id, when, and how many rows went. Documents of other customers that
name the person, as a partner or a representative, are theirs and stay; they are counted.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Text, bindparam, delete, func, insert, select, text, update

from customers.errors import UsageError
from sql import lock, partitions
from sql.clock import now
from sql.engine import is_postgres, writing
from sql.tables import (
    consents,
    customer_states,
    documents,
    erasures,
    findings,
    fingerprints,
    forgotten,
    retired,
    served_again,
    stale_marks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import BindParameter, Connection, Table

    from sql.store import Store

# A register may have had a document before its tax id was known; one with another tax id is somebody else's.
_DELETE = "DELETE FROM {table} WHERE tax_id = :tax_id OR (tax_id IS NULL AND core_key IN :core_keys)"

# What is served under these keys all the same is another person's, and must not be unknown to the next run.
_KNOWN = text("""
    INSERT INTO forgotten (core_key, run_seq, gone)
    SELECT DISTINCT d.core_key, p.last, 0
    FROM documents AS d CROSS JOIN (SELECT MAX(run_seq) AS last FROM publications) AS p
    WHERE d.core_key IN :core_keys AND p.last IS NOT NULL
""").bindparams(bindparam("core_keys", type_=Text, expanding=True))


@dataclass(frozen=True, slots=True)
class Person:
    """Whom to erase, by every name that the database may know; ``tombstone`` is what stays."""

    tombstone: str
    tax_id: str = field(repr=False)
    core_keys: Sequence[str] = field(repr=False)
    customer_ids: Sequence[str] = ()
    customer_refs: Sequence[str] = ()
    person_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: rows deleted by table, and documents of others that name the person and stay.

    ``rewritten`` says whether the file of a SQLite database holds no remains; None on PostgreSQL, where rows stay
    on the disk until VACUUM, and in the archive of the write-ahead log.
    """

    rows: dict[str, int]
    kept_mentions: int
    rewritten: bool | None


def registers_of(store: Store, tax_id: str) -> dict[str, str]:
    """Return the core keys, with their customer_id, under which documents of a tax id were ever stored."""
    with store.engine.connect() as connection:
        return {
            row.core_key: row.customer_id
            for table in _document_tables(connection)
            for row in connection.execute(
                text(f"SELECT DISTINCT core_key, customer_id FROM {table} WHERE tax_id = :tax_id"),  # noqa: S608 - our names
                {"tax_id": tax_id},
            )
        }


def erase(store: Store, person: Person) -> Erased:
    """Erase a person in one transaction and leave the tombstone; call it inside ``sql.lock.hold``."""
    with writing(store.engine) as connection:
        lock.verify(connection, store.token)
        if not is_postgres(connection):
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        counts = _erase(connection, person)
        mentions = _mentions(connection, person.tax_id)
        connection.execute(
            insert(erasures).values(
                person=person.tombstone, erased_at=now(connection), counts=json.dumps(counts, sort_keys=True)
            )
        )
        server = is_postgres(connection)
    return Erased(counts, mentions, None if server else _rewrite(store))


def lift(store: Store, tombstone: str) -> None:
    """Let a person be served again from the next export on; raise UsageError where no erasure is in force."""
    with writing(store.engine) as connection:
        lifted = connection.execute(
            update(erasures)
            .where(erasures.c.person == tombstone, erasures.c.lifted_at.is_(None))
            .values(lifted_at=now(connection))
        )
    if lifted.rowcount == 0:
        message = "no erasure of this person is in force"
        raise UsageError(message)


def _erase(connection: Connection, person: Person) -> dict[str, int]:
    gone = [
        row for table in _document_tables(connection) for row in _delete_documents(connection, table, person)
    ]
    ids = [row.document_id for row in gone]
    customers = {row.customer_id for row in gone} | set(person.customer_ids)
    counts = {"documents": len(ids)}
    for periods in (served_again, retired):
        counts[periods.name] = _delete(connection, periods.c.document_id, ids)
    left = connection.scalars(
        select(documents.c.customer_id).where(documents.c.customer_id.in_(sorted(customers)))
    )
    counts["stale_marks"] = _delete(connection, stale_marks.c.customer_id, customers - set(left))
    counts["customer_states"] = _delete(connection, customer_states.c.tax_id, [person.tax_id])
    counts["customer_states"] += _delete(connection, customer_states.c.person_id, person.person_ids)
    counts["findings"] = _delete(connection, findings.c.customer_ref, person.customer_refs)
    for remembered in (fingerprints, forgotten):
        counts[remembered.name] = _delete(connection, remembered.c.core_key, person.core_keys)
    connection.execute(_KNOWN, {"core_keys": list(person.core_keys)})
    counts["consents"] = _delete(connection, consents.c.tax_id, [person.tax_id])
    return counts


def _delete_documents(connection: Connection, table: str, person: Person) -> Sequence[Any]:
    statement = text(f"{_DELETE.format(table=table)} RETURNING document_id, customer_id")
    keys: BindParameter[str] = bindparam("core_keys", type_=Text, expanding=True)
    values = {"tax_id": person.tax_id, "core_keys": list(person.core_keys)}
    return connection.execute(statement.bindparams(keys), values).all()


def _delete(connection: Connection, column: Any, values: Iterable[object]) -> int:  # noqa: ANN401 - of any type
    wanted = list(values)
    return sum(
        connection.execute(delete(table).where(table.c[column.name].in_(wanted))).rowcount
        for table in [column.table, *_apart(connection, column.table)]
    )


def _document_tables(connection: Connection) -> list[str]:
    """Name where documents are."""
    return ["documents", *(table.fullname for table in _apart(connection, documents))]


def _apart(connection: Connection, whole: Table) -> list[Table]:
    """List the tables in which PostgreSQL keeps rows of held runs."""
    if not is_postgres(connection) or whole not in partitions.PARTITIONED:
        return []
    names = (name.split(".") for name in partitions.unsettled(connection, whole))
    return [whole.to_metadata(MetaData(), schema=schema, name=name) for schema, name in names]


def _mentions(connection: Connection, tax_id: str) -> int:
    naming = documents.c.document.contains(tax_id, autoescape=True)
    return connection.scalars(select(func.count()).select_from(documents).where(naming)).one()


def _rewrite(store: Store) -> bool:
    """Write the file of a SQLite database anew without what was ever deleted; False where others are using it."""
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("VACUUM")
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False
    return not busy
