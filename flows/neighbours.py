"""How much of what is served a run reads: everything for a full export, for a delta what its registers can touch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from customers.structures import STRUCTURES
from customers.unread import is_unread
from flows.availability import alone_ids
from mappings.partition import persons_of
from mappings.profile import NAMES, Customers
from mappings.staging import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.extracting import Extracted
    from mappings.core import Core
    from sql.near import Near
    from sql.store import Store

# Beyond so many registers to look up one by one, reading everything once is as cheap.
_MOST_REGISTERS = 50_000


@contextmanager
def reader(store: Store, extracted: Extracted, core: Core, secret: str) -> Iterator[Store | Near]:
    """Give what reads all that a run may have to know of what is served."""
    customers = extracted.tables.get(core.stage_of(NAMES[Customers]).name)
    if extracted.control.kind == "full" or customers is None or customers.rows.rows > _MOST_REGISTERS:
        yield store
        return
    chunks = [customers.of(bucket) for bucket in range(extracted.directory.count)]
    keys = [keys_of(chunk, core) for chunk in chunks]
    persons = [persons_of(chunk, core, own)[1] for chunk, own in zip(chunks, keys, strict=True)]
    named = pc.utf8_slice_codeunits(pa.concat_arrays(persons), 2)
    tax_ids = named.filter(pc.invert(pc.or_(pc.starts_with(named, "@"), is_unread(named))))
    core_keys = pa.concat_arrays(keys).drop_null()
    with store.near(core_keys, tax_ids, alone_ids(core_keys, secret)) as near:
        yield near


class ServedBefore(Mapping[str, int]):
    """How many documents each structure serves, counted when somebody asks: that reads all of them."""

    def __init__(self, store: Store, version: str) -> None:
        self._store, self._version = store, version

    @cached_property
    def _counts(self) -> dict[str, int]:
        found = self._store.served_counts(self._version)
        return {structure.name: found.get(structure.name, 0) for structure in STRUCTURES}

    def __getitem__(self, structure: str) -> int:
        """Return the count of a structure."""
        return self._counts[structure]

    def __iter__(self) -> Iterator[str]:
        """Name the structures."""
        return iter(self._counts)

    def __len__(self) -> int:
        """Count the structures."""
        return len(self._counts)
