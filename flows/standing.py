"""What is served before a run, brought into the buckets of its export: every row to whoever may have to settle it.

A document stays with its register's bucket, and where the register left, with its person's. Where the two differ a
copy without the right to be settled (``away``) tells the person's bucket that a register is elsewhere.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import person_ids
from customers.structures import BY_NAME, STRUCTURES
from mappings.spill import Spill
from mappings.word_index import NOWHERE
from sql.fingerprints import FINGERPRINTS
from sql.order import NEWER
from sql.serving import CUSTOMERS, SERVED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from flows.neighbours import Remainder
    from mappings.directory import Directory
    from mappings.spill import Spilled
    from sql.near import Near
    from sql.store import Store

# Why a copy is in the bucket of a document's person: the register is another's now, or its kind is not known any more.
HERE, MOVED, UNPLACED = 0, 1, 2
_AWAY = pa.field("away", pa.int8())
_UNPLACED, _FORMER = pa.field("unplaced", pa.bool_()), pa.field("former", pa.bool_())


@dataclass(frozen=True, slots=True)
class Standing:
    """Name what is served and remembered, in its buckets.

    ``served`` has the documents of each structure (``sql.serving.SERVED`` and ``away``); ``states`` the persons
    (``sql.serving.CUSTOMERS``; ``unplaced``: of a customer of no known kind now; ``former``: of a register that is in
    the delta); ``remembered`` the fingerprints; ``newer`` the registers of which something newer is served.
    """

    served: dict[str, Spilled]
    states: Spilled
    remembered: Spilled
    newer: Spilled

    def spills(self) -> list[Spilled]:
        """Return all of them."""
        return [*self.served.values(), self.states, self.remembered, self.newer]


def spill_standing(  # noqa: PLR0913, PLR0917 (whose rows, where to)
    source: Store | Near | Remainder,
    directory: Directory,
    version: str,
    newer: pa.Table,
    secret: str,
    folder: str,
) -> Standing:
    """Read what is served, some rows at a time, and spill it into a folder by bucket."""
    served = _spill_served(source, directory, version, folder)
    with Spill(f"{folder}/_remembered.arrow", FINGERPRINTS) as remembered:
        for rows in source.each_fingerprint():
            homes = directory.of_registers(rows["core_key"].combine_chunks())
            remembered.add(rows.filter(pa.array(homes != NOWHERE)), homes[homes != NOWHERE])
    with Spill(f"{folder}/_newer.arrow", NEWER) as spilled:
        for bucket, chosen in _newer_by_bucket(newer, directory, secret):
            spilled.add(chosen, np.full(chosen.num_rows, bucket, np.int32))
    return Standing(served, _spill_states(source, directory, folder), remembered.spilled, spilled.spilled)


def _spill_served(
    source: Store | Near | Remainder, directory: Directory, version: str, folder: str
) -> dict[str, Spilled]:
    with ExitStack() as files:
        spills = {
            structure.name: files.enter_context(
                Spill(f"{folder}/_served_{structure.name}.arrow", SERVED.append(_AWAY))
            )
            for structure in STRUCTURES
        }
        for rows in source.each_served(version):
            for name in pc.unique(rows["structure"]).to_pylist():
                own = rows.filter(pc.equal(rows["structure"], name)).drop_columns(["structure"])
                _add_served(spills[name], directory, BY_NAME[name].kind, own)
    return {name: spill.spilled for name, spill in spills.items()}


def _add_served(spill: Spill, directory: Directory, kind: Literal["F", "J"], rows: pa.Table) -> None:
    homes, person_homes, away = _served_homes(directory, kind, rows)
    spill.add(_marked(rows, _AWAY, np.zeros(len(homes), np.int8)), homes)
    copied = away != HERE
    if copied.any():
        spill.add(_marked(rows, _AWAY, away).filter(pa.array(copied)), person_homes[copied])


def _served_homes(
    directory: Directory, kind: Literal["F", "J"], rows: pa.Table
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int8]]:
    """Return the bucket of each document, that of its person, and whether and why a copy goes there."""
    keys, tax_ids = rows["core_key"].combine_chunks(), rows["tax_id"].combine_chunks()
    named = pc.is_valid(tax_ids).to_numpy(zero_copy_only=False)
    register = directory.of_registers(keys)
    by_person = directory.of_texts(pc.binary_join_element_wise(kind, pc.fill_null(tax_ids, ""), ":"))
    unplaced = directory.are_unplaced(keys)
    left = np.where(named & ~unplaced, by_person, directory.of_texts(keys))
    homes = np.where(register == NOWHERE, left, register).astype(np.int32)
    why = np.where(register == NOWHERE, UNPLACED, MOVED)
    return homes, by_person, np.where(named & (homes != by_person), why, HERE).astype(np.int8)


def _spill_states(source: Store | Near | Remainder, directory: Directory, folder: str) -> Spilled:
    with Spill(f"{folder}/_states.arrow", CUSTOMERS.append(_UNPLACED).append(_FORMER)) as spill:
        for rows in source.each_customer_state():
            named = pc.is_valid(rows["tax_id"]).to_numpy()
            homes = directory.of_texts(
                pc.binary_join_element_wise(
                    rows["kind"], pc.fill_null(rows["tax_id"], ""), ":"
                ).combine_chunks()
            )
            alone, unplaced, former = directory.of_alone(rows["person_id"].combine_chunks())
            marked = _marked(rows, _UNPLACED, unplaced & ~named)
            spill.add(
                _marked(marked, _FORMER, former & ~named), np.where(named, homes, alone).astype(np.int32)
            )
    return spill.spilled


def _newer_by_bucket(newer: pa.Table, directory: Directory, secret: str) -> Iterable[tuple[int, pa.Table]]:
    """Yield, for every bucket, the registers that it may ask for: by key, by person or by the id of who was alone."""
    if newer.num_rows == 0:
        return
    keys, tax_ids = newer["core_key"].combine_chunks(), pc.fill_null(newer["tax_id"].combine_chunks(), "")
    homes = [directory.of_rows(keys), directory.of_texts(keys)]
    for kind in ("F", "J"):
        homes.append(directory.of_texts(pc.binary_join_element_wise(kind, tax_ids, ":")))
        alone = pc.binary_join_element_wise(f"{kind}:@", keys, "")
        homes.append(directory.of_alone(person_ids(alone, secret))[0])
    for bucket in np.unique(np.concatenate(homes)).tolist():
        asked = np.logical_or.reduce([home == bucket for home in homes])
        yield bucket, newer.filter(pa.array(asked))


def _marked(rows: pa.Table, field: pa.Field, marks: NDArray[np.generic]) -> pa.Table:
    return rows.append_column(field, pa.array(marks, field.type))
