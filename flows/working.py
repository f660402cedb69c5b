"""Work through the buckets of an export: all that a run has to say is written unseen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import customer_ids, customer_refs
from customers.structures import STRUCTURES
from flows.aside import set_aside, with_unchanged
from flows.availability import Availabilities, alone_ids, availability
from flows.differences import Differences
from flows.job import now
from flows.judging import add_results, judge_bucket
from flows.logs import log
from flows.memory import Memory, made_by
from flows.outcome import stray_findings
from flows.settling import Settlement
from mappings.fingerprints import fingerprints
from mappings.partition import stage_buckets
from mappings.structure_map import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.aside import Aside
    from flows.job import Job
    from flows.judging import Judged, Stopwatch
    from flows.settling import Tally
    from mappings.partition import Partition
    from mappings.staging import Bucket
    from sql.store import Store


@dataclass(frozen=True, slots=True)
class Worked:
    """Hold what the buckets of a run came to; ``served`` counts the documents before, by structure."""

    tallies: dict[str, Tally]
    served: dict[str, int]
    results: pa.Table
    halted: frozenset[str]
    customers: int
    skipped: int
    orphans: dict[str, int] = field(default_factory=dict)
    differences: dict[str, Any] | None = None


class Work:
    """Work through one partitioned export for one run."""

    def __init__(self, job: Job, store: Store, run_seq: int, plan: Partition, watch: Stopwatch) -> None:
        self.job, self.plan, self.watch = job, plan, watch
        self._store, self._run_seq = store, run_seq
        self._control = plan.export.control
        self._rules: list[pa.Table] = []
        self._halted: set[str] = set()
        self._differences = Differences(store) if job.rehearse else None
        moment = now()
        self._settlements = {
            structure.name: Settlement(store, run_seq, structure.name, job.version, moment)
            for structure in STRUCTURES
        }
        for settlement in self._settlements.values():
            settlement.differences = self._differences
        self._people = Availabilities(store, run_seq, moment)
        self._siblings = self._missing_siblings()

    def do(self) -> Worked:
        """Write everything that the run has to say, unseen."""
        job = self.job
        aside, memory = self._set_aside()
        aside.count(self._settlements)
        aside.settle(self._people, self._siblings, job.secret)
        self.watch.lap("compare")
        rest = self.plan.without(aside.registers, job.bucket_size)
        for number, bucket in enumerate(stage_buckets(rest)):
            self.watch.lap("stage")
            job.tell("map, check, nest", number / rest.count)
            self._bucket(bucket, memory)
            log.info("bucket done", bucket=number + 1, of=rest.count, registers=len(bucket.registers))
        self._finish(aside)
        memory.write(self._store, self._run_seq)
        self._store.write_findings(self._run_seq, stray_findings(self.plan.strays, job.secret))
        self.watch.lap("publish")
        return self._worked(int(aside.unchanged.sum()))

    def _set_aside(self) -> tuple[Aside, Memory]:
        """Find what need not, or may not, be worked on."""
        job, store = self.job, self._store
        marks = fingerprints(
            self.plan, made_by(job.core, job.version, job.secret, self._control.business_date)
        )
        aside = set_aside(store, self.plan, job.secret, replay=job.replay, version=job.version)
        if not job.full_remap:
            aside = with_unchanged(aside, store, self._settlements, marks)
        return aside, Memory(self.plan, marks, job.secret)

    def _bucket(self, bucket: Bucket, memory: Memory) -> None:
        context = Context(self._control.business_date, self.job.secret, self.job.version)
        verdicts: list[Judged] = []
        for judged in judge_bucket(bucket, context, self.watch):
            settlement = self._settlements[judged.structure]
            settlement.settle(judged, self._siblings)
            settlement.keep(judged.kept["customer_id"].combine_chunks())
            settlement.withdraw(judged.gone, self._siblings)
            if judged.findings.num_rows:
                self._store.write_findings(self._run_seq, judged.findings)
            self._rules.append(judged.results)
            self._halted |= set(judged.halted)
            verdicts.append(judged)
            self.watch.lap("publish")
        states = availability(bucket.registers, self.job.secret)
        self._people.settle(states, self._siblings)
        memory.note(bucket, verdicts, states, self._siblings)
        self.watch.lap("publish")

    def _finish(self, aside: Aside) -> None:
        """Withdraw who left, after the last bucket."""
        unplaced, secret = self.plan.unplaced, self.job.secret
        for settlement in self._settlements.values():
            settlement.hold(customer_ids(unplaced, secret), customer_refs(unplaced, secret))
            settlement.finish(self._control.kind, self.plan.keys)
        if not aside.outdated:
            spared = pa.concat_arrays([self._siblings, alone_ids(unplaced, secret), aside.spared(secret)])
            self._people.finish(spared, self._former_persons())

    def _missing_siblings(self) -> pa.Array:
        """Return the tax ids of which a register that is served is not in the delta, or is of no known kind."""
        if self._control.kind == "full":
            return self._served_tax_ids(lambda keys: pc.is_in(keys, self.plan.unplaced))
        return self._served_tax_ids(lambda keys: pc.invert(pc.is_in(keys, self.plan.keys)))

    def _former_persons(self) -> pa.Array | None:
        """Return who may have lost a register to another person in a delta: tax ids, and ids of who had none."""
        if self._control.kind == "full":
            return None
        tax_ids = self._served_tax_ids(lambda keys: pc.is_in(keys, self.plan.keys))
        return pa.concat_arrays([tax_ids, alone_ids(self.plan.keys, self.job.secret)])

    def _served_tax_ids(self, chosen: Callable[[pa.Array], pa.Array]) -> pa.Array:
        """Return the tax ids under which chosen registers are served."""
        tables = [
            self._settlements[structure.name].served
            for structure in STRUCTURES
            if structure.subject == "identifications"
        ]
        found = [table.filter(chosen(table["core_key"]))["tax_id"].combine_chunks() for table in tables]
        return pc.unique(pa.concat_arrays(found).drop_null())

    def _worked(self, skipped: int) -> Worked:
        settlements = self._settlements
        return Worked(
            tallies={name: settlement.tally for name, settlement in settlements.items()},
            served={name: settlement.served.num_rows for name, settlement in settlements.items()},
            results=add_results(self._rules),
            halted=frozenset(self._halted),
            customers=len(self.plan.keys),
            skipped=skipped,
            orphans=self.plan.orphans,
            differences=None if self._differences is None else self._differences.as_data(),
        )
