"""Where PostgreSQL keeps what a run brings: a large run's in partitions of its own, a small one's in shared ones.

A run's documents, states of persons and fingerprints are loaded into tables apart, without keys: rows in the order of
a hash cost a keyed table several times as much, and the more the larger it is. When the run is about to be published
its tables are given their keys and attached. What is little is moved into the shared partition instead: a partition
for each intraday run would make every look-up visit hundreds of indexes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from customers.errors import CadastraError
from sql.tables import SCHEMAS, customer_states, documents, fingerprints

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Table

PARTITIONED = (documents, customer_states, fingerprints)
_SCHEMAS = {name: schema for schema, names in SCHEMAS.items() for name in names}
# A partition of its own is for at least so many rows, and at least this share of those stored before: so the number
# of partitions grows with the logarithm of what is stored.
_OWN_ROWS = 25_000
_OWN_SHARE = 0.1
_STATISTICS = 10
# Keys are sorted quicker within the processor's cache than in more memory, while all that was sorted is merged at once.
_SORT_MEMORY = "16MB"
_MERGED_AT_ONCE = 8 * 1024**3


class Own(NamedTuple):
    """The table that one run's rows of a whole are loaded into."""

    whole: Table
    run_seq: int

    @property
    def bare(self) -> str:
        """Return its name without the schema."""
        return f"{self.whole.name}_{self.run_seq}"

    @property
    def name(self) -> str:
        """Return its name with the schema."""
        return f"{_SCHEMAS[self.whole.name]}.{self.bare}"


class Key(NamedTuple):
    """One index of a run's own table, and the statement that makes it unless it is there."""

    own: Own
    name: str
    statement: str


def table_of(whole: Table, run_seq: int) -> str:
    """Return the name of the table that a run's rows are loaded into."""
    return Own(whole, run_seq).name


def shared(whole: Table) -> str:
    """Return the name of the partition of all small runs."""
    return f"{_name(whole)}_shared"


def present(connection: Connection, whole: Table, run_seq: int) -> str | None:
    """Return the name of the table of a run's rows, if there is one apart from those of other runs."""
    name = table_of(whole, run_seq)
    return name if name in _existing(connection, [name]) else None


def prepare(connection: Connection, run_seq: int, wholes: Iterable[Table]) -> None:
    """Make the tables that a run's rows are loaded into, unless they are there."""
    _lock(connection, run_seq)
    wanted = {own.name: own for own in (Own(whole, run_seq) for whole in wholes)}
    for own in (wanted[name] for name in wanted.keys() - _existing(connection, list(wanted))):
        # What is being loaded need not be vacuumed and sampled time and again; what was loaded, not written once more
        # to say that all of it is visible.
        connection.exec_driver_sql(
            f"CREATE TABLE {own.name} (LIKE {_name(own.whole)} INCLUDING DEFAULTS, CHECK (segment = {run_seq}))"
            " WITH (autovacuum_enabled = false, autovacuum_vacuum_insert_threshold = -1)"
        )
        connection.exec_driver_sql(f"ALTER TABLE {own.name} ALTER COLUMN segment SET DEFAULT {run_seq}")
        _hand_over(connection, own)


def keys(connection: Connection, run_seq: int) -> list[Key]:
    """List the keys that a run's tables need before they are settled; none for those that become no partition."""
    _lock(connection, run_seq)
    large = [own for own in _unsettled_of(connection, run_seq) if _deserves_partition(connection, own)]
    return [key for own in large for key in _keys(own)]


def make_key(connection: Connection, key: Key) -> None:
    """Make a key, unless it is there; keys of one table may be made at the same time."""
    # A session that was lost may be making the same one still.
    _lock(connection, key.own.run_seq, key.name)
    size = connection.scalars(text("SELECT pg_relation_size(:name)"), {"name": key.own.name}).one()
    if size < _MERGED_AT_ONCE:
        connection.exec_driver_sql(f"SET LOCAL maintenance_work_mem = '{_SORT_MEMORY}'")
    _tell_no_row(connection, key.own, key.statement)


def settle(connection: Connection, run_seq: int) -> None:
    """Make a run's rows part of their wholes, still unseen; nothing is done the second time."""
    _lock(connection, run_seq)
    for own in _unsettled_of(connection, run_seq):
        if _deserves_partition(connection, own):
            _attach(connection, own)
        else:
            _move(connection, own)


def discard(connection: Connection, run_seqs: Sequence[int]) -> dict[str, int]:
    """Delete the rows of runs that will never be published and return their number by whole."""
    return {whole.name: _discard(connection, whole, run_seqs) for whole in PARTITIONED}


def _discard(connection: Connection, whole: Table, run_seqs: Sequence[int]) -> int:
    # Small runs may have been settled before they died; what the shared partition holds has no other home.
    rest = text(f"DELETE FROM {shared(whole)} WHERE run_seq = ANY(:run_seqs)")  # noqa: S608 (our own names)
    gone = connection.execute(rest, {"run_seqs": list(run_seqs)}).rowcount
    # Nobody makes them any more: only a run that is running may, and these are not.
    for name in sorted(_existing(connection, [table_of(whole, run_seq) for run_seq in run_seqs])):
        gone += connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608 (ours)
        connection.exec_driver_sql(f"DROP TABLE {name}")
    return gone


def unsettled(connection: Connection, whole: Table) -> list[str]:
    """List the tables of rows that are not part of their whole yet."""
    return _of_single_runs(connection, whole, attached=False)


def drop_empty(connection: Connection) -> int:
    """Drop the partitions of single runs that hold no row any more and return their number."""
    empty = [
        name
        for whole in PARTITIONED
        for name in _of_single_runs(connection, whole, attached=True)
        if not connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {name})").scalar_one()  # noqa: S608 (ours)
    ]
    for name in empty:
        connection.exec_driver_sql(f"DROP TABLE {name}")
    return len(empty)


def _of_single_runs(connection: Connection, whole: Table, *, attached: bool) -> list[str]:
    statement = text("""
        SELECT c.relnamespace::regnamespace::text || '.' || c.relname
        FROM pg_class AS c
        WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind = 'r' AND c.relispartition = :attached
          AND c.relname ~ :names
    """)
    values = {
        "schema": _SCHEMAS[whole.name],
        "attached": attached,
        "names": f"^{whole.name}_[0-9]+$",
    }
    return list(connection.scalars(statement, values))


def _name(whole: Table) -> str:
    return f"{_SCHEMAS[whole.name]}.{whole.name}"


def _columns(whole: Table, *but: str) -> str:
    return ", ".join(column.name for column in whole.columns if column.name not in but)


def _hand_over(connection: Connection, own: Own) -> None:
    """Let the owner of the whole own this too, so that any member of that role can attach or drop it."""
    statement = text("""
        SELECT quote_ident(tableowner) FROM pg_tables
        WHERE schemaname = :schema AND tablename = :name AND tableowner <> current_user
    """)
    values = {"schema": _SCHEMAS[own.whole.name], "name": own.whole.name}
    for owner in connection.scalars(statement, values).all():
        connection.exec_driver_sql(f"ALTER TABLE {own.name} OWNER TO {owner}")


def _keys(own: Own) -> list[Key]:
    """Spell the keys as those of the whole, which takes them for its own; the first one is the primary key."""
    primary = f"{own.bare}_pkey"
    columns = ", ".join([*own.whole.primary_key.columns.keys(), "segment"])
    others = sorted(index.columns.keys()[0] for index in own.whole.indexes)
    return [
        Key(own, primary, f"CREATE UNIQUE INDEX IF NOT EXISTS {primary} ON {own.name} ({columns})"),
        *(
            Key(own, name, f"CREATE INDEX IF NOT EXISTS {name} ON {own.name} ({column})")
            for column in others
            for name in [f"{own.bare}_{column}_idx"]
        ),
    ]


def _attach(connection: Connection, own: Own) -> None:
    primary, *_ = wanted = _keys(own)
    for key in wanted:
        make_key(connection, key)
    connection.exec_driver_sql(
        f"ALTER TABLE {own.name} ADD CONSTRAINT {primary.name} PRIMARY KEY USING INDEX {primary.name}"
    )
    # Look-ups by key need no more than this; the usual sample is the whole of a table this small, its texts sorted.
    connection.exec_driver_sql(f"SET LOCAL default_statistics_target = {_STATISTICS}")
    connection.exec_driver_sql(f"ANALYZE {own.name} ({_columns(own.whole, 'document')})")
    connection.exec_driver_sql("SET LOCAL default_statistics_target TO DEFAULT")
    connection.exec_driver_sql(f"ALTER TABLE {own.name} RESET (autovacuum_enabled)")
    connection.exec_driver_sql(
        f"ALTER TABLE {_name(own.whole)} ATTACH PARTITION {own.name} FOR VALUES IN ({own.run_seq})"
    )


def _move(connection: Connection, own: Own) -> None:
    columns = _columns(own.whole)
    # Documents are numbered as they come; of the others neighbours go to the same page of the key.
    order = "" if own.whole is documents else f" ORDER BY {own.whole.primary_key.columns.keys()[0]}"
    _tell_no_row(
        connection,
        own,
        f"INSERT INTO {_name(own.whole)} ({columns}) SELECT {columns} FROM {own.name}{order}",  # noqa: S608 (ours)
    )
    connection.exec_driver_sql(f"DROP TABLE {own.name}")


def _tell_no_row(connection: Connection, own: Own, statement: str) -> None:
    """Run a statement that a row may break; the server's own words would quote it."""
    try:
        connection.exec_driver_sql(statement)
    except IntegrityError as error:
        message = f"table {own.whole.name} refuses the rows: {type(error.orig).__name__}"
        raise CadastraError(message) from None


def _deserves_partition(connection: Connection, own: Own) -> bool:
    least = max(_OWN_ROWS, math.ceil(_OWN_SHARE * _stored(connection, own.whole)))
    # Counting them all would read them all.
    reached = f"SELECT EXISTS (SELECT FROM {own.name} OFFSET {least - 1})"  # noqa: S608 (ours)
    return bool(connection.exec_driver_sql(reached).scalar_one())


def _stored(connection: Connection, whole: Table) -> int:
    """Estimate the rows stored, from the server's own statistics."""
    statement = text("""
        SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(:name)
    """)
    stored: int = connection.scalars(statement, {"name": _name(whole)}).one()
    return stored


def _unsettled_of(connection: Connection, run_seq: int) -> list[Own]:
    mine = [Own(whole, run_seq) for whole in PARTITIONED]
    there = _existing(connection, [own.name for own in mine], "NOT c.relispartition")
    return [own for own in mine if own.name in there]


def _existing(connection: Connection, names: list[str], which: str = "true") -> set[str]:
    statement = f"""
        SELECT n.name FROM unnest(CAST(:names AS text[])) AS n (name)
        JOIN pg_class AS c ON c.oid = to_regclass(n.name) WHERE {which}
    """  # noqa: S608 (our own words)
    return set(connection.scalars(text(statement), {"names": names}))


def _lock(connection: Connection, run_seq: int, what: str = "documents") -> None:
    """Let the processes that write one run take turns around its tables, or a key; ends with the transaction."""
    statement = text("SELECT pg_advisory_xact_lock(hashtext(:what), :run_seq)")
    connection.execute(statement, {"what": f"cadastra {what}", "run_seq": run_seq})
