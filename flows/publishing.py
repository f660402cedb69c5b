"""Flip: one transaction shows the whole run; or hold it where the circuit breaker says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from flows.breaker import Finished, breaches
from flows.job import now
from flows.outcome import Report, late, run_count, summary, worst_first
from flows.retrying import persist

if TYPE_CHECKING:
    from flows.job import Job
    from flows.judging import Stopwatch
    from flows.working import Worked
    from mappings.control import Control
    from sql.store import Store


def publish(job: Job, store: Store, run_seq: int, report: Report, worked: Worked, watch: Stopwatch) -> Report:  # noqa: PLR0913, PLR0917 (all that a run knows)
    """Record what a run came to and show it, or hold it; a rehearsal only says what it would publish."""
    job.tell("publish", 0.5)
    outcome = worked.outcome
    store.write_rule_results(run_seq, outcome.results)
    report.held = _breaches(job, store, report.kind, worked)
    store.write_run_counts(run_seq, [run_count(name, tally) for name, tally in outcome.tallies.items()])
    watch.lap("publish")
    report.seconds, report.wall_seconds = watch.told(), round(watch.wall, 3)
    if job.rehearse:
        report.state = "planned"
    elif report.held:
        report.state = "held"
        store.finish_run(run_seq, "held", now(), summary(report))
    else:
        persist(lambda: _flip(store, run_seq, report))
        report.freshness = store.freshness(report.run_id)
        report.late = late(report.freshness, job.freshness_minutes)
    watch.lap("publish")
    report.seconds, report.wall_seconds = watch.told(), round(watch.wall, 3)
    job.tell("publish", 1.0)
    return report


def _flip(store: Store, run_seq: int, report: Report) -> None:
    """Show the run, unless it is shown already: a connection may be lost after the commit and before its answer."""
    states = store.query("SELECT state FROM runs WHERE run_seq = :run_seq", {"run_seq": run_seq})
    if [row["state"] for row in states] != ["published"]:
        store.publish(run_seq, finished_at=now(), counts=summary(report))


def report_of(run_id: str, control: Control, worked: Worked) -> Report:
    """Say what a run came to; it is published unless ``publish`` says otherwise."""
    outcome = worked.outcome
    failed = outcome.results.filter(pc.greater(outcome.results["failed"], 0)).select(
        ["structure", "rule", "severity", "failed"]
    )
    return Report(
        run_id=run_id,
        state="published",
        business_date=control.business_date.isoformat(),
        kind=control.kind,
        tallies=outcome.tallies,
        orphans=outcome.orphans,
        rules=sorted(failed.to_pylist(), key=worst_first),
        seconds={},
        customers=outcome.customers,
        skipped=outcome.skipped,
        buckets=worked.buckets,
        bytes_read=outcome.bytes_read,
        bytes_written=outcome.bytes_written,
        resumed=worked.resumed,
        differences=worked.differences,
    )


def _breaches(job: Job, store: Store, kind: str, worked: Worked) -> list[str]:
    if job.thresholds is None:
        return []
    outcome = worked.outcome
    finished = Finished(kind, outcome.tallies, worked.served, outcome.results, outcome.halted)
    return breaches(store, finished, job.thresholds)
