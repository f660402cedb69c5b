"""The nightly run as plain functions; Prefect wraps them in ``flows.nightly``.

Extract, then stage, map, check and nest every bucket and write it unseen, then one flip that shows everything.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from customers.dictionary import DEFAULT_VERSION
from customers.findings import FINDINGS_SCHEMA
from customers.pseudonyms import customer_ids, customer_refs
from customers.structures import STRUCTURES
from flows.availability import Availabilities, availability
from flows.judging import Stopwatch, add_results, judge_bucket
from flows.settling import Settlement, Tally
from mappings.extract import read_export
from mappings.partition import partition, stage_buckets
from mappings.structure_map import Context
from mappings.version import mapping_version
from sql.store import RunCount, RunStart, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.judging import Judged
    from mappings.core import Core
    from mappings.extract import Control
    from mappings.partition import Partition
    from sql.store import Store


# The worst first.
SEVERITIES = ("halt", "reject", "omit", "warn")


@dataclass(frozen=True, slots=True)
class Job:
    """Say what one run works on. ``tell`` hears each stage and the share of it that is done."""

    core: Core
    export: Path
    database_url: str
    secret: str = field(repr=False)
    flow: str = "nightly"
    version: str = DEFAULT_VERSION
    bucket_size: int = 40_000
    tell: Callable[[str, float], None] = lambda _stage, _share: None


@dataclass(slots=True)
class Report:
    """What a run came to: for the closing table, the artifact and ``--json``."""

    run_id: str
    state: str
    business_date: str
    kind: str
    tallies: dict[str, Tally]
    orphans: dict[str, int]
    rules: list[dict[str, Any]]
    seconds: dict[str, float]
    customers: int

    @property
    def rejected(self) -> int:
        """Count the documents that were refused."""
        return sum(tally.rejected_stale + tally.rejected_unserved for tally in self.tallies.values())


def now() -> str:
    """Return the present time as the database writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_run_id(moment: datetime | None = None) -> str:
    """Make a run id that sorts by time."""
    return f"{(moment or datetime.now(UTC)).strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(4)}"


class Run:
    """One run over one export. Its steps are called in order: ``extract``, ``work``, ``publish``."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.run_id = new_run_id()
        self.watch = Stopwatch()
        self._plan: Partition | None = None
        self._rules: list[pa.Table] = []
        self._tallies: dict[str, Tally] = {}

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
        """Work through every bucket and publish, in one open store; a failed run is recorded as failed."""
        with open_store(self.job.database_url) as store:
            run_seq = store.begin_run(self._start())
            try:
                self._work(store, run_seq)
                report = self._publish(store, run_seq)
            except BaseException as problem:
                state = "cancelled" if isinstance(problem, KeyboardInterrupt) else "failed"
                store.finish_run(run_seq, state, now(), {"problem": type(problem).__name__})
                raise
        return report

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
        self.watch.lap("publish")
        moment, version = now(), self.job.version
        context = Context(self.control.business_date, self.job.secret, version)
        settlements = {
            structure.name: Settlement(store, run_seq, structure.name, version, moment) for structure in STRUCTURES
        }
        people = Availabilities(store, run_seq, moment)
        siblings = self._missing_siblings(settlements)
        self.watch.lap("publish")
        for number, bucket in enumerate(stage_buckets(self.plan)):
            self.watch.lap("stage")
            self.job.tell("map, check, nest", number / self.plan.count)
            for judged in judge_bucket(bucket, context, self.watch):
                self._settle(store, run_seq, settlements[judged.structure], judged, siblings)
                self.watch.lap("publish")
            people.settle(availability(bucket.registers, self.job.secret), siblings)
        for settlement in settlements.values():
            settlement.finish(self.control.kind)
        people.finish(self.control.kind)
        store.write_findings(run_seq, self._stray_findings())
        self._tallies = {name: settlement.tally for name, settlement in settlements.items()}
        self.watch.lap("publish")

    def _settle(self, store: Store, run_seq: int, settlement: Settlement, judged: Judged, siblings: pa.Array) -> None:
        settlement.settle(judged, siblings)
        settlement.keep(customer_ids(judged.kept, self.job.secret))
        settlement.withdraw(customer_ids(judged.gone, self.job.secret))
        if judged.findings.num_rows:
            store.write_findings(run_seq, judged.findings)
        self._rules.append(judged.results)

    def _missing_siblings(self, settlements: dict[str, Settlement]) -> pa.Array:
        """Return the tax ids in a delta of which a register that is served is not in the delta."""
        if self.control.kind == "full":
            return pa.array([], pa.string())
        missing = []
        for structure in STRUCTURES:
            if structure.subject == "identifications":
                served = settlements[structure.name].served
                absent = pc.invert(pc.is_in(served["core_key"], self.plan.keys))
                missing.append(served.filter(absent)["tax_id"].combine_chunks().drop_null())
        return pc.unique(pa.concat_arrays(missing))

    def _stray_findings(self) -> pa.Table:
        strays = self.plan.strays
        refs = customer_refs(pa.array([stray.core_key for stray in strays], pa.string()), self.job.secret)
        rows = [
            {
                "structure": "",
                "customer_ref": ref,
                "occurrence": "$",
                "rule": f"X-{stray.reason.upper()}",
                "severity": "warn",
                "shape": None,
                "source_file": stray.file,
                "source_line": stray.line,
            }
            for stray, ref in zip(strays, refs.to_pylist(), strict=True)
        ]
        return pa.Table.from_pylist(rows, FINDINGS_SCHEMA)

    def _publish(self, store: Store, run_seq: int) -> Report:
        """Flip: one transaction shows the whole run."""
        self.job.tell("publish", 0.5)
        results = add_results(self._rules)
        store.write_rule_results(run_seq, results)
        store.write_run_counts(run_seq, [_run_count(name, tally) for name, tally in self._tallies.items()])
        report = self._report(results)
        self.watch.lap("publish")
        report.seconds = {stage: round(seconds, 3) for stage, seconds in self.watch.seconds.items()}
        store.publish(run_seq, finished_at=now(), counts=_summary(report))
        self.watch.lap("publish")
        report.seconds = {stage: round(seconds, 3) for stage, seconds in self.watch.seconds.items()}
        self.job.tell("publish", 1.0)
        return report

    def _report(self, results: pa.Table) -> Report:
        failed = results.filter(pc.greater(results["failed"], 0)).select(["structure", "rule", "severity", "failed"])
        return Report(
            run_id=self.run_id,
            state="published",
            business_date=self.control.business_date.isoformat(),
            kind=self.control.kind,
            tallies=self._tallies,
            orphans=self.plan.orphans,
            rules=sorted(failed.to_pylist(), key=_worst_first),
            seconds={},
            customers=len(self.plan.keys),
        )


def _run_count(structure: str, tally: Tally) -> RunCount:
    return RunCount(
        structure,
        tally.read,
        tally.published_new,
        tally.published_changed,
        tally.unchanged,
        tally.rejected_stale,
        tally.rejected_unserved,
        sum(tally.excluded.values()),
        tally.withdrawn,
        dict(tally.excluded),
    )


def _worst_first(rule: dict[str, Any]) -> tuple[int, int, str]:
    return SEVERITIES.index(rule["severity"]), -rule["failed"], rule["rule"]


def _summary(report: Report) -> dict[str, Any]:
    """Return the counts that the run's record keeps."""
    return {
        "registers": report.customers,
        "rejected": report.rejected,
        "orphans": report.orphans,
        "seconds": report.seconds,
        "published": sum(tally.published_new + tally.published_changed for tally in report.tallies.values()),
    }
