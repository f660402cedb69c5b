"""Say in which bucket every register, person and served document belongs, before any row is moved there.

A bucket is a hash of the person, so that it holds every register of its persons and all their rows. The directory is
made from the customers' table alone and keeps up to 20 bytes for each register. Rows of nobody go where the hash of
their key says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import person_ids
from customers.unread import is_unread
from mappings.digests import digests
from mappings.partition import persons_of
from mappings.profile import NAMES, Customers
from mappings.staging import keys_of
from mappings.word_index import NOWHERE, WordIndex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from mappings.control import Control
    from mappings.core import Core
    from mappings.extract import RawTable

    Words = NDArray[np.uint64]
    Homes = NDArray[np.int32]


class Source(Protocol):
    """An export that is read chunk by chunk."""

    @property
    def control(self) -> Control:
        """Return what the control file says."""

    @property
    def names(self) -> list[str]:
        """Return the names of the tables."""

    def chunks(self, name: str, only: Collection[str] | None = None) -> Iterator[RawTable]:
        """Read a table from its beginning, of its columns at least ``only`` some; at least one chunk comes."""


def _none() -> WordIndex:
    return WordIndex(np.empty(0, np.uint64))


def _nowhere() -> Homes:
    return np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Directory:
    """Hold the bucket (``homes``) of each register (``keys``, hashes).

    ``unplaced`` are keys of customers whose kind of person is not known. ``alone`` are ids of persons without a tax id
    that can be read, ``unplaced_alone`` those that the unplaced would have, and ``former`` those that any register of
    a delta may have had; all of them hashed. With a single bucket all are empty.
    """

    count: int
    keys: WordIndex = field(default_factory=_none)
    homes: Homes = field(default_factory=_nowhere)
    unplaced: WordIndex = field(default_factory=_none)
    alone: WordIndex = field(default_factory=_none)
    alone_homes: Homes = field(default_factory=_nowhere)
    unplaced_alone: WordIndex = field(default_factory=_none)
    former: WordIndex = field(default_factory=_none)

    def of_registers(self, core_keys: pa.Array) -> Homes:
        """Return the bucket of each register, NOWHERE for those that the export does not have."""
        if self.count == 1:
            return np.zeros(len(core_keys), np.int32)
        return self._found(self.keys, self.homes, digests(pc.fill_null(core_keys, "")))

    def of_rows(self, core_keys: pa.Array) -> Homes:
        """Return the bucket of each row, whether or not it belongs to a register."""
        if self.count == 1:
            return np.zeros(len(core_keys), np.int32)
        return self._or_spread(self.keys, self.homes, digests(pc.fill_null(core_keys, "")))

    def of_texts(self, texts: pa.Array) -> Homes:
        """Spread texts over the buckets; a person's is its kind, a colon and its tax id."""
        if self.count == 1:
            return np.zeros(len(texts), np.int32)
        return self._spread(digests(pc.fill_null(texts, "")))

    def are_unplaced(self, core_keys: pa.Array) -> NDArray[np.bool_]:
        """Say which registers are customers of no known kind."""
        return self.unplaced.has(digests(pc.fill_null(core_keys, "")))

    def of_alone(self, ids: pa.Array) -> tuple[Homes, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return, by the ids of persons without a tax id, their buckets, who is unplaced now and who is ``former``."""
        words = digests(ids)
        homes = self._or_spread(self.alone, self.alone_homes, words)
        return homes, self.unplaced_alone.has(words), self.former.has(words)

    def _or_spread(self, index: WordIndex, homes: Homes, wanted: Words) -> Homes:
        found = self._found(index, homes, wanted)
        elsewhere = np.flatnonzero(found == NOWHERE)
        found[elsewhere] = self._spread(wanted[elsewhere])
        return found

    def _spread(self, words: Words) -> Homes:
        return (words % np.uint64(self.count)).astype(np.int32)

    @staticmethod
    def _found(index: WordIndex, homes: Homes, wanted: Words) -> Homes:
        if len(index) == 0:
            return np.full(len(wanted), NOWHERE, np.int32)
        place = index.places(wanted)
        return np.where(place == NOWHERE, NOWHERE, homes[place]).astype(np.int32)


def build_directory(source: Source, core: Core, count: int, secret: str) -> Directory:
    """Read the customers' table and find every register's bucket.

    Raises what reading raises.
    """
    name = core.stage_of(NAMES[Customers]).name
    if count == 1 or name not in source.names:
        return Directory(count)
    parts = _Parts(core, count, secret, delta=source.control.kind == "delta")
    for chunk in source.chunks(name):
        parts.add(chunk)
    return parts.together()


class _Parts:
    """Gather the directory chunk by chunk."""

    def __init__(self, core: Core, count: int, secret: str, *, delta: bool) -> None:
        self._core, self._count, self._secret, self._delta = core, count, secret, delta
        self._keys: list[Words] = []
        self._homes: list[Homes] = []
        self._unplaced: list[pa.Array] = []
        self._alone: list[Words] = []
        self._alone_homes: list[Homes] = []
        self._former: list[Words] = []

    def add(self, chunk: RawTable) -> None:
        keys = keys_of(chunk, self._core)
        kind, person = persons_of(chunk, self._core, keys)
        known = pc.and_(pc.is_valid(keys), pc.is_valid(kind))
        self._unplaced.append(pc.unique(keys.filter(pc.invert(known)).drop_null()))
        keys, kind, person = keys.filter(known), kind.filter(known), person.filter(known)
        homes = (digests(person) % np.uint64(self._count)).astype(np.int32)
        self._keys.append(digests(keys))
        self._homes.append(homes)
        named = pc.utf8_slice_codeunits(person, 2)
        alone = pc.or_(pc.starts_with(named, "@"), is_unread(named))
        ids = self._alone_ids(kind.filter(alone), keys.filter(alone))
        self._alone.append(digests(ids))
        self._alone_homes.append(homes[alone.to_numpy(zero_copy_only=False)])
        if self._delta:
            self._former += [digests(self._alone_ids(each, keys)) for each in ("F", "J")]

    def _alone_ids(self, kind: pa.Array | str, keys: pa.Array) -> pa.Array:
        named = pc.binary_join_element_wise("@", keys, "")
        return person_ids(pc.binary_join_element_wise(kind, named, ":"), self._secret)

    def together(self) -> Directory:
        keys, first = np.unique(np.concatenate(self._keys), return_index=True)
        alone, first_alone = np.unique(np.concatenate(self._alone), return_index=True)
        registers = WordIndex(keys)
        unplaced = pc.unique(pa.concat_arrays(self._unplaced))
        unplaced = unplaced.filter(pa.array(~registers.has(digests(unplaced))))
        spared = [digests(self._alone_ids(each, unplaced)) for each in ("F", "J")]
        return Directory(
            self._count,
            registers,
            np.concatenate(self._homes)[first],
            _sorted([digests(unplaced)]),
            WordIndex(alone),
            np.concatenate(self._alone_homes)[first_alone],
            _sorted(spared),
            _sorted(self._former),
        )


def _sorted(parts: list[Words]) -> WordIndex:
    return WordIndex(np.sort(np.concatenate([np.empty(0, np.uint64), *parts])))
