"""The limits that no program can beat: COPY of our run's own bytes, and pyarrow.csv alone on our export."""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pyarrow as pa
from pyarrow import csv

from mappings.extract import open_export
from sql import tables
from sql.copy_binary import payload
from sql.engine import SEARCH_PATH
from tests.bench.measure import ServerClock
from tests.bench.plan import CORE

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Table

_ROWS = 50_000
_TURNS = 4
_TYPES = {pa.string(): "text", pa.int32(): "integer", pa.int64(): "bigint"}
# What a run writes in bulk; of the first three the keys are made after the load, where a run is large.
_KEYS_AFTER = (tables.documents, tables.customer_states, tables.fingerprints)
_WRITTEN = (
    *_KEYS_AFTER,
    tables.served_again,
    tables.retired,
    tables.stale_marks,
    tables.forgotten,
    tables.findings,
    tables.rule_results,
)


class Copied(NamedTuple):
    """One table's rows as the pieces of binary COPYs, and the statements that make its like."""

    statement: str
    pieces: list[bytes]
    create: str
    keys: list[str]


class Kind(NamedTuple):
    """A way to load a table: as what, and how many of its keys are made before the rows, or all of them after."""

    words: str
    keys_before: int = 0
    keys_after: bool = False


_LOADED_FIRST = Kind("TABLE", keys_after=True)
_KEYED_FIRST = Kind("TABLE", keys_before=9)
KINDS = {
    "unlogged, no key": Kind("UNLOGGED TABLE"),
    "logged, primary key in place": Kind("TABLE", keys_before=1),
    "logged, then the product's keys": _LOADED_FIRST,
}


def stored(connection: psycopg.Connection[Any], table: Table) -> Copied:
    """Read what a run stored in a table, to be copied into one with the same keys."""
    schema = tables.arrow_schema(table)
    columns = ", ".join(schema.names)
    pieces: list[bytes] = []
    with connection.cursor("bench") as cursor:
        cursor.execute(f"SELECT {columns} FROM {table.name}".encode())
        while rows := cursor.fetchmany(_ROWS):
            # Every block has its own header and trailer: a COPY each, as the product does for each bucket.
            pieces.append(b"".join(payload(_block(rows, schema))))
    into = f"copied_{table.name}"
    keys = [f"CREATE INDEX ON {into} ({', '.join(index.columns.keys())})" for index in table.indexes]
    first = ", ".join(table.primary_key.columns.keys())
    if first:
        keys.insert(0, f"ALTER TABLE {into} ADD PRIMARY KEY ({first})")
    typed = ", ".join(
        f"{field.name} {_TYPES[field.type]}{'' if field.nullable else ' NOT NULL'}" for field in schema
    )
    statement = f"COPY {into} ({columns}) FROM STDIN (FORMAT binary)"
    return Copied(statement, pieces, f"{into} ({typed})", keys)


def _block(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in columns], schema=schema)


def load(connection: psycopg.Connection[Any], copied: Copied, kind: Kind) -> None:
    """Make a table, with its keys before or after the rows."""
    connection.execute(f"CREATE {kind.words} {copied.create}".encode())
    for statement in copied.keys[: kind.keys_before]:
        connection.execute(statement.encode())
    for piece in copied.pieces:
        with connection.cursor().copy(copied.statement.encode()) as copy:
            copy.write(piece)
    for statement in copied.keys if kind.keys_after else ():
        connection.execute(statement.encode())


def load_all(connection: psycopg.Connection[Any], written: dict[str, Copied]) -> None:
    """Load every table that a run writes, with the keys that it has in the product, made when the product does."""
    for table in _WRITTEN:
        load(connection, written[table.name], _LOADED_FIRST if table in _KEYS_AFTER else _KEYED_FIRST)


def seconds(url: str, work: Callable[[psycopg.Connection[Any]], None]) -> dict[str, float | None]:
    """Return the wall time of one transaction, and the processor time with it; nothing of it is kept."""
    clock = ServerClock(url)
    with psycopg.connect(url) as connection:
        before, own, start = clock.seconds(), time.process_time(), time.perf_counter()
        work(connection)
        wall, client = time.perf_counter() - start, time.process_time() - own
        after = clock.seconds()
        connection.rollback()
    return {
        "wall": wall,
        "client": client,
        "server": None if before is None or after is None else after - before,
    }


def copying(source: str, target: str, runs: int) -> dict[str, object]:
    """Return, by kind, the bytes that are copied and the seconds of each time."""
    with psycopg.connect(source) as connection:
        connection.execute(f"SET search_path = {SEARCH_PATH}".encode())
        written = {table.name: stored(connection, table) for table in _WRITTEN}
    documents = written["documents"]
    works: dict[str, tuple[list[Copied], Callable[[psycopg.Connection[Any]], None]]] = {
        name: ([documents], partial(load, copied=documents, kind=kind)) for name, kind in KINDS.items()
    }
    works["all that the run writes, logged, with the product's keys"] = (
        list(written.values()),
        partial(load_all, written=written),
    )
    return {
        name: {
            "bytes": sum(len(piece) for copied in parts for piece in copied.pieces),
            "runs": [seconds(target, work) for _ in range(runs)],
        }
        for name, (parts, work) in works.items()
    }


def reading(export: Path) -> dict[str, float]:
    """Return the least processor seconds of reading an export.

    By us, verified, chunk by chunk; by pyarrow.csv alone, one thread, text columns.
    """
    works: dict[str, Callable[[], None]] = {
        "ours": lambda: _read_chunks(export),
        "pyarrow.csv": lambda: _read_alone(export),
    }
    seconds: dict[str, float] = {}
    for _ in range(_TURNS):  # the first one also fills the system's cache
        for name, work in works.items():
            start = time.process_time()
            work()
            seconds[name] = min(time.process_time() - start, seconds.get(name, float("inf")))
    return seconds


def _read_chunks(export: Path) -> None:
    source = open_export(export, CORE)
    for name in source.names:
        for _ in source.chunks(name):
            pass


def _read_alone(export: Path) -> None:
    for table in CORE.tables.values():
        names = {CORE.key, *(source.column for source in table.columns.values())}
        csv.read_csv(
            export / f"{table.name}.csv",
            read_options=csv.ReadOptions(encoding=CORE.encoding, use_threads=False),
            parse_options=csv.ParseOptions(delimiter=CORE.separator, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
            ),
        )


def main() -> None:
    """Measure and write JSON to standard output."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", type=Path)
    parser.add_argument("--source")
    parser.add_argument("--target")
    parser.add_argument("--runs", type=int, default=1)
    said = parser.parse_args()
    found: dict[str, object] = {}
    if said.source:
        found["copy"] = copying(said.source, said.target, said.runs)
    if said.export:
        found["reading"] = reading(said.export)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
