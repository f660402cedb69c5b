"""What is measured on: invented exports, and the pseudonyms that the rivals join."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from customers.pseudonyms import customer_ids
from mappings.control import CONTROL
from mappings.cores.reference.sample import write_sample
from mappings.cores.reference.sample.export import write_control, write_tables
from mappings.cores.reference.sample.layout import COLUMNS, KEY, Batch, Rows
from mappings.extract import read_export
from mappings.staging import keys_of
from tests.bench.plan import CORE

if TYPE_CHECKING:
    from pathlib import Path

    from mappings.extract import Export

SECRET = "an invented secret that only the benchmark uses"
DAY = date(2026, 11, 20)
SEED = 3
CHANGED = 0.01
_BATCH = 20_000


def sample(folder: Path, customers: int, form: str) -> Path:
    """Write an export without bad rows, and beside it the pseudonyms that the rivals join; once."""
    out = folder / f"{form}-{customers}"
    if not (out / "_ids.parquet").exists():
        write_sample(out, customers=customers, seed=SEED, bad=0.0, date=DAY, format=form)  # type: ignore[arg-type]
        keys = keys_of(read_export(out, CORE).tables["clientes"], CORE)
        pq.write_table(
            pa.table({"core_key": keys, "customer_id": customer_ids(keys, SECRET)}), out / "_ids.parquet"
        )
    return out


def delta(folder: Path, full: Path, customers: int) -> Path:
    """Write the delta in which one person in a hundred changed, a day later."""
    out = folder / f"delta-{customers}"
    if not (out / CONTROL).exists():
        write_sample(
            out,
            customers=customers,
            seed=SEED,
            bad=0.0,
            date=DAY + timedelta(days=1),
            format="csv",
            delta_of=full,
            changed=CHANGED,
        )
    return out


def again(folder: Path, full: Path, customers: int) -> Path:
    """Write the same content as a full export of the next day, its rows in another order: nothing changed."""
    out = folder / f"again-{customers}"
    if not (out / CONTROL).exists():
        before = read_export(full, CORE)
        _write(out, [_half(before, first=False), _half(before, first=True)])
    return out


def changed(folder: Path, full: Path, partly: Path, customers: int) -> Path:
    """Write the full export of the next day: what the delta has, and of all others what the first export has."""
    out = folder / f"changed-{customers}"
    if not (out / CONTROL).exists():
        before, after = read_export(full, CORE), read_export(partly, CORE)
        new = keys_of(after.tables["clientes"], CORE)
        rest = {
            name: raw.columns.filter(pc.invert(pc.is_in(raw.columns[KEY], new)))
            for name, raw in before.tables.items()
        }
        _write(out, [rest, {name: raw.columns for name, raw in after.tables.items()}])
    return out


# One cell of a table's first rows, and what it is broken into; each breaks a rule that every rival checks.
_BROKEN = {
    "emails": (2, b"no-at-sign"),
    "telefones": (5, b"1"),
    "filiacao": (2, b""),
    "qualificacoes_pf": (1, b"123X"),
    "empresas_cadastro": (0, b"gone"),
}
_BROKEN_ROWS = range(1, 6)


def broken(folder: Path) -> Path:
    """Write a small export in which a few values break rules of the dictionary."""
    out = sample(folder / "broken", 1_000, "csv")
    control = json.loads((out / CONTROL).read_text(encoding="utf-8"))
    for table, (column, text) in _BROKEN.items():
        path = out / f"{table}.csv"
        lines = path.read_bytes().split(b"\r\n")
        for row in _BROKEN_ROWS:
            cells = lines[row].split(b";")
            lines[row] = b";".join([*cells[:column], text, *cells[column + 1 :]])
        path.write_bytes(b"\r\n".join(lines))
        control["tables"][table]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (out / CONTROL).write_text(json.dumps(control), encoding="utf-8")
    return out


def _half(export: Export, *, first: bool) -> dict[str, pa.Table]:
    """Return all rows of one half of the customers."""
    keys = keys_of(export.tables["clientes"], CORE)
    half = keys.slice(0, len(keys) // 2)
    return {
        name: raw.columns.filter(pc.equal(pc.is_in(raw.columns[KEY], half), first))
        for name, raw in export.tables.items()
    }


def _write(out: Path, parts: list[dict[str, pa.Table]]) -> None:
    batches = [batch for part in parts for batch in _batches(part)]
    written = write_tables(out, iter(batches), "csv")
    write_control(out, written, "full", DAY + timedelta(days=1))


def _batches(part: dict[str, pa.Table]) -> list[Batch]:
    """Return the rows of tables as one batch of the sample's writer."""
    keys = pc.unique(pa.concat_arrays([table[KEY].combine_chunks() for table in part.values()]))
    tables = {}
    for name, columns in COLUMNS.items():
        table = part[name]
        owner = pc.index_in(table[KEY].combine_chunks(), keys).to_numpy(zero_copy_only=False).astype(np.int64)
        texts = {column: pc.fill_null(table[column].combine_chunks(), "") for column in columns}
        tables[name] = Rows(owner, texts)
    return [Batch(keys, tables)]


def size_of(export: Path) -> tuple[int, int]:
    """Return the rows and the bytes of an export's tables."""
    control = json.loads((export / CONTROL).read_text(encoding="utf-8"))
    rows = sum(table["rows"] for table in control["tables"].values())
    return rows, sum(path.stat().st_size for path in export.iterdir() if not path.name.startswith("_"))


def clear(folder: Path) -> None:
    """Remove a folder of inputs."""
    shutil.rmtree(folder, ignore_errors=True)
