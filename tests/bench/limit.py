"""The limits that no program can beat: COPY of our run's own bytes, and pyarrow.csv alone on our export."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pyarrow as pa
from pyarrow import csv

from mappings.extract import open_export
from sql.copy_binary import payload
from tests.bench.measure import ServerClock
from tests.bench.plan import CORE

if TYPE_CHECKING:
    from collections.abc import Callable

# The columns and the keys of serving.documents.
NAMES = (
    *("document_id", "run_seq", "structure", "version", "customer_id"),
    *("core_key", "tax_id", "content_hash", "update_date_time", "document"),
)
_TYPES = {"document_id": "bigint", "run_seq": "integer"}
_COLUMNS = ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in NAMES)
_ROWS = 50_000
_TURNS = 4
_KEYS = (
    "ALTER TABLE copied ADD PRIMARY KEY (document_id)",
    *(f"CREATE INDEX ON copied ({name})" for name in ("customer_id", "core_key", "tax_id")),
)
KINDS = {
    "unlogged, no key": (f"CREATE UNLOGGED TABLE copied ({_COLUMNS})", ()),
    "logged, primary key in place": (f"CREATE TABLE copied ({_COLUMNS}, PRIMARY KEY (document_id))", ()),
    "logged, then the product's four keys": (f"CREATE TABLE copied ({_COLUMNS})", _KEYS),
}


def stored(url: str) -> list[bytes]:
    """Return the documents that a run stored as the pieces of one binary COPY."""
    kinds = {"document_id": pa.int64(), "run_seq": pa.int32()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in NAMES])
    pieces: list[bytes] = []
    with psycopg.connect(url) as connection:
        cursor = connection.cursor("bench")
        cursor.execute(f"SELECT {', '.join(NAMES)} FROM serving.documents")
        while rows := cursor.fetchmany(_ROWS):
            block = pa.table(
                [
                    pa.array(column, field.type)
                    for column, field in zip(zip(*rows, strict=True), schema, strict=True)
                ],
                schema=schema,
            )
            # Every block has its own header and trailer: a COPY each, as the product does for each bucket.
            pieces.append(b"".join(payload(block)))
    return pieces


def copy_seconds(url: str, pieces: list[bytes], kind: str) -> dict[str, float | None]:
    """Return the wall time of one COPY into a new table, its keys included, and the processor time with it."""
    create, keys = KINDS[kind]
    clock = ServerClock(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS copied")
        before, own, start = clock.seconds(), time.process_time(), time.perf_counter()
        with connection.transaction():
            connection.execute(create)
            for piece in pieces:
                with connection.cursor().copy(
                    f"COPY copied ({', '.join(NAMES)}) FROM STDIN (FORMAT binary)"
                ) as copy:
                    copy.write(piece)
            for statement in keys:
                connection.execute(statement)
        wall, client = time.perf_counter() - start, time.process_time() - own
    after = clock.seconds()
    return {
        "wall": wall,
        "client": client,
        "server": None if before is None or after is None else after - before,
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
        pieces = stored(said.source)
        found["bytes"] = sum(map(len, pieces))
        found["copy"] = {
            kind: [copy_seconds(said.target, pieces, kind) for _ in range(said.runs)] for kind in KINDS
        }
    if said.export:
        found["reading"] = reading(said.export)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
