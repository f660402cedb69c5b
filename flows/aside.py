"""Which registers of a batch are counted and not worked on: erased, older than what is served, or unchanged.

Whole persons are set aside, for their documents are made of all their registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import person_ids
from customers.structures import BY_NAME
from flows.availability import alone_ids
from flows.erasures import are_erased

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from customers.structures import Structure
    from flows.availability import Availabilities
    from flows.settling import Settlement
    from mappings.control import Control
    from mappings.core import Core
    from mappings.partition import Partition

    Mask = NDArray[np.bool_]

# Why a person has no document of a kind; the only reasons, beside ``merged``, that lie in the rows themselves.
REASONS = {"qualifications": "no-source", "financial_relations": "closed"}


@dataclass(frozen=True, slots=True)
class Aside:
    """Say which registers of ``plan`` are set aside; masks have one entry per register.

    ``before`` has, for each register, what is remembered of it (``sql.fingerprints.FINGERPRINTS``). ``newer`` are
    registers of which something newer than the batch is served, in the batch or not; ``outdated`` says that the
    whole batch is older than a full one: it withdraws nobody.
    """

    plan: Partition
    erased: Mask
    stale: Mask
    unchanged: Mask
    before: pa.Table
    newer: pa.Table
    outdated: bool

    @property
    def registers(self) -> Mask:
        """Return all that are set aside."""
        return self.erased | self.stale | self.unchanged

    def count(self, settlements: Mapping[str, Settlement]) -> None:
        """Account for the registers set aside, and go on serving what is served of them."""
        kind, lead = _array(self.plan.kind), _leads(self.plan)
        left_alone = self.plan.keys.filter(pa.array(self.stale | self.unchanged))
        for name, settlement in settlements.items():
            structure = BY_NAME[name]
            own = kind == structure.kind
            settlement.set_aside("erased", int((self.erased & own).sum()))
            settlement.set_aside("stale-batch", int((self.stale & own).sum()))
            unchanged = self.unchanged & own
            without = unchanged & lead & _excluded(self.before, structure)
            persons = int((unchanged if structure.grain == "register" else unchanged & lead).sum())
            settlement.tally.skip(
                int(unchanged.sum()), persons, REASONS.get(structure.subject, ""), int(without.sum())
            )
            settlement.keep_registers(left_alone)
            settlement.protect(self.newer, everyone=self.outdated)

    def settle(self, people: Availabilities, siblings: pa.Array, secret: str) -> None:
        """Say that the persons set aside are still there, as they were made of these rows."""
        lead = _leads(self.plan)
        chosen = pa.array(np.flatnonzero(self.unchanged & lead))
        persons = {
            "person_id": person_ids(self.plan.person.take(chosen), secret),
            "tax_id": self.plan.tax_ids.take(chosen),
            "kind": self.plan.kind.take(chosen),
            "availability": self.before["availability"].combine_chunks().take(chosen),
        }
        people.settle(pa.table(persons), siblings)
        people.see(person_ids(self.plan.person.filter(pa.array(self.stale & lead)), secret))

    def spared(self, secret: str) -> pa.Array:
        """Return the persons (ids or tax ids) of whom something newer than the batch is served."""
        tax_ids = pa.chunked_array(self.newer["tax_id"]).combine_chunks().drop_null()
        keys = pa.chunked_array(self.newer["core_key"]).combine_chunks()
        return pa.concat_arrays([tax_ids, alone_ids(keys, secret)])


def batch_of(core: Core, version: str, control: Control) -> dict[str, str]:
    """Name a batch as ``Store.newer`` and ``Store.is_older_than_full`` want it."""
    return {
        "core": core.name,
        "version": version,
        "business_date": control.business_date.isoformat(),
        "generated_at": control.generated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def set_aside(
    plan: Partition, secret: str, erased: Sequence[str], newer: pa.Table, *, outdated: bool
) -> Aside:
    """Find the erased and the outdated registers of a bucket; nothing is ``unchanged`` yet (``with_unchanged``)."""
    nobody = np.zeros(len(plan.keys), bool)
    gone = _array(are_erased(plan.tax_ids, erased, secret))
    stale = nobody | outdated
    if newer.num_rows and not outdated:
        stale = _array(pc.is_in(plan.keys, newer["core_key"])) | _array(
            pc.is_in(plan.tax_ids, newer["tax_id"], skip_nulls=True)
        )
        stale = _any_of_person(stale, plan.person_numbers)
    before = pa.table({"availability": pa.nulls(len(plan.keys), pa.string())})
    before = before.append_column("excluded", pa.nulls(len(plan.keys), pa.string()))
    return Aside(plan, gone, stale & ~gone, nobody, before, newer, outdated)


def with_unchanged(
    aside: Aside, last: pa.Table, settlements: Mapping[str, Settlement], marks: NDArray[np.int64]
) -> Aside:
    """Set aside, too, whose fingerprint is the ``last`` one remembered and whose documents are served as it left them.

    A fingerprint is remembered of persons with nothing to find only; it is not trusted where a document is stale or
    served since a later run, such as a rollback.
    """
    plan = aside.plan
    last = last.combine_chunks()
    if last.num_rows == 0 or len(plan.keys) == 0:
        return aside
    before = last.take(pc.index_in(plan.keys, pa.chunked_array(last["core_key"]).combine_chunks()))
    day = plan.export.control.business_date.isoformat()
    same = _array(pc.fill_null(pc.equal(before["fingerprint"], pa.array(marks)), False))  # noqa: FBT003 (Arrow's)
    same &= _array(pc.fill_null(pc.less_equal(before["business_date"], day), False))  # noqa: FBT003 (as above)
    same &= _array(pc.fill_null(pc.greater_equal(before["valid_until"], day), True))  # noqa: FBT003 (as above)
    same[[register for register, _ in plan.duplicates]] = False
    for name, settlement in settlements.items():
        same &= _as_left(BY_NAME[name], settlement.served, plan, before)
    same = ~_any_of_person(~same, plan.person_numbers) & ~aside.erased & ~aside.stale
    return Aside(plan, aside.erased, aside.stale, same, before, aside.newer, aside.outdated)


def _as_left(structure: Structure, served: pa.Table, plan: Partition, before: pa.Table) -> Mask:
    """Say of which registers exactly those documents are served that the remembered run left; others: True."""
    register = pc.index_in(served["core_key"], plan.keys)
    here = _array(pc.is_valid(register))
    owner = _array(register.filter(pa.array(here))).astype(np.int64)
    run_seq = _array(pc.fill_null(before["run_seq"], -1))
    changed = _array(served["opened_run_seq"])[here] > run_seq[owner]
    changed |= _array(served["stale"])[here]
    spoilt, has = np.zeros(len(plan.keys), bool), np.zeros(len(plan.keys), bool)
    spoilt[owner[changed]] = True
    has[owner] = True
    excluded = _excluded(before, structure)
    wanted = np.ones(len(plan.keys), bool) if structure.grain == "register" else _leads(plan) & ~excluded
    right = has == wanted
    if structure.subject == "financial_relations":
        right |= excluded  # who is closed may have a last document or none
    as_left: Mask = (_array(plan.kind) != structure.kind) | (right & ~spoilt)
    return as_left


def _excluded(before: pa.Table, structure: Structure) -> Mask:
    """Say which registers' persons have no document of a structure."""
    reason = REASONS.get(structure.subject)
    if reason is None:
        return np.zeros(before.num_rows, bool)
    return _array(pc.fill_null(pc.match_substring(before["excluded"], reason), False))  # noqa: FBT003 (Arrow's)


def _leads(plan: Partition) -> Mask:
    """Say which registers have the smallest core key of their person."""
    person = plan.person_numbers
    # Nearly everybody has one register, which need not be compared.
    lead: Mask = np.bincount(person)[person] == 1
    rest = np.flatnonzero(~lead)
    order = rest[_array(pc.sort_indices(plan.keys.take(pa.array(rest)))).astype(np.int64)]
    _, first = np.unique(person[order], return_index=True)
    lead[order[first]] = True
    return lead


def _any_of_person(mask: Mask, person: NDArray[np.int64]) -> Mask:
    found = np.zeros(int(person.max(initial=-1)) + 1, bool)
    found[person[mask]] = True
    return found[person]


def _array(values: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return np.array(whole.to_numpy(zero_copy_only=False))
