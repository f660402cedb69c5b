"""Cut one person's rows out of an export without reading it whole: by a search for bytes, each row with its line.

The excerpt is an ``Export`` like any other, so that the same partition, staging and mapping make of it what the run
made of the whole.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import customer_ids
from mappings.control import read_control
from mappings.extract import Export, RawTable, table_files
from mappings.profile import NAMES, Customers
from mappings.staging import keys_of, stage_columns
from mappings.text_files import read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mappings.control import Control
    from mappings.core import Core

_SLICE = 1 << 24
_NEWLINE, _QUOTE = b"\n", b'"'
_SIGNS = re.compile(r"[.\-/()+ ]")
_CPF, _CNPJ = 11, 14
# What may stand between a key and the separators around it.
_PADDING = b' \t"'


@dataclass(frozen=True, slots=True)
class Haystack:
    """An export folder whose tables are searched."""

    control: Control
    core: Core
    folder: Path
    files: dict[str, Path]


def open_haystack(folder: Path, core: Core) -> Haystack:
    """Match the files of an export with its control file; their content is not verified again.

    Raises UnreadableInput without such a folder, ExportRefused where it is not an export of this core.
    """
    control = read_control(folder)
    return Haystack(control, core, folder, table_files(folder, control, core))


def keys_by_tax_id(hay: Haystack, text: str) -> list[str]:
    """Return the core keys of the registers whose tax id reads as the text does, masked or without its zeros or not."""
    digits = _SIGNS.sub("", text)
    wanted = {digits, digits.zfill(_CPF), digits.zfill(_CNPJ)}
    found = _customers(hay, _needles(digits))
    if found is None:
        return []
    tax_ids = stage_columns(found, hay.core, only=("person_kind", "tax_id"))["tax_id"]
    return _distinct(keys_of(found, hay.core).filter(pc.is_in(tax_ids, pa.array(sorted(wanted)))))


def keys_by_customer_id(hay: Haystack, customer_id: str, secret: str) -> list[str]:
    """Return the core key that the secret turns into a customer_id; reads the customers' table whole."""
    found = _customers(hay, [])
    if found is None:
        return []
    keys = keys_of(found, hay.core)
    return _distinct(keys.filter(pc.equal(customer_ids(keys, secret), customer_id)))


def excerpt(hay: Haystack, keys: list[str]) -> Export | None:
    """Return all rows of some core keys and of every register that describes the same person; None without any row."""
    every = sorted({*keys, *_siblings(hay, keys)})
    tables = {name: _rows_of(hay, path, every) for name, path in hay.files.items()}
    known = {name: raw for name, raw in tables.items() if raw is not None}
    return Export(str(hay.folder), hay.control, known) if known else None


def _siblings(hay: Haystack, keys: list[str]) -> Iterator[str]:
    """Name the registers with the same kind and tax id as these."""
    own = _rows_of(hay, _customers_file(hay), keys)
    if own is None:
        return
    columns = stage_columns(own, hay.core, only=("person_kind", "tax_id"))
    for kind, number in zip(columns["person_kind"].to_pylist(), columns["tax_id"].to_pylist(), strict=True):
        found = _customers(hay, _needles(number)) if kind and number else None
        if found is not None:
            others = stage_columns(found, hay.core, only=("person_kind", "tax_id"))
            same = pc.and_(pc.equal(others["person_kind"], kind), pc.equal(others["tax_id"], number))
            yield from _distinct(keys_of(found, hay.core).filter(same))


def _needles(digits: str) -> list[str]:
    """Return the ways to write a tax id that hold every other: plain and masked, both without leading zeros."""
    cpf = re.sub(r"^(.{3})(.{3})(.{3})(.{2})$", r"\1.\2.\3-\4", digits.zfill(_CPF))
    cnpj = re.sub(r"^(.{2})(.{3})(.{3})(.{4})(.{2})$", r"\1.\2.\3/\4-\5", digits.zfill(_CNPJ))
    masked = {text.lstrip("0.") for text in (cpf, cnpj) if _SIGNS.search(text)}
    return [needle for needle in (digits.lstrip("0"), *sorted(masked)) if needle]


def _distinct(keys: pa.Array) -> list[str]:
    return [key for key in pc.unique(keys).to_pylist() if key is not None]


def _customers_file(hay: Haystack) -> Path | None:
    return hay.files.get(hay.core.stage_of(NAMES[Customers]).name)


def _customers(hay: Haystack, needles: list[str]) -> RawTable | None:
    """Return the rows of the customers' table that hold one of the texts anywhere; all of them without any text."""
    path = _customers_file(hay)
    return None if path is None else _read(path, hay.core, needles, exact=False)


def _rows_of(hay: Haystack, path: Path | None, keys: list[str]) -> RawTable | None:
    found = None if path is None else _read(path, hay.core, keys, exact=True)
    if found is None:
        return None
    rows = pc.indices_nonzero(pc.is_in(keys_of(found, hay.core), pa.array(keys, pa.string())))
    if len(rows) == 0:
        return None
    return RawTable(found.name, found.file, found.columns.take(rows), found.lines[rows.to_numpy()])


def _read(path: Path, core: Core, needles: list[str], *, exact: bool) -> RawTable | None:
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, core, needles if exact else None)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        text = _Text(data)
        header = text.end_of_record(0)
        if not needles:
            columns, lines = read_csv(path, data[:], core)
            return RawTable(path.stem, path.name, columns, lines)
        hits = sorted(
            {hit for needle in needles for hit in _hits(data, needle, core, exact=exact) if hit >= header}
        )
        spans: list[tuple[int, int]] = []
        for hit in hits:
            if not spans or hit >= spans[-1][1]:
                begin = text.begin_of_record(hit)
                spans.append((begin, text.end_of_record(begin)))
        if not spans:
            return None
        content = b"".join([data[:header], *(data[begin:end] for begin, end in spans)])
        columns, _ = read_csv(path, content, core)
        lines = np.array([1 + text.newlines.before(begin) for begin, _ in spans], np.int64)
    return RawTable(path.stem, path.name, columns, lines)


def _hits(data: mmap.mmap, needle: str, core: Core, *, exact: bool) -> Iterator[int]:
    """Yield where a text stands, as a whole field if ``exact``."""
    try:
        wanted = needle.encode(core.encoding)
    except UnicodeEncodeError:
        return
    around = (core.separator + "\r\n").encode()
    at = data.find(wanted)
    while at >= 0:
        after = at + len(wanted)
        if not exact or (_stands_alone(data, after, 1, around) and _stands_alone(data, at - 1, -1, around)):
            yield at
        at = data.find(wanted, after)


def _stands_alone(data: mmap.mmap, at: int, step: int, around: bytes) -> bool:
    while 0 <= at < len(data) and data[at] in _PADDING:
        at += step
    return not 0 <= at < len(data) or data[at] in around


class _Counter:
    """Count an octet before places that are asked for in ascending order: each octet is looked at once."""

    def __init__(self, data: mmap.mmap, octet: bytes) -> None:
        self._data, self._octet = data, octet
        self._at, self._count = max(data.find(octet), 0), 0

    def before(self, end: int) -> int:
        """Return how often the octet stands before a place."""
        if end < self._at:
            return 0 if self._count == 0 else self._count - self._between(end, self._at)
        self._count += self._between(self._at, end)
        self._at = end
        return self._count

    def _between(self, begin: int, end: int) -> int:
        steps = range(begin, end, _SLICE)
        return sum(self._data[at : min(at + _SLICE, end)].count(self._octet) for at in steps)


class _Text:
    """The text of a CSV file: where a record begins and ends, quoted line ends within."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.newlines, self._quotes = _Counter(data, _NEWLINE), _Counter(data, _QUOTE)
        self._quoted = data.find(_QUOTE) >= 0

    def begin_of_record(self, at: int) -> int:
        """Go back to the line end before a place that no quotes are open around."""
        begin = self._data.rfind(_NEWLINE, 0, at) + 1
        while self._quoted and self._quotes.before(begin) % 2:
            begin = self._data.rfind(_NEWLINE, 0, begin - 1) + 1
        return begin

    def end_of_record(self, begin: int) -> int:
        """Go on from where a record begins to where the next one does."""
        end = self._data.find(_NEWLINE, begin) + 1
        while end and self._data[begin:end].count(_QUOTE) % 2:
            end = self._data.find(_NEWLINE, end) + 1
        return end or len(self._data)


def _read_parquet(path: Path, core: Core, keys: list[str] | None) -> RawTable | None:
    """Read the row groups that have one of the keys; a record's line is its number, from 1."""
    from pyarrow import parquet  # noqa: PLC0415 (CSV is the rule)

    file = parquet.ParquetFile(path)
    parts, lines, first = [], [], 1
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        rows = np.arange(count)
        if keys is not None:
            column = pc.utf8_trim_whitespace(
                file.read_row_group(group, [core.key])[core.key].cast(pa.string())
            )
            rows = np.flatnonzero(pc.is_in(column, pa.array(keys, pa.string())).to_numpy())
        if len(rows):
            parts.append(file.read_row_group(group).take(pa.array(rows)))
            lines.append(first + rows)
        first += count
    return RawTable(path.stem, path.name, pa.concat_tables(parts), np.concatenate(lines)) if parts else None
