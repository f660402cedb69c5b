"""Split an export into buckets of whole persons: the unit of memory, of parallel work and of retry.

A bucket holds every register of its persons and all their rows. Rows whose customer is not in the customers' table
belong to no bucket: they are orphans, counted and reported apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import buckets
from customers.unread import is_unread
from mappings.profile import KIND_OF, NAMES, TABLES, Customers, Table
from mappings.staging import (
    Bucket,
    Duplicate,
    Staged,
    build_registers,
    empty,
    find_duplicates,
    keys_of,
    stage,
    stage_columns,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from mappings.core import Core
    from mappings.extract import Export, RawTable

BUCKET_SIZE = 20_000


@dataclass(frozen=True, slots=True)
class Stray:
    """Name one row that belongs to no register: its file, its line and why."""

    file: str
    line: int
    reason: Literal["orphan", "no-key", "no-kind", "wrong-kind"]
    core_key: str


@dataclass(frozen=True, slots=True)
class Partition:
    """Say which rows of which raw table go to which bucket.

    ``keys`` are the registers' core keys, ``row`` their first row in clientes, ``bucket`` their bucket;
    ``members`` gives for each other table the register of each row, -1 for a stray; ``person`` is a key of each
    register's person, such as ``F:`` and the tax id, or ``F:@`` and the core key.
    """

    export: Export
    core: Core
    keys: pa.Array
    row: NDArray[np.int64]
    bucket: NDArray[np.int64]
    count: int
    members: dict[str, NDArray[np.int64]]
    duplicates: tuple[tuple[int, int], ...]  # (register, line) of second rows in clientes
    strays: tuple[Stray, ...]
    person: pa.Array

    @property
    def kind(self) -> pa.Array:
        """Return the kind of person of each register, F or J."""
        return pc.utf8_slice_codeunits(self.person, 0, 1)

    @property
    def tax_ids(self) -> pa.Array:
        """Return the tax id of each register, null without one."""
        named = pc.utf8_slice_codeunits(self.person, 2)
        nobody = pc.or_(pc.starts_with(named, "@"), is_unread(named))
        return pc.if_else(nobody, pa.scalar(None, pa.string()), named)

    @property
    def person_numbers(self) -> NDArray[np.int64]:
        """Number the persons from 0 and return each register's."""
        return np.asarray(self.person.dictionary_encode().indices.to_numpy(zero_copy_only=False), np.int64)

    def without(self, left_out: NDArray[np.bool_]) -> Partition:
        """Return the same without some registers in its buckets; whole persons are left out."""
        return replace(self, bucket=np.where(left_out, -1, self.bucket))

    @property
    def unplaced(self) -> pa.Array:
        """Return the core keys of customers whose kind of person is not known: they are in the export all the same."""
        return pa.array([stray.core_key for stray in self.strays if stray.reason == "no-kind"], pa.string())

    @property
    def orphans(self) -> dict[str, int]:
        """Count the rows of no customer by file."""
        lost = [stray.file for stray in self.strays if stray.reason != "wrong-kind"]
        files, counts = np.unique(np.array(lost, dtype=str), return_counts=True)
        return dict(zip(files.tolist(), counts.tolist(), strict=True))


def partition(export: Export, core: Core, bucket_size: int | None = BUCKET_SIZE) -> Partition:
    """Find the registers of an export, their persons and their buckets, and tie every row to its register.

    Without a ``bucket_size`` all of it is one bucket.
    """
    customers = export.tables.get(core.stage_of(NAMES[Customers]).name)
    if customers is None:
        nothing = np.empty(0, np.int64)
        none = pa.array([], pa.string())
        tables = export.tables.values()
        lost = [stray for raw in tables for stray in _strays_of(raw, core, np.full(len(raw.lines), -1), none)]
        return Partition(export, core, none, nothing, nothing, 0, {}, (), tuple(lost), none)
    keys = keys_of(customers, core)
    kind, person = persons_of(customers, core, keys)
    known = pc.and_(pc.is_valid(keys), pc.invert(pc.is_null(kind))).to_numpy(zero_copy_only=False)
    row, again = _first_of_each(keys, known)
    count = 1 if bucket_size is None else max(1, -(-len(row) // bucket_size))
    registers = keys.take(pa.array(row))
    whose = person.take(pa.array(row))
    members = _members(export.tables.values(), core, registers)
    # A second row of a register is a second row, whether or not its kind of person can be read.
    of_register = members.pop(customers.name)
    again = np.union1d(again, np.flatnonzero(~known & (of_register >= 0)))
    kindless = keys.filter(pa.array(of_register < 0))
    strays = _strays_of(customers, core, of_register, kindless)
    company = pc.starts_with(whose, "J").to_numpy(zero_copy_only=False)
    for name, member in members.items():
        strays += _strays_of(export.tables[name], core, member, kindless)
        strays += _of_wrong_kind(export.tables[name], core, member, registers, company)
    return Partition(
        export,
        core,
        registers,
        row,
        buckets(whose, count) if count > 1 else np.zeros(len(whose), np.int64),
        count,
        members,
        tuple((int(of_register[at]), int(customers.lines[at])) for at in again),
        strays,
        whose,
    )


def _of_wrong_kind(
    raw: RawTable, core: Core, member: NDArray[np.int64], registers: pa.Array, company: NDArray[np.bool_]
) -> tuple[Stray, ...]:
    """Name the rows that speak of another kind of person than their register's: no document has a place for them."""
    kind = KIND_OF.get(TABLES[core.tables[raw.name].stages])
    if kind is None or len(company) == 0:
        return ()
    rows = np.flatnonzero((member >= 0) & (company[member] != (kind == "J")))
    keys = registers.take(pa.array(member[rows])).to_pylist()
    return tuple(
        Stray(raw.file, int(raw.lines[row]), "wrong-kind", key)
        for row, key in zip(rows.tolist(), keys, strict=True)
    )


def persons_of(customers: RawTable, core: Core, keys: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the kind of person of each row (null if unknown) and a key of the person."""
    columns = stage_columns(customers, core, only=("person_kind", "tax_id"))
    kind = pc.if_else(is_unread(columns["person_kind"]), pa.scalar(None, pa.string()), columns["person_kind"])
    alone = pc.binary_join_element_wise("@", keys, "")
    return kind, pc.binary_join_element_wise(kind, pc.coalesce(columns["tax_id"], alone), ":")


def _first_of_each(keys: pa.Array, known: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each register, and the rows that come again."""
    rows = np.flatnonzero(known)
    codes = keys.take(pa.array(rows)).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(codes, return_index=True)
    again = np.setdiff1d(rows, rows[first], assume_unique=True)
    return rows[first], again


def _members(tables: Collection[RawTable], core: Core, registers: pa.Array) -> dict[str, NDArray[np.int64]]:
    """Return the register of each row of every table, -1 where there is none; all are looked up at once."""
    keys = pa.concat_arrays([keys_of(raw, core) for raw in tables])
    found = pc.fill_null(pc.index_in(keys, registers, skip_nulls=True), -1)
    ends = np.cumsum([len(raw.lines) for raw in tables])
    parts = np.split(found.to_numpy(zero_copy_only=False).astype(np.int64), ends[:-1])
    return {raw.name: part for raw, part in zip(tables, parts, strict=True)}


def _strays_of(raw: RawTable, core: Core, member: NDArray[np.int64], kindless: pa.Array) -> tuple[Stray, ...]:
    """Name the rows of no register; of a customer of no known kind only its row in the customers' table."""
    lost = np.flatnonzero(member < 0)
    if len(lost) == 0:
        return ()
    reason: Literal["no-kind", "orphan"] = "no-kind"
    keys = keys_of(raw, core).take(pa.array(lost))
    if core.tables[raw.name].stages != NAMES[Customers]:
        reason, elsewhere = "orphan", pc.is_in(keys, kindless.drop_null())
        lost, keys = lost[~elsewhere.to_numpy(zero_copy_only=False)], keys.filter(pc.invert(elsewhere))
    return tuple(
        Stray(raw.file, int(raw.lines[row]), reason if key else "no-key", key or "")
        for row, key in zip(lost.tolist(), keys.to_pylist(), strict=True)
    )


def stage_buckets(plan: Partition) -> Iterator[Bucket]:
    """Stage one bucket after another."""
    for number in range(plan.count):
        yield stage_bucket(plan, number)


def stage_bucket(plan: Partition, number: int) -> Bucket:
    """Stage the registers of one bucket and all their rows."""
    chosen = np.flatnonzero(plan.bucket == number)
    order = pc.sort_indices(plan.keys.take(pa.array(chosen))).to_numpy()
    chosen = chosen[order.astype(np.int64)]
    company = pc.starts_with(plan.person.take(pa.array(chosen)), "J").to_numpy(zero_copy_only=False)
    chosen = np.concatenate((chosen[~company], chosen[company]))
    local = np.full(len(plan.keys), -1, np.int64)
    local[chosen] = np.arange(len(chosen))
    raw_customers = plan.export.tables[plan.core.stage_of(NAMES[Customers]).name]
    customers = stage(raw_customers, plan.core, plan.row[chosen], np.arange(len(chosen)))
    tables: dict[type[Table], Staged] = {Customers: customers}
    duplicates = [
        Duplicate(int(local[register]), raw_customers.file, line)
        for register, line in plan.duplicates
        if local[register] >= 0
    ]
    for name, member in plan.members.items():
        rows = np.flatnonzero(local[member] >= 0) if len(member) and len(local) else np.empty(0, np.int64)
        rows = rows[member[rows] >= 0]
        staged = stage(plan.export.tables[name], plan.core, rows, local[member[rows]])
        tables[staged.table] = staged
        duplicates += find_duplicates(staged)
    tables |= {table: empty(table) for table in NAMES if table not in tables}
    return Bucket(build_registers(customers, plan.keys.take(pa.array(chosen))), tables, duplicates)
