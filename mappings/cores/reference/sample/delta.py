"""A later delta export: some persons of an earlier sample, complete, with something changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from mappings.cores.reference.sample import places
from mappings.cores.reference.sample.bad import Truth, tax_numbers
from mappings.cores.reference.sample.dirt import amounts
from mappings.cores.reference.sample.draw import (
    Draw,
    choose,
    constant,
    date_text,
    has_text,
    join,
    on,
    only,
    padded,
    timestamp_text,
)
from mappings.cores.reference.sample.export import ENCODING, TRUTH
from mappings.cores.reference.sample.layout import COLUMNS, DATES, DECIMALS, KEY, TIMESTAMPS, Batch, Rows
from mappings.cores.reference.sample.people import income_cents

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from mappings.cores.reference.sample.draw import Ints, Mask, Text


def _read(folder: Path, table: str) -> Any:  # noqa: ANN401 (pyarrow has no type stubs)
    """Read one table of a sample as text, in the form of the CSV.

    Raises FileNotFoundError when the folder has the table in neither format.
    """
    path = folder / f"{table}.csv"
    if not path.exists():
        stored = pq.read_table(folder / f"{table}.parquet").combine_chunks()
        return pa.table({name: _text(name, _flat(stored.column(name))) for name in stored.column_names})
    names = [KEY, *COLUMNS[table]]
    return pv.read_csv(
        path,
        read_options=pv.ReadOptions(encoding=ENCODING, use_threads=False),
        parse_options=pv.ParseOptions(delimiter=";", newlines_in_values=True),
        convert_options=pv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=names, strings_can_be_null=False
        ),
    )


def _flat(column: Any) -> Text:  # noqa: ANN401 (pyarrow has no type stubs)
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def _text(name: str, column: Text) -> Text:
    """Write native values as the CSV would."""
    if name in DATES:
        text = pc.strftime(column, format="%d/%m/%Y")
    elif name in TIMESTAMPS:
        text = pc.strftime(column.cast(pa.timestamp("s")), format="%d/%m/%Y %H:%M:%S")
    elif name in DECIMALS:
        text = pc.replace_substring(column.cast(pa.string()), ".", ",")
    else:
        text = column
    return pc.fill_null(text, "")


def _rows(folder: Path, table: str, keys: Text) -> Rows:
    """Read the rows that the chosen registers have in a table, in the order of the file."""
    stored = _read(folder, table)
    stored = stored.filter(pc.is_in(stored.column(KEY), value_set=keys))
    owner = np.asarray(_flat(pc.index_in(stored.column(KEY), value_set=keys)), np.int64)
    return Rows(owner, {name: _flat(stored.column(name)) for name in COLUMNS[table]})


def _chosen_keys(customers: Any, share: float, draw: Draw) -> Text:  # noqa: ANN401
    """Choose a share of the persons, one at least, and return the keys of all their registers, each once."""
    keys = _flat(customers.column(KEY))
    rows = Rows(np.arange(len(keys)), {name: _flat(customers.column(name)) for name in COLUMNS["clientes"]})
    numbers = tax_numbers(Batch(keys, {"clientes": rows}))
    # Who has no tax id is a person of its own; a CPF and a CNPJ may be the same number.
    company = np.asarray(pc.equal(rows.columns["tipo_pessoa"], "J"))
    person = np.where(numbers == 0, -1 - np.arange(len(keys)), numbers * 2 + company)
    known = np.unique(person)
    wanted = min(len(known), max(1, round(share * len(known)))) if share else 0
    picked = draw.rng.permutation(known)[:wanted]
    return pc.unique(keys.filter(pa.array(np.isin(person, picked))))


def draw_delta(folder: Path, changed: float, draw: Draw) -> tuple[Batch, list[Truth]]:
    """Choose a share of a sample's persons and change each of them; return also what was bad and still is.

    Registers that the sample's truth lists keep their defects: only their ``clientes.ts_atualizacao`` moves.
    """
    keys = _chosen_keys(_read(folder, "clientes"), changed, draw)
    batch = Batch(keys, {table: _rows(folder, table, keys) for table in COLUMNS})
    known = set(keys.to_pylist())
    truths = [truth for truth in _old_truths(folder) if truth.key in known]
    bad = np.asarray(pc.is_in(keys, value_set=pa.array(sorted({truth.key for truth in truths}), pa.string())))
    _change(batch, ~bad, draw)
    return batch, truths


def _old_truths(folder: Path) -> list[Truth]:
    path = folder / TRUTH
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return [Truth(*line.split(";", 2)) for line in lines]


def _change(batch: Batch, sound: Mask, draw: Draw) -> None:
    """Give persons new addresses, telephones and income, and those rows a later ``ts_atualizacao``."""
    _stamp(batch, "clientes", np.ones(len(batch.tables["clientes"].owner), np.bool_), draw)
    for table, columns in _changes(batch, draw).items():
        rows = batch.tables[table]
        mine = sound[rows.owner]
        for name, text in columns.items():
            rows.columns[name] = choose(mine, text, rows.columns[name])
        if "ts_atualizacao" in rows.columns:
            _stamp(batch, table, mine, draw)


def _changes(batch: Batch, draw: Draw) -> dict[str, dict[str, Text]]:
    streets, phones = batch.tables["enderecos"], batch.tables["telefones"]
    people, firms = batch.tables["qualificacoes_pf"], batch.tables["qualificacoes_pj"]
    count = len(streets.owner)
    brazilian = np.asarray(pc.equal(streets.columns["cod_pais"], "BRA"))
    street = join(draw.pick(count, places.STREET_KINDS), draw.pick(count, places.STREETS))
    earns = has_text(people.columns["valor_renda"])
    sells = has_text(firms.columns["valor_faturamento"])
    return {
        "enderecos": {
            "logradouro": choose(brazilian, street, streets.columns["logradouro"]),
            "numero": only(brazilian, padded(1 + draw.below(count, 4000), 1)),
        },
        "telefones": {"numero": _renumbered(draw, phones.columns["numero"])},
        "qualificacoes_pf": {
            "valor_renda": only(earns, amounts(draw, income_cents(draw, len(earns)))),
            "dt_renda": choose(earns, _today(draw, len(earns)), people.columns["dt_renda"]),
        },
        "qualificacoes_pj": {
            "valor_faturamento": only(sells, amounts(draw, income_cents(draw, len(sells)) * 60))
        },
    }


def _today(draw: Draw, size: int) -> Text:
    return constant(date_text(np.array([draw.today]))[0].as_py(), size)


def _renumbered(draw: Draw, numbers: Text) -> Text:
    """Change the last four digits of telephones, whatever their length."""
    return join(pc.utf8_slice_codeunits(numbers, 0, -4), padded(draw.below(len(numbers), 10_000), 4))


def _stamp(batch: Batch, table: str, mask: Mask, draw: Draw) -> None:
    rows = batch.tables[table]
    # Between 08:00 and 22:00 of the business date: later than anything in an earlier export, before this one.
    seconds: Ints = 8 * 3600 + draw.below(int(mask.sum()), 14 * 3600)
    days = np.full(len(seconds), draw.today)
    rows.columns["ts_atualizacao"] = on(
        mask, rows.columns["ts_atualizacao"], lambda _: timestamp_text(days, seconds)
    )
