"""Where PostgreSQL keeps the documents: large runs in a partition of their own, small ones in a shared one.

A run's documents are loaded into a table apart, without keys, which costs a third less than rows in the order
of a hash into a keyed table. When the run is about to be published its table is given its keys and attached.
A run that brings little is moved into the shared partition instead: a partition for each intraday run would
make every look-up visit hundreds of indexes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from sql.tables import documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

# A partition of its own is for at least so many documents, and at least this share of those stored before: so
# the number of partitions grows with the logarithm of what is stored.
_OWN_ROWS = 100_000
_OWN_SHARE = 0.1
_INDEXED = ("customer_id", "core_key", "tax_id")
_NAMES = ", ".join(column.name for column in documents.columns)
_STATISTICS = 10
_ANALYZED = ", ".join(column.name for column in documents.columns if column.name != "document")


class Key(NamedTuple):
    """One index of a run's own table, and the statement that makes it unless it is there."""

    name: str
    statement: str


def table_of(run_seq: int) -> str:
    """Return the name of the table that a run's documents are loaded into."""
    return f"serving.documents_{run_seq}"


def present(connection: Connection, run_seq: int) -> str | None:
    """Return the name of the table of a run's documents, if there is one apart from those of other runs."""
    return table_of(run_seq) if _exists(connection, run_seq) else None


def prepare(connection: Connection, run_seq: int) -> None:
    """Make the table that a run's documents are loaded into, unless it is there."""
    _lock(connection, run_seq)
    if not _exists(connection, run_seq):
        connection.exec_driver_sql(
            f"CREATE TABLE {table_of(run_seq)} (LIKE serving.documents INCLUDING DEFAULTS,"
            f" CHECK (segment = {run_seq}))"
        )
        connection.exec_driver_sql(
            f"ALTER TABLE {table_of(run_seq)} ALTER COLUMN segment SET DEFAULT {run_seq}"
        )
        _hand_over(connection, table_of(run_seq))


def keys(connection: Connection, run_seq: int) -> list[Key]:
    """List the keys that a run's documents need before they are settled; none where they get no partition."""
    _lock(connection, run_seq)
    if _is_settled(connection, run_seq) or not _deserves_partition(connection, run_seq):
        return []
    return _keys(run_seq)


def make_key(connection: Connection, run_seq: int, key: Key) -> None:
    """Make a key, unless it is there; keys of one table may be made at the same time."""
    # A session that was lost may be making the same one still.
    _lock(connection, run_seq, key.name)
    connection.exec_driver_sql(key.statement)


def settle(connection: Connection, run_seq: int) -> None:
    """Make a run's documents part of ``documents``, still unseen; nothing is done the second time."""
    _lock(connection, run_seq)
    if _is_settled(connection, run_seq):
        return
    if _deserves_partition(connection, run_seq):
        _attach(connection, run_seq)
    else:
        table = table_of(run_seq)
        connection.exec_driver_sql(f"INSERT INTO serving.documents ({_NAMES}) SELECT {_NAMES} FROM {table}")  # noqa: S608
        connection.exec_driver_sql(f"DROP TABLE {table}")


def discard(connection: Connection, run_seqs: Sequence[int]) -> int:
    """Delete the documents of runs that will never be published and return their number."""
    # Small runs may have been settled before they died; what the shared partition holds has no other home.
    shared = text("DELETE FROM serving.documents_shared WHERE run_seq = ANY(:run_seqs)")
    return connection.execute(shared, {"run_seqs": list(run_seqs)}).rowcount + sum(
        _drop(connection, run_seq) for run_seq in run_seqs
    )


def _drop(connection: Connection, run_seq: int) -> int:
    _lock(connection, run_seq)
    if not _exists(connection, run_seq):
        return 0
    rows: int = connection.exec_driver_sql(f"SELECT count(*) FROM {table_of(run_seq)}").scalar_one()  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {table_of(run_seq)}")
    return rows


def unsettled(connection: Connection) -> list[str]:
    """List the tables of documents that are not part of ``documents`` yet."""
    statement = """
        SELECT 'serving.' || c.relname
        FROM pg_class AS c
        WHERE c.relnamespace = 'serving'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
          AND c.relname ~ '^documents_[0-9]+$'
    """
    return list(connection.scalars(text(statement)))


def drop_empty(connection: Connection) -> int:
    """Drop the partitions of single runs that hold no document any more and return their number."""
    statement = """
        SELECT c.oid::regclass::text
        FROM pg_class AS c
        WHERE c.relnamespace = 'serving'::regnamespace AND c.relispartition AND c.relkind = 'r'
          AND c.relname ~ '^documents_[0-9]+$'
    """
    empty = [
        name
        for name in connection.scalars(text(statement))
        if not connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {name})").scalar_one()  # noqa: S608
    ]
    for name in empty:
        connection.exec_driver_sql(f"DROP TABLE {name}")
    return len(empty)


def _hand_over(connection: Connection, table: str) -> None:
    """Let the owner of all documents own these too, so that any member of that role can attach or drop them."""
    statement = """
        SELECT quote_ident(tableowner) FROM pg_tables
        WHERE schemaname = 'serving' AND tablename = 'documents' AND tableowner <> current_user
    """
    for owner in connection.scalars(text(statement)):
        connection.exec_driver_sql(f"ALTER TABLE {table} OWNER TO {owner}")


def _attach(connection: Connection, run_seq: int) -> None:
    table = table_of(run_seq)
    primary, *_ = wanted = _keys(run_seq)
    for key in wanted:
        make_key(connection, run_seq, key)
    connection.exec_driver_sql(
        f"ALTER TABLE {table} ADD CONSTRAINT {primary.name} PRIMARY KEY USING INDEX {primary.name}"
    )
    # Look-ups by key need no more than this; the usual sample is the whole of a table this small, its texts sorted.
    connection.exec_driver_sql(f"SET LOCAL default_statistics_target = {_STATISTICS}")
    connection.exec_driver_sql(f"ANALYZE {table} ({_ANALYZED})")
    connection.exec_driver_sql("SET LOCAL default_statistics_target TO DEFAULT")
    connection.exec_driver_sql(
        f"ALTER TABLE serving.documents ATTACH PARTITION {table} FOR VALUES IN ({run_seq})"
    )


def _keys(run_seq: int) -> list[Key]:
    """Spell the keys as those of ``documents``, which takes them for its own; the first one is the primary key."""
    table = table_of(run_seq)
    primary, named = f"documents_{run_seq}_pkey", f"documents_{run_seq}_{{}}_idx"
    return [
        Key(primary, f"CREATE UNIQUE INDEX IF NOT EXISTS {primary} ON {table} (document_id, segment)"),
        *(
            Key(name, f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({column})")
            for column in _INDEXED
            for name in [named.format(column)]
        ),
    ]


def _deserves_partition(connection: Connection, run_seq: int) -> bool:
    least = max(_OWN_ROWS, math.ceil(_OWN_SHARE * _stored(connection)))
    # Counting them all would read them all.
    reached = f"SELECT EXISTS (SELECT FROM {table_of(run_seq)} OFFSET {least - 1})"  # noqa: S608 (ours)
    return bool(connection.exec_driver_sql(reached).scalar_one())


def _stored(connection: Connection) -> int:
    """Estimate the documents stored, from the server's own statistics."""
    statement = """
        SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'serving.documents'::regclass
    """
    stored: int = connection.exec_driver_sql(statement).scalar_one()
    return stored


def _exists(connection: Connection, run_seq: int) -> bool:
    statement = text("SELECT to_regclass(:name) IS NOT NULL")
    return bool(connection.scalars(statement, {"name": table_of(run_seq)}).one())


def _is_settled(connection: Connection, run_seq: int) -> bool:
    return not _exists(connection, run_seq) or _attached(connection, run_seq)


def _attached(connection: Connection, run_seq: int) -> bool:
    statement = text("SELECT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(:name))")
    return bool(connection.scalars(statement, {"name": table_of(run_seq)}).one())


def _lock(connection: Connection, run_seq: int, what: str = "documents") -> None:
    """Let the processes that write one run take turns around its table, or a key of it; ends with the transaction."""
    statement = text("SELECT pg_advisory_xact_lock(hashtext(:what), :run_seq)")
    connection.execute(statement, {"what": f"cadastra {what}", "run_seq": run_seq})
