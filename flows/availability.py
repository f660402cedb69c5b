"""Say of every person whether the relation is open, blocked or ended, from the states of all registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import person_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.draft import Draft
    from mappings.staging import Registers

AVAILABLE, BLOCKED, ENDED = "AVAILABLE", "TEMPORARILY_UNAVAILABLE", "UNAVAILABLE"


def availability(registers: Registers, secret: str) -> pa.Table:
    """Return person_id, tax_id, kind and availability of each person of a bucket.

    Any active register makes the person AVAILABLE, else any blocked one TEMPORARILY_UNAVAILABLE, else UNAVAILABLE. A
    register whose state no table lists counts as blocked: its documents are refused, and nobody is told that the
    relation ended.
    """
    persons, first = np.unique(registers.person, return_index=True)
    best = np.full(len(persons), 0, np.int64)
    rank = np.select([registers.status == "A", registers.status == "E"], [2, 0], 1)
    np.maximum.at(best, np.searchsorted(persons, registers.person), rank)
    lead = pa.array(first)
    kinds = pa.array(registers.kind[first].tolist(), pa.string())
    tax_ids, keys = registers.tax_ids.take(lead), registers.core_keys.take(lead)
    alone = pc.binary_join_element_wise("@", keys, "")
    person_keys = pc.binary_join_element_wise(kinds, pc.coalesce(tax_ids, alone), ":")
    names = pa.array([ENDED, BLOCKED, AVAILABLE])
    return pa.table(
        {
            "person_id": person_ids(person_keys, secret),
            "tax_id": tax_ids,
            "kind": kinds,
            "availability": names.take(pa.array(best)),
        }
    )


def alone_ids(core_keys: pa.Array, secret: str) -> pa.Array:
    """Return the person ids that registers have, of either kind, as persons of their own: without a tax id."""
    keys = [pc.binary_join_element_wise(f"{kind}:@", core_keys, "") for kind in ("F", "J")]
    return person_ids(pa.concat_arrays(keys), secret)


class Availabilities:
    """Draft what changes in the relation ``customers``, given the persons of a bucket as they are before."""

    def __init__(self, draft: Draft, now: str, before: pa.Table) -> None:
        self._draft, self._now = draft, now
        self._before = before.combine_chunks()
        self._ids = pa.chunked_array(self._before["person_id"]).combine_chunks()
        self._seen = np.zeros(len(self._ids), bool)

    def settle(self, persons: pa.Table, missing_siblings: pa.Array) -> None:
        """Write the persons of one bucket whose availability is new; leave those with a missing sibling."""
        left_out = pc.is_in(persons["tax_id"].combine_chunks(), missing_siblings, skip_nulls=True)
        place = pc.index_in(persons["person_id"], self._ids).combine_chunks()
        self._seen[place.drop_null().to_numpy(zero_copy_only=False).astype(np.int64)] = True
        same = pc.equal(self._before["availability"].combine_chunks().take(place), persons["availability"])
        changed = pc.invert(pc.or_(pc.fill_null(same, False), left_out))  # noqa: FBT003 (Arrow's fill value)
        self._write(persons.filter(changed))

    def see(self, ids: pa.Array) -> None:
        """Leave these persons as they are."""
        self._seen |= pc.is_in(self._ids, ids).to_numpy(zero_copy_only=False)

    def finish(self, spared: pa.Array, among: pa.Array | None = None) -> None:
        """Call UNAVAILABLE who has no register any more, but for the ``spared`` (person ids or tax ids).

        ``among`` names (likewise) the only persons of whom a delta can tell that.
        """
        gone: NDArray[np.bool_] = ~self._seen & pc.not_equal(self._before["availability"], ENDED).to_numpy()
        gone &= ~self._named(spared)
        if among is not None:
            gone &= self._named(among)
        people = self._before.select(["person_id", "tax_id", "kind"]).filter(pa.array(gone))
        ended = pa.repeat(pa.scalar(ENDED), people.num_rows)
        self._write(people.append_column("availability", ended))

    def _named(self, names: pa.Array) -> NDArray[np.bool_]:
        by_id, by_tax_id = (self._before[column] for column in ("person_id", "tax_id"))
        either = pc.or_(pc.is_in(by_id, names), pc.is_in(by_tax_id, names, skip_nulls=True))
        found: NDArray[np.bool_] = either.to_numpy()
        return found

    def _write(self, persons: pa.Table) -> None:
        if persons.num_rows:
            since = pa.repeat(pa.scalar(self._now), persons.num_rows)
            self._draft.write_customer_states(persons.append_column("since", since))
