"""Hold judged documents against what is served: new, changed, unchanged, refused, withdrawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.errors import CadastraError
from customers.structures import BY_NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.differences import Differences
    from flows.draft import Draft
    from flows.judging import Judged


class AccountingError(CadastraError):
    """Report registers that a run read and cannot account for: a defect of this program."""

    exit_code = 7


@dataclass(slots=True)
class Tally:
    """Count what became of the registers of one structure.

    ``excluded`` by reason; ``skipped`` of the unchanged, documents that were not made and judged again.
    """

    read: int = 0
    published_new: int = 0
    published_changed: int = 0
    unchanged: int = 0
    rejected_stale: int = 0
    rejected_unserved: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    withdrawn: int = 0
    skipped: int = 0

    def exclude(self, reason: str, count: int) -> None:
        """Count registers that made no document of their own, for a named reason."""
        if count:
            self.excluded[reason] = self.excluded.get(reason, 0) + count

    def skip(self, registers: int, documents: int, reason: str, without: int) -> None:
        """Account for unchanged registers: so many documents due, ``without`` of them not made for a reason."""
        self.read += registers
        self.exclude("merged", registers - documents)
        self.exclude(reason, without)
        self.unchanged += documents - without
        self.skipped += documents - without

    def recount(self, reason: str, better: str, count: int) -> None:
        """Give excluded registers another reason."""
        if count:
            self.excluded[reason] -= count
            self.exclude(better, count)

    def check(self, structure: str) -> None:
        """Raise AccountingError unless every register read is accounted for."""
        told = self.published_new + self.published_changed + self.unchanged
        told += self.rejected_stale + self.rejected_unserved + sum(self.excluded.values())
        if told != self.read:
            msg = f"{structure}: {self.read} registers read, {told} accounted for"
            raise AccountingError(msg)


class Settlement:
    """Settle one structure of one bucket; what there is to write goes into a draft.

    ``served`` is what the structure serves of the bucket when the run begins; ``touched`` marks, among it, whom the
    run spoke about, and ``moved`` whose register is another person's now.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (what a bucket knows of a structure)
        self,
        draft: Draft,
        structure: str,
        version: str,
        now: str,
        served: pa.Table,
        moved: NDArray[np.bool_],
    ) -> None:
        self._draft, self._now = draft, now
        self._structure, self._version = structure, version
        self.served, self._moved = served.combine_chunks(), moved
        self._ids = pa.chunked_array(self.served["customer_id"]).combine_chunks()
        self._touched, self._altered = np.zeros(len(self._ids), bool), np.zeros(len(self._ids), bool)
        self._tax_ids: list[pa.Array] = []
        self.differences: Differences | None = None
        self.tally = Tally()

    def settle(self, judged: Judged, missing_siblings: pa.Array) -> None:
        """Write what one bucket changes; documents of persons with a missing sibling are left as they are."""
        self.tally.read += judged.read
        for reason, count in judged.excluded.items():
            self.tally.exclude(reason, count)
        accepted = self._without(judged.accepted, missing_siblings)
        refused = self._without(judged.refused, missing_siblings)
        self._tax_ids += [table["tax_id"].combine_chunks() for table in (accepted, refused)]
        self._publish(accepted)
        self._refuse(refused)

    def set_aside(self, reason: str, registers: int) -> None:
        """Account for registers of the batch that are not worked on, for a named reason."""
        self.tally.read += registers
        self.tally.exclude(reason, registers)

    def keep_registers(self, core_keys: pa.Array) -> None:
        """Go on serving the documents that carry these core keys."""
        self._touched |= pc.is_in(self.served["core_key"], core_keys).to_numpy()

    def protect(self, newer: pa.Table, *, everyone: bool) -> None:
        """Go on serving what a newer batch brought: of some registers (core_key, tax_id), or all there is."""
        self._touched |= everyone
        self.keep_registers(newer["core_key"])

    def keep(self, customer_ids: pa.Array) -> None:
        """Go on serving the documents of persons who have no new one."""
        self._touched[self._places(customer_ids)] = True

    def hold(self, customer_ids: pa.Array, customer_refs: pa.Array) -> None:
        """Go on serving, as stale, the documents of registers that nothing can be made of."""
        place = pc.index_in(customer_ids, self._ids)
        self._touched[self._places(customer_ids)] = True
        self._mark_refused(place, customer_refs)

    def withdraw(self, people: pa.Table, missing_siblings: pa.Array) -> None:
        """Stop serving the documents of persons who have no source for one any more, if all registers are here."""
        if people.num_rows == 0:
            return
        left_out = pc.is_in(people["tax_id"].combine_chunks(), missing_siblings, skip_nulls=True)
        undecided = people.filter(left_out)
        self.keep(undecided["customer_id"].combine_chunks())
        self.tally.recount("no-source", "sibling-missing", pc.count_distinct(undecided["tax_id"]).as_py())
        places = self._places(people.filter(pc.invert(left_out))["customer_id"].combine_chunks())
        self._retire(places)
        self._touched[places] = True
        self.tally.withdrawn += len(places)

    def finish(self, kind: str, core_keys: pa.Array) -> None:
        """Withdraw, after the last bucket, whom a full batch does not have, or who is led by another register now.

        In a delta a register that is here (``core_keys``) and has no document of its own any more is led by another,
        or became another kind of person.
        """
        left = ~self._touched
        if kind == "delta":
            here = pc.is_in(self.served["core_key"], core_keys).to_numpy()
            known = pc.is_in(self.served["tax_id"], pa.chunked_array(self._tax_ids or [[]], pa.string()))
            same_person = pc.and_(known, pc.is_valid(self.served["tax_id"])).to_numpy()
            left &= here | (same_person & (BY_NAME[self._structure].grain == "person"))
        places = np.flatnonzero(left)
        self._retire(places)
        self.tally.withdrawn += len(places)
        self.tally.check(self._structure)

    def altered(self) -> pa.Array:
        """Return the core keys under which something is not served any more, or not as it was."""
        return pc.unique(self.served["core_key"].filter(pa.array(self._altered)))

    def _without(self, people: pa.Table, missing_siblings: pa.Array) -> pa.Table:
        if BY_NAME[self._structure].grain == "register" or len(missing_siblings) == 0:
            return people
        left_out = pc.is_in(people["tax_id"].combine_chunks(), missing_siblings, skip_nulls=True)
        affected = people.filter(left_out)
        self._touched[_unique(self._place_of_people(affected))] = True
        self.tally.exclude("sibling-missing", affected.num_rows)
        return people.filter(pc.invert(left_out))

    def _places(self, customer_ids: pa.Array) -> NDArray[np.int64]:
        found = pc.index_in(customer_ids, self._ids).drop_null()
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def _place_of_people(self, people: pa.Table) -> pa.Array:
        """Find what is served of each, if need be under another register that led the person before; else null."""
        place = pc.index_in(people["customer_id"].combine_chunks(), self._ids)
        if BY_NAME[self._structure].grain == "person":
            served_tax_ids = pa.chunked_array(self.served["tax_id"]).combine_chunks()
            served_tax_ids = pc.if_else(self._moved, pa.scalar(None, pa.string()), served_tax_ids)
            place = pc.coalesce(
                place, pc.index_in(people["tax_id"].combine_chunks(), served_tax_ids, skip_nulls=True)
            )
        return place

    def _publish(self, accepted: pa.Table) -> None:
        place = pc.index_in(accepted["customer_id"], self._ids)
        before = self.served["content_hash"].combine_chunks().take(pa.chunked_array(place).combine_chunks())
        is_new = pc.is_null(place).to_numpy()
        same = pc.fill_null(pc.equal(accepted["content_hash"], before), False).to_numpy()  # noqa: FBT003 (Arrow's fill value)
        same &= self._same_tax_id(accepted, place)
        served = place.to_numpy(zero_copy_only=False)[~is_new].astype(np.int64)
        self._touched[served] = True
        self._write(accepted.filter(pa.array(~same)) if same.any() else accepted)
        if self.differences is not None:
            changed = pa.array(~is_new & ~same)
            numbers = self.served["document_id"].combine_chunks().take(place.filter(changed).combine_chunks())
            self.differences.add(self._structure, accepted.filter(changed), numbers.to_pylist())
        self._retire(place.filter(pa.array(~is_new & ~same)).to_numpy().astype(np.int64))
        self._freshen(place.filter(pa.array(same)).to_numpy().astype(np.int64))
        self.tally.published_new += int(is_new.sum())
        self.tally.published_changed += int((~is_new & ~same).sum())
        self.tally.unchanged += int(same.sum())

    def _same_tax_id(self, accepted: pa.Table, place: pa.ChunkedArray) -> NDArray[np.bool_]:
        """Say which documents are served under the tax id that they have now; a relation's text does not tell."""
        before = pc.fill_null(self.served["tax_id"].combine_chunks().take(place.combine_chunks()), "")
        same: NDArray[np.bool_] = pc.equal(before, pc.fill_null(accepted["tax_id"], "")).to_numpy()
        return same

    def _write(self, documents: pa.Table) -> None:
        """Store documents, except those that are stored already and only need to be served again."""
        if documents.num_rows and self._draft.has_retired():
            known = self._draft.stored_before(self._structure, self._version, documents)
            if known.num_rows:
                self._draft.serve_again(known["document_id"])
                documents = documents.filter(
                    pc.invert(pc.is_in(documents["customer_id"], known["customer_id"]))
                )
        if documents.num_rows:
            self._draft.write_documents(documents)

    def _refuse(self, refused: pa.Table) -> None:
        place = self._place_of_people(refused)
        places = _unique(place)
        self._touched[places] = True
        self.tally.rejected_stale += len(places)
        self.tally.rejected_unserved += refused.num_rows - len(places)
        self._mark_refused(place, refused["customer_ref"].combine_chunks())

    def _mark_refused(self, place: pa.Array, customer_refs: pa.Array) -> None:
        """Let what is served of refused registers be stale from now on, if it is not yet; their findings say why."""
        if place.null_count == len(place):
            return
        known = place.is_valid()
        places, first = np.unique(place.drop_null().to_numpy(), return_index=True)
        fresh = ~self._stale(places.astype(np.int64))
        refs = customer_refs.filter(known).take(pa.array(first[fresh]))
        self._mark(places[fresh].astype(np.int64), self._now, refs)

    def _freshen(self, places: NDArray[np.int64]) -> None:
        """End the staleness of documents that came again as they are served."""
        fresh = places[self._stale(places)]
        self._mark(fresh, None, pa.nulls(len(fresh), pa.string()))

    def _stale(self, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        stale: NDArray[np.bool_] = self.served["stale"].to_numpy()[places].astype(bool)
        return stale

    def _mark(self, places: NDArray[np.int64], since: str | None, customer_refs: pa.Array) -> None:
        if len(places) == 0:
            return
        self._altered[places] = True
        count = len(places)
        marks = {
            "structure": pa.repeat(pa.scalar(self._structure), count),
            "version": pa.repeat(pa.scalar(self._version), count),
            "customer_id": self._ids.take(pa.array(places)),
            "since": pa.repeat(pa.scalar(since, pa.string()), count),
            "customer_ref": customer_refs,
        }
        self._draft.mark_stale(pa.table(marks))

    def _retire(self, places: NDArray[np.int64]) -> None:
        if len(places):
            self._altered[places] = True
            periods = self.served.select(["document_id", "opened_run_seq"]).take(pa.array(places))
            self._draft.retire(periods)


def _unique(place: pa.Array) -> NDArray[np.int64]:
    return np.unique(place.drop_null().to_numpy(zero_copy_only=False).astype(np.int64))
