"""One bucket of a run, from its spilled rows to all that it has to write: the unit of memory, parallel work and retry.

The same function runs in this process, in others of this machine and on other machines.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import customer_ids, customer_refs
from customers.structures import STRUCTURES
from flows.aside import set_aside, with_unchanged
from flows.availability import Availabilities, alone_ids, availability
from flows.bucket_outcome import Outcome
from flows.draft import Draft
from flows.judging import Stopwatch, add_results, judge_bucket
from flows.memory import Memory, made_by
from flows.outcome import stray_findings
from flows.settling import Settlement
from flows.standing import HERE, MOVED
from mappings.fingerprints import fingerprints
from mappings.partition import partition, stage_bucket
from mappings.routing import bucket_export
from mappings.structure_map import Context

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.aside import Aside
    from flows.differences import Differences
    from flows.judging import Judged
    from flows.standing import Standing
    from mappings.control import Control
    from mappings.core import Core
    from mappings.routing import RoutedTable
    from mappings.staging import Bucket
    from sql.store import Store


@dataclass(frozen=True, slots=True)
class Terms:
    """Say all that the buckets of a run have in common; small enough to be sent to every worker.

    ``gone`` are registers of which nothing is served any more; ``erased`` are the persons who may not be served;
    ``outdated`` says that a newer full batch is served; ``has_retired`` that some period of being served ever ended.
    Workers write into the database themselves (``workers_write``), or spill into ``folder`` what the coordinator
    writes.
    """

    run_id: str
    run_seq: int
    core: Core
    place: str
    control: Control
    secret: str = field(repr=False)
    version: str
    moment: str
    count: int
    full_remap: bool
    tables: dict[str, RoutedTable]
    standing: Standing
    gone: pa.Array
    erased: tuple[str, ...]
    outdated: bool
    has_retired: bool
    database_url: str = field(repr=False)
    workers_write: bool
    folder: str

    def size(self, number: int) -> int:
        """Return how many bytes were spilled for one bucket."""
        spills = [table.rows for table in self.tables.values()] + self.standing.spills()
        return sum(spilled.size(number) for spilled in spills)


def work_through(
    terms: Terms, number: int, store: Store, differences: Differences | None = None
) -> tuple[Draft, Outcome]:
    """Map, check, nest and settle one bucket; nothing is written."""
    return _Work(terms, number, store, differences).do()


class _Work:
    """Work through one bucket."""

    def __init__(self, terms: Terms, number: int, store: Store, differences: Differences | None) -> None:
        self.terms, self.number, self.watch = terms, number, Stopwatch()
        export = bucket_export(terms.place, terms.control, terms.tables, number)
        self.plan = partition(export, terms.core, bucket_size=None)
        self.draft = Draft(store, has_retired=terms.has_retired)
        self._away: list[pa.Table] = []
        self._settlements = {
            structure.name: self._settlement(structure.name, differences) for structure in STRUCTURES
        }
        states = terms.standing.states.read(number)
        self._unplaced = states.filter(states["unplaced"])["person_id"].combine_chunks()
        self._former = states.filter(states["former"])["person_id"].combine_chunks()
        self._people = Availabilities(self.draft, terms.moment, states)
        self._siblings = self._missing_siblings()
        self._rules: list[pa.Table] = []
        self._halted: set[str] = set()

    def do(self) -> tuple[Draft, Outcome]:
        terms = self.terms
        aside, memory = self._set_aside()
        aside.count(self._settlements)
        aside.settle(self._people, self._siblings, terms.secret)
        self.watch.lap("compare")
        rest = self.plan.without(aside.registers)
        # Bucket 0 is judged in any case, so that every rule is, if only on nothing.
        if rest.count and (self.number == 0 or not aside.registers.all()):
            bucket = stage_bucket(rest, 0)
            self.watch.lap("stage")
            self._judge(bucket, memory)
        self._finish(aside)
        if self.number == 0:
            self.draft.forget(self.terms.gone, gone=True)
        memory.write(self.draft, [settlement.altered() for settlement in self._settlements.values()])
        self.draft.write_findings(stray_findings(self.plan.strays, terms.secret))
        self.watch.lap("settle")
        return self.draft, self._outcome(int(aside.unchanged.sum()))

    def _settlement(self, name: str, differences: Differences | None) -> Settlement:
        terms = self.terms
        rows = terms.standing.served[name].read(self.number)
        here = pc.equal(rows["away"], HERE)
        self._away.append(rows.filter(pc.invert(here)))
        served = rows.filter(here).drop_columns(["away"])
        moved = self._moved(served)
        settlement = Settlement(self.draft, name, terms.version, terms.moment, served, moved)
        settlement.differences = differences
        return settlement

    def _moved(self, served: pa.Table) -> NDArray[np.bool_]:
        """Say which documents are served of a person whose register is another person's now."""
        if served.num_rows == 0:
            return np.zeros(0, bool)
        register = pc.index_in(served["core_key"], self.plan.keys).combine_chunks()
        now = pc.fill_null(self.plan.tax_ids.take(register), "")
        other = pc.not_equal(now, pc.fill_null(served["tax_id"].combine_chunks(), ""))
        moved: NDArray[np.bool_] = pc.and_(pc.is_valid(register), other).to_numpy(zero_copy_only=False)
        return moved

    def _set_aside(self) -> tuple[Aside, Memory]:
        """Find what need not, or may not, be worked on."""
        terms, number = self.terms, self.number
        made = made_by(terms.core, terms.version, terms.secret, terms.control.business_date)
        marks = fingerprints(self.plan, made)
        newer = terms.standing.newer.read(number)
        aside = set_aside(self.plan, terms.secret, terms.erased, newer, outdated=terms.outdated)
        if not terms.full_remap:
            last = terms.standing.remembered.read(number)
            aside = with_unchanged(aside, last, self._settlements, marks)
        return aside, Memory(self.plan, marks, terms.secret)

    def _judge(self, bucket: Bucket, memory: Memory) -> None:
        terms = self.terms
        context = Context(terms.control.business_date, terms.secret, terms.version)
        verdicts: list[Judged] = []
        for judged in judge_bucket(bucket, context, self.watch):
            settlement = self._settlements[judged.structure]
            settlement.settle(judged, self._siblings)
            settlement.keep(judged.kept["customer_id"].combine_chunks())
            settlement.withdraw(judged.gone, self._siblings)
            self.draft.write_findings(judged.findings)
            self._rules.append(judged.results)
            self._halted |= set(judged.halted)
            # The documents are in the draft, and nobody asks for them here.
            verdicts.append(replace(judged, accepted=judged.accepted.schema.empty_table()))
            self.watch.lap("settle")
        states = availability(bucket.registers, terms.secret)
        self._people.settle(states, self._siblings)
        memory.note(bucket, verdicts, states, self._siblings)

    def _finish(self, aside: Aside) -> None:
        """Withdraw who left."""
        unplaced, secret = self.plan.unplaced, self.terms.secret
        ids, refs = customer_ids(unplaced, secret), customer_refs(unplaced, secret)
        for settlement in self._settlements.values():
            settlement.hold(ids, refs)
            settlement.finish(self.terms.control.kind, self.plan.keys)
        if not aside.outdated:
            spared = [self._siblings, alone_ids(unplaced, secret), self._unplaced, aside.spared(secret)]
            self._people.finish(pa.concat_arrays(spared), self._former_persons())

    def _missing_siblings(self) -> pa.Array:
        """Return the tax ids of which a register that is served is not in the delta, or is of no known kind."""
        elsewhere = pa.concat_tables(self._identified_away())
        kindless = elsewhere.filter(pc.not_equal(elsewhere["away"], MOVED))["tax_id"].combine_chunks()
        if self.terms.control.kind == "full":
            here = self._served_tax_ids(self.plan.unplaced, among=True)
        else:
            here = self._served_tax_ids(self.plan.keys, among=False)
        return pc.unique(pa.concat_arrays([here, kindless]))

    def _former_persons(self) -> pa.Array | None:
        """Return who may have lost a register to another person in a delta: tax ids, and ids of who had none."""
        if self.terms.control.kind == "full":
            return None
        elsewhere = pa.concat_tables(self._identified_away())
        lost = elsewhere.filter(pc.equal(elsewhere["away"], MOVED))["tax_id"].combine_chunks()
        here = self._served_tax_ids(self.plan.keys, among=True)
        return pa.concat_arrays([here, lost, self._former, alone_ids(self.plan.keys, self.terms.secret)])

    def _identified_away(self) -> list[pa.Table]:
        return [
            away
            for structure, away in zip(STRUCTURES, self._away, strict=True)
            if structure.subject == "identifications"
        ]

    def _served_tax_ids(self, core_keys: pa.Array, *, among: bool) -> pa.Array:
        """Return the tax ids under which registers among some, or not among them, are served."""
        found = []
        for structure in STRUCTURES:
            if structure.subject == "identifications":
                served = self._settlements[structure.name].served
                chosen = pc.equal(pc.is_in(served["core_key"], core_keys), among)
                found.append(served.filter(chosen)["tax_id"].combine_chunks())
        return pc.unique(pa.concat_arrays(found).drop_null())

    def _outcome(self, skipped: int) -> Outcome:
        return Outcome(
            tallies={name: settlement.tally for name, settlement in self._settlements.items()},
            results=add_results(self._rules),
            halted=frozenset(self._halted),
            customers=len(self.plan.keys),
            skipped=skipped,
            orphans=self.plan.orphans,
            seconds=dict(self.watch.seconds),
            bytes_read=self.terms.size(self.number),
            bytes_written=self.draft.size(),
        )
