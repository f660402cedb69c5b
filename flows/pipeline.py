"""The nightly run as plain functions; Prefect wraps them in ``flows.nightly``.

Extract, then stage, map, check and nest every bucket and write it unseen, then one flip that shows everything.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from customers.dictionary import DEFAULT_VERSION
from customers.errors import UsageError
from customers.pseudonyms import customer_ids
from customers.structures import STRUCTURES
from flows.aside import set_aside, with_unchanged
from flows.availability import Availabilities, alone_ids, availability
from flows.breaker import Finished, Thresholds, breaches
from flows.data_docs import write_docs
from flows.differences import Differences
from flows.judging import Stopwatch, add_results, judge_bucket
from flows.memory import Memory, made_by
from flows.outcome import Report, late, run_count, stray_findings, summary, worst_first
from flows.settling import Settlement, Tally
from mappings.extract import read_control, read_export
from mappings.fingerprints import fingerprints
from mappings.partition import partition, stage_buckets
from mappings.structure_map import Context
from mappings.version import mapping_version
from sql.lock import hold
from sql.rehearsal import open_rehearsal
from sql.store import RunStart, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flows.aside import Aside
    from flows.judging import Judged
    from mappings.core import Core
    from mappings.extract import Control
    from mappings.partition import Partition
    from mappings.staging import Bucket
    from sql.ledger import Ending
    from sql.store import Store

__all__ = ["Job", "Report", "Run", "new_run_id", "now"]


@dataclass(frozen=True, slots=True)
class Job:
    """Say what one run works on.

    ``docs`` is the folder of all Data Docs, None to write none; ``tell`` hears each stage and the share of it that is
    done. ``replay`` takes a batch older than what is served; ``full_remap`` works on what is unchanged, too;
    ``rehearse`` writes nothing; without ``thresholds`` nothing is held. A document that waited more than
    ``freshness_minutes`` since the core changed it is late.
    """

    core: Core
    export: Path
    database_url: str
    secret: str = field(repr=False)
    flow: str = "nightly"
    version: str = DEFAULT_VERSION
    bucket_size: int = 40_000
    docs: Path | None = None
    tell: Callable[[str, float], None] = lambda _stage, _share: None
    replay: bool = False
    full_remap: bool = False
    rehearse: bool = False
    thresholds: Thresholds | None = field(default_factory=Thresholds)
    freshness_minutes: int = 60


def now() -> str:
    """Return the present time as the database writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_run_id(moment: datetime | None = None) -> str:
    """Make a run id that sorts by time."""
    return f"{(moment or datetime.now(UTC)).strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(4)}"


def check_secret(store: Store, secret: str) -> None:
    """Refuse another secret than the one that made the ids being served: every customer would get a new one.

    Raises UsageError.
    """
    for structure in STRUCTURES:
        for row in store.query(f"SELECT core_key, customer_id FROM {structure.name} LIMIT 1"):  # noqa: S608 (ours)
            if customer_ids(pa.array([str(row["core_key"])]), secret)[0].as_py() != row["customer_id"]:
                msg = "CADASTRA_SECRET is not the secret that made the customer ids of this database"
                raise UsageError(msg)


class Run:
    """One run over one export. Its steps are called in order, inside ``holding``: ``extract``, ``execute``."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.run_id = new_run_id()
        self.watch = Stopwatch()
        self._store: Store | None = None
        self._began = False
        self._plan: Partition | None = None
        self._rules: list[pa.Table] = []
        self._halted: set[str] = set()
        self._settlements: dict[str, Settlement] = {}
        self._differences: Differences | None = None
        self._skipped = 0

    @property
    def plan(self) -> Partition:
        """Return the extracted export."""
        if self._plan is None:
            raise RuntimeError("extract first")
        return self._plan

    @property
    def control(self) -> Control:
        """Return what the control file of the extracted export says."""
        return self.plan.export.control

    @contextmanager
    def holding(self) -> Iterator[Store]:
        """Open the serving database and hold it for this run alone; a rehearsal only opens it.

        Raises Busy where another run holds it, and what ``read_control`` raises before the database is touched.
        """
        if self._store is not None:
            yield self._store
            return
        read_control(self.job.export)
        if self.job.rehearse:
            with open_rehearsal(self.job.database_url) as store:
                yield from self._with(store)
            return
        with open_store(self.job.database_url) as store, hold(store, self.run_id):
            yield from self._with(store)

    def _with(self, store: Store) -> Iterator[Store]:
        self._store = store
        try:
            yield store
        finally:
            self._store = None

    def extract(self) -> None:
        """Read and verify the export, and find its registers and persons.

        Raises ExportRefused; no run is recorded for an export that is refused.
        """
        self.job.tell("extract", 0.0)
        export = read_export(self.job.export, self.job.core)
        self.watch.lap("extract")
        self._plan = partition(export, self.job.core, self.job.bucket_size)
        self.watch.lap("stage")

    def execute(self) -> Report:
        """Work through every bucket and publish, or be held; a failed run is recorded as failed."""
        with self.holding() as store:
            if self._began:  # a step that Prefect tries again is another run
                self.run_id, self._rules, self._settlements = new_run_id(), [], {}
            check_secret(store, self.job.secret)
            run_seq = store.begin_run(self._start())
            self._began = True
            try:
                self._work(store, run_seq)
                report = self._publish(store, run_seq)
            except BaseException as problem:
                state: Ending = "cancelled" if isinstance(problem, KeyboardInterrupt) else "failed"
                store.give_up(run_seq, state, now(), {"problem": type(problem).__name__})
                raise
            self._document(store, report)
        return report

    def _document(self, store: Store, report: Report) -> None:
        """Write the run's Data Docs; what is published stays so when they cannot be written."""
        if self.job.docs is None or self.job.rehearse:
            return
        try:
            report.docs = str(write_docs(store, report.run_id, self.job.docs))
        except OSError as problem:
            report.docs_problem = f"the Data Docs cannot be written to {self.job.docs}: {problem.strerror}"
        self.watch.lap("docs")
        report.seconds["docs"] = round(self.watch.seconds["docs"], 3)

    def _start(self) -> RunStart:
        control = self.control
        return RunStart(
            run_id=self.run_id,
            flow=self.job.flow,
            core=self.job.core.name,
            kind="full" if control.kind == "full" else "delta",
            started_at=now(),
            business_date=control.business_date.isoformat(),
            generated_at=control.generated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            mapping_version=mapping_version(self.job.core),
            batch_id=control.batch_id,
            export=str(self.job.export.resolve()),
        )

    def _work(self, store: Store, run_seq: int) -> None:
        """Write everything that the run has to say, unseen."""
        job, moment = self.job, now()
        self.watch.lap("publish")
        self._settlements = settlements = {
            structure.name: Settlement(store, run_seq, structure.name, job.version, moment)
            for structure in STRUCTURES
        }
        if job.rehearse:
            self._differences = Differences(store)
            for settlement in settlements.values():
                settlement.differences = self._differences
        people = Availabilities(store, run_seq, moment)
        siblings = self._missing_siblings(settlements)
        aside, memory = self._set_aside(store)
        aside.count(settlements)
        aside.settle(people, siblings, job.secret)
        self._skipped = int(aside.unchanged.sum())
        self.watch.lap("compare")
        rest = self.plan.without(aside.registers, job.bucket_size)
        for number, bucket in enumerate(stage_buckets(rest)):
            self.watch.lap("stage")
            job.tell("map, check, nest", number / rest.count)
            self._bucket(store, run_seq, bucket, people, siblings, memory)
        self._finish(people, siblings, aside)
        memory.write(store, run_seq)
        store.write_findings(run_seq, stray_findings(self.plan.strays, job.secret))
        self.watch.lap("publish")

    def _set_aside(self, store: Store) -> tuple[Aside, Memory]:
        """Find what need not, or may not, be worked on."""
        job = self.job
        marks = fingerprints(
            self.plan, made_by(job.core, job.version, job.secret, self.control.business_date)
        )
        aside = set_aside(store, self.plan, job.secret, replay=job.replay, version=job.version)
        if not job.full_remap:
            aside = with_unchanged(aside, store, self._settlements, marks)
        return aside, Memory(self.plan, marks, job.secret)

    def _bucket(  # noqa: PLR0913, PLR0917 (everything that a bucket speaks to)
        self,
        store: Store,
        run_seq: int,
        bucket: Bucket,
        people: Availabilities,
        siblings: pa.Array,
        memory: Memory,
    ) -> None:
        context = Context(self.control.business_date, self.job.secret, self.job.version)
        verdicts: list[Judged] = []
        for judged in judge_bucket(bucket, context, self.watch):
            settlement = self._settlements[judged.structure]
            settlement.settle(judged, siblings)
            settlement.keep(judged.kept["customer_id"].combine_chunks())
            settlement.withdraw(judged.gone, siblings)
            if judged.findings.num_rows:
                store.write_findings(run_seq, judged.findings)
            self._rules.append(judged.results)
            self._halted |= set(judged.halted)
            verdicts.append(judged)
            self.watch.lap("publish")
        states = availability(bucket.registers, self.job.secret)
        people.settle(states, siblings)
        memory.note(bucket, verdicts, states, siblings)
        self.watch.lap("publish")

    def _finish(self, people: Availabilities, siblings: pa.Array, aside: Aside) -> None:
        """Withdraw who left, after the last bucket."""
        unplaced, secret = self.plan.unplaced, self.job.secret
        for settlement in self._settlements.values():
            settlement.hold(customer_ids(unplaced, secret))
            settlement.finish(self.control.kind, self.plan.keys)
        if not aside.outdated:
            spared = pa.concat_arrays([siblings, alone_ids(unplaced, secret), aside.spared(secret)])
            people.finish(spared, self._former_persons(self._settlements))

    def _missing_siblings(self, settlements: dict[str, Settlement]) -> pa.Array:
        """Return the tax ids of which a register that is served is not in the delta, or is of no known kind."""
        if self.control.kind == "full":
            return self._served_tax_ids(settlements, lambda keys: pc.is_in(keys, self.plan.unplaced))
        return self._served_tax_ids(settlements, lambda keys: pc.invert(pc.is_in(keys, self.plan.keys)))

    def _former_persons(self, settlements: dict[str, Settlement]) -> pa.Array | None:
        """Return who may have lost a register to another person in a delta: tax ids, and ids of who had none."""
        if self.control.kind == "full":
            return None
        tax_ids = self._served_tax_ids(settlements, lambda keys: pc.is_in(keys, self.plan.keys))
        return pa.concat_arrays([tax_ids, alone_ids(self.plan.keys, self.job.secret)])

    @staticmethod
    def _served_tax_ids(
        settlements: dict[str, Settlement], chosen: Callable[[pa.Array], pa.Array]
    ) -> pa.Array:
        """Return the tax ids under which chosen registers are served."""
        tables = [
            settlements[structure.name].served
            for structure in STRUCTURES
            if structure.subject == "identifications"
        ]
        found = [table.filter(chosen(table["core_key"]))["tax_id"].combine_chunks() for table in tables]
        return pc.unique(pa.concat_arrays(found).drop_null())

    def _publish(self, store: Store, run_seq: int) -> Report:
        """Flip: one transaction shows the whole run; or hold it where the circuit breaker says so."""
        self.job.tell("publish", 0.5)
        results = add_results(self._rules)
        tallies = {name: settlement.tally for name, settlement in self._settlements.items()}
        store.write_rule_results(run_seq, results)
        report = self._report(results, tallies)
        report.held = self._breaches(store, results, tallies)
        store.write_run_counts(run_seq, [run_count(name, tally) for name, tally in tallies.items()])
        self.watch.lap("publish")
        report.seconds = self._seconds()
        if self.job.rehearse:
            report.state = "planned"
            report.differences = None if self._differences is None else self._differences.as_data()
        elif report.held:
            report.state = "held"
            store.finish_run(run_seq, "held", now(), summary(report))
        else:
            store.publish(run_seq, finished_at=now(), counts=summary(report))
            report.freshness = store.freshness(report.run_id)
            report.late = late(report.freshness, self.job.freshness_minutes)
        self.watch.lap("publish")
        report.seconds = self._seconds()
        self.job.tell("publish", 1.0)
        return report

    def _breaches(self, store: Store, results: pa.Table, tallies: dict[str, Tally]) -> list[str]:
        if self.job.thresholds is None:
            return []
        served = {name: settlement.served.num_rows for name, settlement in self._settlements.items()}
        finished = Finished(self.control.kind, tallies, served, results, frozenset(self._halted))
        return breaches(store, finished, self.job.thresholds)

    def _seconds(self) -> dict[str, float]:
        return {stage: round(seconds, 3) for stage, seconds in self.watch.seconds.items()}

    def _report(self, results: pa.Table, tallies: dict[str, Tally]) -> Report:
        failed = results.filter(pc.greater(results["failed"], 0)).select(
            ["structure", "rule", "severity", "failed"]
        )
        return Report(
            run_id=self.run_id,
            state="published",
            business_date=self.control.business_date.isoformat(),
            kind=self.control.kind,
            tallies=tallies,
            orphans=self.plan.orphans,
            rules=sorted(failed.to_pylist(), key=worst_first),
            seconds={},
            customers=len(self.plan.keys),
            skipped=self._skipped,
        )
