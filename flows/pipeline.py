"""The nightly run as plain functions; Prefect wraps them in ``flows.nightly``.

Extract, then stage, map, check and nest every bucket and write it unseen (``flows.working``), then one flip that shows
everything (``flows.publishing``).
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

from flows.crew import Crew
from flows.data_docs import write_docs
from flows.extracting import extract, open_source
from flows.job import Job, new_run_id, now
from flows.judging import Stopwatch
from flows.logs import log
from flows.observing import observed
from flows.opening import check_secret, opened, resume_key
from flows.outcome import Report
from flows.publishing import publish, report_of
from flows.reporting import say
from flows.retrying import persist
from flows.scheduler import cluster_of, look_for_cluster
from flows.settings import keep_secret
from flows.sources import address_of
from flows.spill_url import open_spill
from flows.working import work
from mappings.heap import give_back
from mappings.version import mapping_version
from sql.store import RunStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.cluster import Cluster
    from flows.extracting import Extracted
    from flows.spill_folder import SpillFolder
    from flows.spill_url import SpillPrefix
    from mappings.control import Control
    from sql.ledger import Ending
    from sql.store import Store

__all__ = ["Job", "Report", "Run", "new_run_id", "now"]


class Run:
    """One run over one export. Its steps are called in order, inside ``holding``: ``extract``, ``execute``."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.run_id = new_run_id()
        self.watch = Stopwatch()
        self._store: Store | None = None
        self._began = False
        self.report: Report | None = None
        self._spill: SpillFolder | SpillPrefix | None = None
        self._extracted: Extracted | None = None
        self._crew: Crew | Cluster | None = None

    @property
    def extracted(self) -> Extracted:
        """Return the extracted export."""
        if self._extracted is None:
            raise RuntimeError("extract first")
        return self._extracted

    @property
    def has_read(self) -> bool:
        """Say whether the export is read and not yet done with."""
        return self._extracted is not None

    @property
    def control(self) -> Control:
        """Return what the control file of the extracted export says."""
        return self.extracted.control

    @contextmanager
    def holding(self) -> Iterator[Store]:
        """Open the serving database and hold it for this run alone, unless it is held already."""
        if self._store is not None:
            yield self._store
            return
        look_for_cluster(self.job)
        with observed(self), opened(self.job, self.run_id) as store:
            self._store = store
            try:
                yield store
            finally:
                self._clear()
                if store.interrupted is not None:  # it was not gone on with after all
                    store.give_up(store.interrupted.run_seq, "failed", now(), {"problem": "killed"})
                self._store = None

    def extract(self, *, ahead: bool = False) -> None:
        """Read and verify the export, and bring its rows into their buckets, but for who is as the last run left it.

        Who reads ``ahead`` does not know yet what that will be, and takes all. Raises ExportRefused; no run is recorded
        for an export that is refused.
        """
        self.job.tell("extract", 0.0)
        self._clear()
        export = open_source(self.job)
        if self._surely_needs_many():
            self._muster(export.count)  # its imports take as long as reading does
        self._spill = open_spill(self.job.spill, self.run_id, self._has_ended)
        place = self._spill.place
        self._extracted = persist(lambda: extract(self.job, export, place, None if ahead else self._store))
        give_back()  # what reading took is as much as a bucket takes
        self.watch.lap("extract")
        rows = {name: count for name, (count, _) in self.control.tables.items()}
        log.info("export read", run_id=self.run_id, buckets=self._extracted.directory.count, rows=rows)

    def _clear(self) -> None:
        self._extracted = None
        self._dismiss()
        if self._spill is not None:
            self._spill.close()
            self._spill = None

    def _has_ended(self, run_id: str) -> bool:
        """Say whether the ledger knows that another run has ended."""
        return self._store is not None and self._store.state_of(run_id) not in {None, "running"}

    def _surely_needs_many(self) -> bool:
        """Say whether a cluster was named, or every register will be judged; else reading shows first how many will."""
        if self._store is None:
            return False
        named = self.job.scheduler is not None
        return named or self.job.full_remap or not self._store.has_published()

    def _muster(self, buckets: int) -> None:
        if self.job.rehearse or self._crew is not None:
            return
        if self.job.scheduler is not None:
            self._crew = cluster_of(self.job.scheduler)
        elif min(self.job.workers, buckets) > 1:
            self._crew = Crew(min(self.job.workers, buckets))

    def _dismiss(self) -> None:
        if self._crew is not None:
            self._crew.close()
            self._crew = None

    def execute(self) -> Report:
        """Work through every bucket and publish, or be held; a failed run is recorded as failed."""
        with self.holding() as store:
            if self._began:  # a step that Prefect tries again is another run
                self.run_id = new_run_id()
            check_secret(store, self.job.secret)
            if not self.job.rehearse:
                keep_secret(self.job.database_url, self.job.secret, say)
            run_seq = self._begin(store)
            try:
                report = self._work_and_publish(store, run_seq)
            except BaseException as problem:
                self._dismiss()  # whoever still writes for the run would be in the way
                state: Ending = "cancelled" if isinstance(problem, KeyboardInterrupt) else "failed"
                store.give_up(run_seq, state, now(), {"problem": type(problem).__name__})
                raise
            self._document(store, report)
            self.report = report
        return report

    def _begin(self, store: Store) -> int:
        """Record a new run, or go on with one of the same export whose process died."""
        self._began = True
        if store.interrupted is None:
            return store.begin_run(self._start())
        interrupted, store.interrupted = store.interrupted, None
        self.run_id = interrupted.run_id
        store.resume_run(interrupted.run_seq)
        log.info("run continued", run_id=self.run_id)
        return interrupted.run_seq

    def _work_and_publish(self, store: Store, run_seq: int) -> Report:
        self.watch.lap("publish")
        self._muster(self.extracted.directory.count)
        worked = work(self.job, store, run_seq, self.extracted, self.watch, self._crew)
        report = report_of(self.run_id, self.control, worked)
        return publish(self.job, store, run_seq, report, worked, self.watch)

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
        report.wall_seconds = round(self.watch.wall, 3)

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
            resume_key=resume_key(self.job),
            export=address_of(self.job.export),
        )
