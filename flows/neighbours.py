"""How much of what is served a run reads: everything, or what the registers that it has to look at can touch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import customer_ids
from customers.structures import STRUCTURES
from customers.unread import is_unread
from flows.availability import alone_ids
from mappings.partition import persons_of
from mappings.profile import NAMES, Customers
from mappings.staging import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.extracting import Extracted
    from flows.sifting import Sifted
    from mappings.core import Core
    from sql.near import Near
    from sql.store import Store

# Beyond so many registers to look up one by one, reading everything once is as cheap.
_MOST_REGISTERS = 50_000


@contextmanager
def reader(store: Store, extracted: Extracted, core: Core, secret: str) -> Iterator[Store | Near | Remainder]:
    """Give what reads all that a run may have to know of what is served."""
    customers, sifted = extracted.tables.get(core.stage_of(NAMES[Customers]).name), extracted.sifted
    whole = extracted.control.kind == "full" or customers is None or customers.rows.rows > _MOST_REGISTERS
    if customers is None or (sifted is None and whole):
        yield store
        return
    chunks = [customers.of(bucket) for bucket in range(extracted.directory.count)]
    keys = [keys_of(chunk, core) for chunk in chunks]
    absent = pa.array([], pa.string()) if sifted is None else sifted.absent
    core_keys = pa.concat_arrays([*(own.drop_null() for own in keys), absent])
    alone = alone_ids(core_keys, secret)
    with ExitStack() as stack:
        source: Store | Near = store
        if len(core_keys) <= _MOST_REGISTERS:
            persons = [persons_of(chunk, core, own)[1] for chunk, own in zip(chunks, keys, strict=True)]
            named = pc.utf8_slice_codeunits(pa.concat_arrays(persons), 2)
            tax_ids = named.filter(pc.invert(pc.or_(pc.starts_with(named, "@"), is_unread(named))))
            ids = customer_ids(core_keys, secret)
            source = stack.enter_context(store.near(core_keys, ids, tax_ids, alone))
        yield source if sifted is None else Remainder(source, sifted, alone)


class Remainder:
    """Reads what is served of the registers that a sifted export has left, and of those who are not in it."""

    def __init__(self, source: Store | Near, sifted: Sifted, alone: pa.Array) -> None:
        """Take ids that persons without a tax id may have, of all these registers."""
        self._source, self._sifted, self._alone = source, sifted, alone
        self._served: list[pa.Array] = []

    def each_served(self, version: str) -> Iterator[pa.Table]:
        """Return documents being served of all structures: ``sql.serving.SERVED_OF_ALL``."""
        for rows in self._source.each_served(version):
            rest = self._rest(rows)
            self._served.append(pc.unique(rest["core_key"]))
            yield rest

    def each_fingerprint(self) -> Iterator[pa.Table]:
        """Return the last published fingerprints of the registers: ``sql.fingerprints.FINGERPRINTS``."""
        return (self._rest(rows) for rows in self._source.each_fingerprint())

    def each_customer_state(self) -> Iterator[pa.Table]:
        """Return the present state of persons: ``sql.serving.CUSTOMERS``."""
        for rows in self._source.each_customer_state():
            named = pc.is_valid(rows["tax_id"]).to_numpy()
            people = pc.binary_join_element_wise(rows["kind"], pc.fill_null(rows["tax_id"], ""), ":")
            left_alone = self._sifted.alone.are_persons(people.combine_chunks())
            ours = pc.is_in(rows["person_id"], self._alone).to_numpy()
            yield rows.filter(pa.array(np.where(named, ~left_alone, ours)))

    def silent(self) -> pa.Array:
        """Return, after all documents were read, who is not in the export and had none."""
        served = pa.chunked_array(self._served, pa.string())
        return self._sifted.absent.filter(pc.invert(pc.is_in(self._sifted.absent, served)))

    def _rest(self, rows: pa.Table) -> pa.Table:
        return rows.filter(pa.array(~self._sifted.alone.are_registers(rows["core_key"].combine_chunks())))


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
