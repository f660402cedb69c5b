"""Stage one bucket: raw tables become tables of the core profile, tied to their registers.

A *register* is one core key. A *person* is a tax id, or a register without one. Registers are numbered in order of
core key, natural persons before companies, and the rows of every staged table are sorted by register, then by source
line: that is the order in which lists are sent, and what speaks of one kind of person lies together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import customer_ids, customer_refs
from customers.unread import is_unread, may_be_marked
from mappings.columns import column
from mappings.octets import maybe_untidy, mended_where, octets
from mappings.profile import NAMES, TABLES, Customers, OneRowTable, Table, columns_of
from mappings.reading import read, tax_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mappings.core import Core
    from mappings.extract import RawTable
    from mappings.profile import Column

NO_TIME = np.iinfo(np.int64).min
UNREAD_TIME = np.iinfo(
    np.int64
).max  # an unread time is the latest, so that the document it decides about is refused


@dataclass(frozen=True, slots=True)
class Staged:
    """Hold one staged table; ``register`` is ascending, ``lines`` are lines of ``file``."""

    table: type[Table]
    file: str
    columns: dict[str, pa.Array]
    register: NDArray[np.int64]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.register)

    def view(self, rows: NDArray[np.int64]) -> Any:  # noqa: ANN401 (it stands for the staging table's own class)
        """Return chosen rows with the columns of the profile's class; row -1 has only missing values."""
        if len(rows) and rows[0] >= 0 and (rows[1:] == rows[:-1] + 1).all():
            return _View(self, lambda values: values.slice(rows[0], len(rows)))
        places = pa.array(rows, mask=rows < 0)
        return _View(self, lambda values: values.take(places))

    def first_rows(self, registers: int) -> NDArray[np.int64]:
        """Return, for each register, the first row or -1."""
        found = np.full(registers, -1, np.int64)
        owners, rows = np.unique(self.register, return_index=True)
        found[owners] = rows
        return found


class _View:
    """Make the columns of a staged table for chosen rows, when a mapping asks for them and not before."""

    def __init__(self, staged: Staged, choose: Callable[[pa.Array], pa.Array]) -> None:
        self._staged, self._choose = staged, choose

    def __getattr__(self, name: str) -> Column:
        staged = self._staged
        if name not in staged.columns:
            raise AttributeError(name=name, obj=self)
        made = column(self._choose(staged.columns[name]), f"{NAMES[staged.table]}.{name}")
        setattr(self, name, made)
        return made


@dataclass(frozen=True, slots=True)
class Registers:
    """Hold the registers of a bucket in order of core key, natural persons first.

    ``person`` numbers the persons; ``updated`` is clientes' own time in seconds UTC, NO_TIME without one and
    UNREAD_TIME for one that could not be read.
    """

    core_keys: pa.Array
    kind: NDArray[np.str_]
    tax_ids: pa.Array
    status: NDArray[np.str_]
    person: NDArray[np.int64]
    updated: NDArray[np.int64]
    customers: Staged
    _named: dict[str, tuple[pa.Array, pa.Array]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Count the registers."""
        return len(self.kind)

    def named(self, secret: str) -> tuple[pa.Array, pa.Array]:
        """Return the customer_id of each register and the pseudonym that findings have; hashed once."""
        if secret not in self._named:
            self._named[secret] = customer_ids(self.core_keys, secret), customer_refs(self.core_keys, secret)
        return self._named[secret]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Name a second row in a one-row table."""

    register: int
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """Hold one staged bucket; ``row_seconds`` and ``starts`` have what ``mappings.dating`` found out about its rows."""

    registers: Registers
    tables: dict[type[Table], Staged]
    duplicates: list[Duplicate] = field(default_factory=list)
    row_seconds: dict[type[Table], NDArray[np.int64]] = field(default_factory=dict, repr=False)
    starts: list[tuple[pa.Array, NDArray[np.int64]]] = field(default_factory=list, repr=False)


def one_array(values: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece, copied only if it is in several."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def keys_of(raw: RawTable, core: Core) -> pa.Array:
    """Return the core keys of a raw table: opaque text, blanks around it trimmed, empty ones missing.

    A key with a NUL, which no database keeps, counts as missing.
    """
    keys = one_array(raw.columns[core.key]).cast(pa.string())
    odd = maybe_untidy(keys)
    odd |= np.diff(octets(keys)[1]) == 0
    return mended_where(keys, odd, _trimmed)


def _trimmed(keys: pa.Array) -> pa.Array:
    keys = pc.utf8_trim_whitespace(keys)
    return pc.if_else(pc.match_substring_regex(keys, r"^$|\x{0}"), pa.scalar(None, pa.string()), keys)


def stage_columns(
    raw: RawTable, core: Core, rows: pa.Array | None = None, only: tuple[str, ...] = ()
) -> dict[str, pa.Array]:
    """Read the columns of a raw table (all, or those named) as their kinds, of chosen rows or of all."""
    sources = core.tables[raw.name]
    staged = {}
    for name, source in sources.columns.items():
        if only and name not in only:
            continue
        values = one_array(raw.columns[source.column])
        staged[name] = read(values if rows is None else values.take(rows), source.kind, source.codes, core)
    if sources.stages == NAMES[Customers]:
        staged["tax_id"] = tax_id(staged["tax_id"], pc.equal(staged["person_kind"], "J"))
    return staged


def seconds(times: pa.Array) -> NDArray[np.int64]:
    """Return canonical timestamps as seconds UTC; missing and unread ones as NO_TIME."""
    readable = times
    if may_be_marked(times):
        readable = pc.if_else(is_unread(times), pa.scalar(None, pa.string()), times)
    stamps = readable.cast(pa.timestamp("s", tz="UTC")).cast(pa.int64())
    found: NDArray[np.int64] = pc.fill_null(stamps, NO_TIME).to_numpy(zero_copy_only=False)
    return found


def latest_seconds(times: pa.Array) -> NDArray[np.int64]:
    """Return canonical timestamps as seconds UTC; missing ones as NO_TIME, unread ones as UNREAD_TIME."""
    if not may_be_marked(times):
        return seconds(times)
    return np.where(is_unread(times).to_numpy(zero_copy_only=False), UNREAD_TIME, seconds(times))


def empty(table: type[Table]) -> Staged:
    """Return a staged table without rows."""
    none = np.empty(0, np.int64)
    return Staged(table, "", {name: pa.array([], pa.string()) for name in columns_of(table)}, none, none)


def _by_register(register: NDArray[np.int64], lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows in order of register, then of line."""
    if (register[1:] > register[:-1]).all():
        return np.arange(len(register))
    if (lines[1:] < lines[:-1]).any():
        return np.lexsort((lines, register))
    few = register.max() < 1 << 16  # numpy sorts short numbers by counting them
    return np.argsort(register.astype(np.uint16) if few else register, kind="stable")


def stage(raw: RawTable, core: Core, rows: NDArray[np.int64], register: NDArray[np.int64]) -> Staged:
    """Stage chosen rows of a raw table, given the register of each, in order of register and line."""
    order = _by_register(register, raw.lines[rows])
    rows, register = rows[order], register[order]
    columns = stage_columns(raw, core, pa.array(rows))
    return Staged(TABLES[core.tables[raw.name].stages], raw.file, columns, register, raw.lines[rows])


def build_registers(customers: Staged, core_keys: pa.Array) -> Registers:
    """Describe the registers of a bucket, given clientes staged in their order, one row each."""
    kinds, tax_ids = customers.columns["person_kind"], customers.columns["tax_id"]
    alone = pc.binary_join_element_wise("@", core_keys, "")
    person = pc.binary_join_element_wise(kinds, pc.coalesce(tax_ids, alone), ":")
    status = customers.columns["status"]
    known = pc.fill_null(pc.invert(is_unread(status)), False)  # noqa: FBT003 (Arrow's fill value)
    return Registers(
        core_keys=core_keys,
        kind=kinds.to_numpy(zero_copy_only=False).astype(str),
        tax_ids=pc.if_else(is_unread(tax_ids), pa.scalar(None, pa.string()), tax_ids),
        status=pc.fill_null(pc.if_else(known, status, "?"), "?").to_numpy(zero_copy_only=False).astype(str),
        person=person.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64),
        updated=latest_seconds(customers.columns["updated_at"]),
        customers=customers,
    )


def find_duplicates(staged: Staged) -> list[Duplicate]:
    """Name every second and later row of a register in a one-row table."""
    if not issubclass(staged.table, OneRowTable) or len(staged) == 0:
        return []
    again = np.flatnonzero(staged.register[1:] == staged.register[:-1]) + 1
    return [Duplicate(int(staged.register[row]), staged.file, int(staged.lines[row])) for row in again]
