"""Leave out, before any row goes to a bucket, who is as the last run left it: of a full export nearly everybody.

Whoever is served is remembered by a fingerprint or forgotten by name (``sql.tables.forgotten``), and a fingerprint
holds until its register is forgotten. So a census of the export against both says whom a run has to look at: who came,
who changed, who left, and in whom something was found the last time. What is served of all others is not even read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.findings import RULE_RESULTS_SCHEMA
from customers.structures import STRUCTURES
from flows.aside import REASONS, batch_of
from flows.bucket_outcome import Outcome
from flows.memory import made_by
from flows.recognising import holding, recognise
from flows.settling import Tally
from mappings.census import Remaining, take_census
from mappings.word_index import NOWHERE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from customers.structures import Structure
    from flows.job import Job
    from mappings.census import Census, LeftAlone, Rereadable
    from mappings.directory import Source
    from sql.store import Store

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sifted:
    """Say of a full export who is left ``alone``, being unchanged, and what that comes to.

    ``absent`` are the core keys of which something may be served and that the export does not have.
    """

    alone: LeftAlone
    absent: pa.Array
    outcome: Outcome

    def rest(self, source: Rereadable) -> Source:
        """Return the rows that are left: of all other registers, and of nobody."""
        return Remaining(source, self.alone)

    @property
    def left(self) -> int:
        """Count the registers that are left."""
        return int(self.alone.others.sum())


def sift(job: Job, store: Store, source: Rereadable, folder: str) -> Sifted | None:
    """Hold an export against what is remembered; None where nothing is, or the export is not the newest full one.

    Raises what reading raises.
    """
    control = source.control
    if job.full_remap or control.kind != "full" or not store.remembers():
        return None
    batch = batch_of(job.core, job.version, control)
    if not job.replay and (store.is_older_than_full(batch) or store.newer(batch).num_rows):
        return None
    made = made_by(job.core, job.version, job.secret, control.business_date)
    census = take_census(source, job.core, made, folder, job.workers)
    return None if census is None else _Comparison(census, control.business_date.isoformat()).of(store)


class _Comparison:
    """Hold a census against what is remembered, some registers at a time."""

    def __init__(self, census: Census, day: str) -> None:
        self._census, self._day = census, day
        self._same = np.zeros(len(census), bool)
        self._forgotten, self._run_seq = np.zeros(len(census), np.int64), np.zeros(len(census), np.int64)
        self._reasons: dict[str, int] = {}
        self._reason = np.zeros(len(census), np.int16)
        self._absent: list[pa.Table] = []

    def of(self, store: Store) -> Sifted:
        forgotten = store.forgotten().combine_chunks()
        number = self._census.of(_whole(forgotten["core_key"]))
        here = number != NOWHERE
        self._forgotten[number[here]] = _numbers(forgotten["run_seq"])[here]
        self._recognise(store)
        unchanged = self._same & ~self._census.again
        unchanged &= ~self._census.any_of_person(~unchanged)
        absent = self._still_known(forgotten.filter(pa.array(~here)))
        return Sifted(self._census.leaving(unchanged), absent, self._outcome(unchanged))

    def _recognise(self, store: Store) -> None:
        known = recognise(self._census, store.each_group(), self._day)
        self._same = known.holds & (known.run_seq > self._forgotten)
        self._run_seq, self._reason = known.run_seq, known.excluded
        self._reasons = {text: code for code, text in enumerate(known.texts)}
        for rows in store.each_remembered(known.others):
            self._compare(rows)

    def _compare(self, rows: pa.Table) -> None:
        number = self._census.of(_whole(rows["core_key"]))
        here = number != NOWHERE
        self._absent.append(rows.select(["core_key", "run_seq"]).filter(pa.array(~here)))
        rows, number = self._last(rows.filter(pa.array(here)), number[here])
        same = _numbers(rows["fingerprint"]) == self._census.fingerprints[number]
        same &= _numbers(rows["run_seq"]) > self._forgotten[number]
        same &= holding(rows, self._day)
        self._same[number] = same
        reasons = _whole(rows["excluded"]).dictionary_encode()
        codes = [
            self._reasons.setdefault(text, len(self._reasons)) for text in reasons.dictionary.to_pylist()
        ]
        self._reason[number] = np.array(codes, np.int16)[_numbers(reasons.indices)]

    def _last(self, rows: pa.Table, number: NDArray[np.int64]) -> tuple[pa.Table, NDArray[np.int64]]:
        """Leave out what a later run remembers otherwise; of those that are left the last one comes last."""
        run_seq = _numbers(rows["run_seq"])
        later = np.flatnonzero(run_seq > self._run_seq[number])
        later = later[np.argsort(run_seq[later], kind="stable")]
        self._run_seq[number[later]] = run_seq[later]
        return rows.take(pa.array(later)), number[later]

    def _still_known(self, forgotten: pa.Table) -> pa.Array:
        """Return who is not in the export, but for those who are gone for good."""
        remembered = pa.concat_tables([forgotten.select(["core_key", "run_seq"]).slice(0, 0), *self._absent])
        place = pc.index_in(remembered["core_key"], _whole(forgotten["core_key"])).combine_chunks()
        since = pc.fill_null(_whole(forgotten["run_seq"]).take(place), -1)
        later = pc.greater(_whole(remembered["run_seq"]), since)
        kept = forgotten.filter(pc.invert(forgotten["gone"]))["core_key"]
        return pc.unique(pa.concat_arrays([_whole(remembered.filter(later)["core_key"]), _whole(kept)]))

    def _outcome(self, unchanged: Mask) -> Outcome:
        count = int(unchanged.sum())
        tallies = {structure.name: self._tally(structure, unchanged) for structure in STRUCTURES}
        return Outcome(tallies, RULE_RESULTS_SCHEMA.empty_table(), frozenset(), count, count)

    def _tally(self, structure: Structure, unchanged: Mask) -> Tally:
        own = unchanged & (self._census.company == (structure.kind == "J"))
        registers, persons = int(own.sum()), int(self._census.persons_of(own).sum())
        reason = REASONS.get(structure.subject, "")
        excluded = np.array([bool(reason) and reason in text.split() for text in self._reasons] or [False])
        without = int(self._census.persons_of(own & excluded[self._reason]).sum())
        tally = Tally()
        tally.skip(registers, registers if structure.grain == "register" else persons, reason, without)
        return tally


def _whole(values: pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks()


def _numbers(values: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = (
        values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    ).to_numpy(zero_copy_only=False)
    return numbers
