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
from flows.availability import Availabilities, alone_ids, availability
from flows.data_docs import write_docs
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


# A customer's kind of person is a code without a field of its own.
_STRAY_RULES = {"orphan": "X-ORPHAN", "no-key": "X-NO-KEY", "no-kind": "X-UNMAPPED", "wrong-kind": "X-WRONG-KIND"}


@dataclass(frozen=True, slots=True)
class Job:
    """Say what one run works on.

    ``docs`` is the folder of all Data Docs, None to write none; ``tell`` hears each stage and the share of it that is
    done.
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
    docs: str | None = None
    docs_problem: str | None = None

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
            self._document(store, report)
        return report

    def _document(self, store: Store, report: Report) -> None:
        """Write the run's Data Docs; what is published stays so when they cannot be written."""
        if self.job.docs is None:
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
        unplaced = self.plan.unplaced
        for settlement in settlements.values():
            settlement.hold(customer_ids(unplaced, self.job.secret))
            settlement.finish(self.control.kind, self.plan.keys)
        spared = pa.concat_arrays([siblings, alone_ids(unplaced, self.job.secret)])
        people.finish(spared, self._former_persons(settlements))
        store.write_findings(run_seq, self._stray_findings())
        self._tallies = {name: settlement.tally for name, settlement in settlements.items()}
        self.watch.lap("publish")

    def _settle(self, store: Store, run_seq: int, settlement: Settlement, judged: Judged, siblings: pa.Array) -> None:
        settlement.settle(judged, siblings)
        settlement.keep(judged.kept["customer_id"].combine_chunks())
        settlement.withdraw(judged.gone, siblings)
        if judged.findings.num_rows:
            store.write_findings(run_seq, judged.findings)
        self._rules.append(judged.results)

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
    def _served_tax_ids(settlements: dict[str, Settlement], chosen: Callable[[pa.Array], pa.Array]) -> pa.Array:
        """Return the tax ids under which chosen registers are served."""
        tables = [
            settlements[structure.name].served for structure in STRUCTURES if structure.subject == "identifications"
        ]
        found = [table.filter(chosen(table["core_key"]))["tax_id"].combine_chunks() for table in tables]
        return pc.unique(pa.concat_arrays(found).drop_null())

    def _stray_findings(self) -> pa.Table:
        strays = self.plan.strays
        refs = customer_refs(pa.array([stray.core_key for stray in strays], pa.string()), self.job.secret)
        rows = [
            {
                "structure": "",
                "customer_ref": ref,
                "occurrence": "$",
                "rule": _STRAY_RULES[stray.reason],
                "severity": "reject" if stray.reason == "no-kind" else "warn",
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
