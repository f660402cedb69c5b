"""Count an export before any of its rows goes to a bucket: its registers, and a fingerprint of each.

Only the keys are read as columns; of every row its hash, and whose it is, which is kept in a file for a second reading
of some registers' rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow.compute as pc

from mappings.digests import digests
from mappings.directory import Source
from mappings.fingerprints import add, of_customers, of_keys, of_persons, of_rows, row_words
from mappings.heap import give_back
from mappings.owners import Owners, Records
from mappings.partition import persons_of
from mappings.profile import NAMES, Customers
from mappings.routing import in_threads
from mappings.rows import positions
from mappings.staging import keys_of
from mappings.word_index import NOWHERE, NumberIndex, WordIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    from mappings.control import Control
    from mappings.core import Core
    from mappings.extract import RawTable
    from mappings.second_look import Chosen

    Words = NDArray[np.uint64]
    Numbers = NDArray[np.int64]
    Mask = NDArray[np.bool_]


class Rereadable(Source, Protocol):
    """An export that can be read a second time, in part."""

    def chosen(self, name: str, rows: Iterator[Chosen]) -> Iterator[RawTable]:
        """Read some rows of a table again: of each chunk that had any those that come next."""


@dataclass(frozen=True, slots=True)
class Census:
    """Number the registers of an export, and their persons, from 0.

    ``fingerprints`` are those of ``mappings.fingerprints``; ``company`` says whose kind of person is J, and ``again``
    of whom the customers' table has a second row. ``owners`` names the rows' registers, by table.
    """

    index: WordIndex
    register: NDArray[np.int32]  # by place in the index
    company: Mask
    again: Mask
    person: NDArray[np.int32]
    persons: WordIndex
    fingerprints: NDArray[np.int64]
    owners: dict[str, Owners]

    def __len__(self) -> int:
        """Count the registers."""
        return len(self.fingerprints)

    def of(self, core_keys: pa.Array) -> Numbers:
        """Return the number of each register, NOWHERE for those that the export does not have."""
        return _found(self.index, self.register, digests(pc.fill_null(core_keys, "")))

    def any_of_person(self, registers: Mask) -> Mask:
        """Say whose person has one of some registers."""
        return self.persons_of(registers)[self.person]

    def persons_of(self, registers: Mask) -> Mask:
        """Say which persons have one of some registers."""
        found = np.zeros(len(self.persons), bool)
        found[self.person[registers]] = True
        return found

    def leaving(self, registers: Mask) -> LeftAlone:
        """Return what is needed to leave some registers alone, all of a person or none."""
        by_place = registers[self.register]
        return LeftAlone(
            self.index, by_place, self.persons, self.persons_of(registers), ~registers, self.owners
        )


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Know again the registers that a run leaves alone, and their persons."""

    index: WordIndex
    registers: Mask  # by place in the index
    persons: WordIndex
    people: Mask  # by place in that index
    others: Mask  # by number
    owners: dict[str, Owners]

    def are_registers(self, core_keys: pa.Array) -> Mask:
        """Say which of some core keys are theirs."""
        return _among(self.index, self.registers, digests(pc.fill_null(core_keys, "")))

    def are_persons(self, people: pa.Array) -> Mask:
        """Say which of some persons they are, given their kind, a colon and their tax id."""
        return _among(self.persons, self.people, digests(people))


@dataclass(frozen=True, slots=True)
class Remaining:
    """An export's rows of all other registers than some, and of nobody: a source like the whole."""

    source: Rereadable
    alone: LeftAlone

    @property
    def control(self) -> Control:
        """Return what the control file of the whole says."""
        return self.source.control

    @property
    def names(self) -> list[str]:
        """Return the names of the tables."""
        return self.source.names

    def chunks(self, name: str, only: Collection[str] | None = None) -> Iterator[RawTable]:  # noqa: ARG002 (all come)
        """Read the rows of a table."""
        return self.source.chosen(name, self.alone.owners[name].chosen(self.alone.others))


def take_census(source: Source, core: Core, version: str, folder: str, threads: int = 1) -> Census | None:
    """Read an export for its registers and their fingerprints, some tables at a time; None without customers.

    ``version`` is that of ``mappings.fingerprints``. Raises what reading raises.
    """
    first = core.stage_of(NAMES[Customers]).name
    if first not in source.names:
        return None
    taker = _Taker(source, core, folder)
    taker.read_customers(first, version)
    give_back()
    others = [name for name in source.names if name != first]
    in_threads(source, others, taker.add_rows, threads, taker.columns)
    return taker.census()


class _Taker:
    """Add up what the rows say of their registers, whatever the order of the tables."""

    def __init__(self, source: Source, core: Core, folder: str) -> None:
        self._source, self._core, self._folder = source, core, folder
        self._owners: dict[str, Owners] = {}
        self._adding = Lock()
        self._numbered: NumberIndex | None = None

    def read_customers(self, name: str, version: str) -> None:
        """Give the registers numbers in the order in which they first come."""
        table = self._core.tables[name]
        staged = (table.columns[column].column for column in ("person_kind", "tax_id"))
        parts: tuple[list[Any], ...] = ([], [], [], [], [])
        records = []
        for chunk in self._source.chunks(name, self.columns(name, *staged)):
            records.append(Records.of(chunk))
            for part, values in zip(parts, self._people(chunk), strict=True):
                part.append(values)
        sizes = [len(part) for part in parts[0]]
        keys, known = _whole(parts[0]), _whole(parts[1])
        own = self._number(keys, known)
        self._persons, person = np.unique(_whole(parts[2])[own], return_inverse=True)
        self._person = person.astype(np.int32)
        self._company = _whole(parts[3])[own]
        self._content = of_customers(_whole(parts[4])[own], name) + of_keys(keys[own], version)
        if len(own):
            self._numbered = NumberIndex(self._index, self._register)
        owner = self._owner_of(keys)
        self._again = np.bincount(owner[owner != NOWHERE], minlength=len(own)) > 1
        self._keep(name, zip(np.split(owner, np.cumsum(sizes)[:-1]), records, strict=True))

    def _number(self, keys: Words, known: Mask) -> Numbers:
        """Give the known registers numbers in the order in which they first come, and return where that is."""
        found, first = _first_of_each(keys[known])
        is_first = np.zeros(int(known.sum()), bool)
        is_first[first] = True
        self._index, self._register = WordIndex(found), (np.cumsum(is_first, dtype=np.int32) - 1)[first]
        return np.flatnonzero(known)[is_first]

    def add_rows(self, name: str, chunks: Iterable[RawTable]) -> None:
        """Add a table's rows to their registers."""
        seen = np.zeros(len(self._content), np.int32)
        self._keep(name, ((self._add(chunk, seen), Records.of(chunk)) for chunk in chunks))

    def census(self) -> Census:
        """Return what the tables came to."""
        marks = of_persons(self._content, self._person).view(np.int64)
        persons = WordIndex(self._persons)
        return Census(
            self._index,
            self._register,
            self._company,
            self._again,
            self._person,
            persons,
            marks,
            self._owners,
        )

    def columns(self, name: str, *more: str) -> set[str] | None:
        """Name what is read of a table: all of it, where its lines do not say what its rows are."""
        return None if self._core.tables[name].ignored else {self._core.key, *more}

    def _people(self, chunk: RawTable) -> tuple[Words, Mask, Words, Mask, Words]:
        keys = keys_of(chunk, self._core)
        kind, person = persons_of(chunk, self._core, keys)
        known = pc.and_(pc.is_valid(keys), pc.is_valid(kind)).to_numpy(zero_copy_only=False)
        company = pc.fill_null(pc.equal(kind, "J"), False).to_numpy(zero_copy_only=False)  # noqa: FBT003 (Arrow's)
        words, people = digests(pc.fill_null(keys, "")), digests(pc.fill_null(person, ""))
        return words, known, people, company, row_words(chunk, self._core)

    def _add(self, chunk: RawTable, seen: NDArray[np.int32]) -> NDArray[np.int32]:
        """Add rows to their registers, of which a table had so many before, and return whose they are."""
        keys = digests(pc.fill_null(keys_of(chunk, self._core), "")) if chunk.keys is None else chunk.keys
        owner = self._owner_of(keys)
        rows = np.flatnonzero(owner != NOWHERE)
        own = owner[rows]
        if (np.diff(own) < 0).any():  # rows of a register need not stand together
            order = np.argsort(own, kind="stable")
            rows, own = rows[order], own[order]
        place = positions(own) + seen[own]
        words = of_rows(row_words(chunk, self._core)[rows], chunk.name, place)
        seen[own] = place + 1  # of the last of a register's rows, which is written last
        with self._adding:
            add(self._content, own, words)
        return owner

    def _owner_of(self, keys: Words) -> NDArray[np.int32]:
        if self._numbered is None:
            return np.full(len(keys), NOWHERE, np.int32)
        return self._numbered.numbers(keys)

    def _keep(self, name: str, owners: Iterable[tuple[NDArray[np.int32], Records]]) -> None:
        kept = self._owners[name] = Owners(f"{self._folder}/_owners_{name}.bin")
        for numbers, records in owners:
            kept.add(numbers, records)
        kept.close()


def _whole(parts: list[Any]) -> Any:  # noqa: ANN401 (an array of any type)
    """Join arrays, of which only the whole is kept."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _first_of_each(words: Words) -> tuple[Words, Numbers]:
    """Do what ``np.unique`` does with ``return_index``: a sort that is stable is dear, and none comes twice mostly."""
    order = np.argsort(words)
    found = words[order]
    return (found, order) if (found[1:] != found[:-1]).all() else np.unique(words, return_index=True)


def _among(index: WordIndex, chosen: Mask, words: Words) -> Mask:
    return np.append(chosen, False)[index.places(words)]


def _found(index: WordIndex, register: NDArray[np.int32], words: Words) -> Numbers:
    if len(index) == 0:
        return np.full(len(words), NOWHERE, np.int64)
    place = index.places(words)
    return np.where(place == NOWHERE, NOWHERE, register[place])
