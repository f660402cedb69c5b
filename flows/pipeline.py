"""The nightly run as plain functions; Prefect wraps them in ``flows.nightly``.

Extract, then stage, map, check and nest every bucket and write it unseen (``flows.working``), then one flip that shows
everything (``flows.publishing``).
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

from flows.data_docs import write_docs
from flows.job import Job, new_run_id, now
from flows.judging import Stopwatch
from flows.logs import log
from flows.observing import observed
from flows.opening import check_secret, opened
from flows.outcome import Report
from flows.publishing import publish, report_of
from flows.reporting import say
from flows.settings import keep_secret
from flows.sources import address_of, read_tables
from flows.working import Work
from mappings.partition import partition
from mappings.version import mapping_version
from sql.store import RunStart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mappings.extract import Control
    from mappings.partition import Partition
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
        self._plan: Partition | None = None
        self.report: Report | None = None

    @property
    def plan(self) -> Partition:
        """Return the extracted export."""
        if self._plan is None:
            raise RuntimeError("extract first")
        return self._plan

    @property
    def has_read(self) -> bool:
        """Say whether the export is in memory."""
        return self._plan is not None

    @property
    def control(self) -> Control:
        """Return what the control file of the extracted export says."""
        return self.plan.export.control

    @contextmanager
    def holding(self) -> Iterator[Store]:
        """Open the serving database and hold it for this run alone, unless it is held already."""
        if self._store is not None:
            yield self._store
            return
        with observed(self), opened(self.job, self.run_id) as store:
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
        export = read_tables(self.job.export, self.job.core)
        self.watch.lap("extract")
        self._plan = partition(export, self.job.core, self.job.bucket_size)
        self.watch.lap("stage")
        rows = {name: len(table.lines) for name, table in export.tables.items()}
        log.info("export read", run_id=self.run_id, registers=len(self._plan.keys), rows=rows)

    def execute(self) -> Report:
        """Work through every bucket and publish, or be held; a failed run is recorded as failed."""
        with self.holding() as store:
            if self._began:  # a step that Prefect tries again is another run
                self.run_id = new_run_id()
            check_secret(store, self.job.secret)
            if not self.job.rehearse:
                keep_secret(self.job.database_url, self.job.secret, say)
            run_seq = store.begin_run(self._start())
            self._began = True
            try:
                report = self._work_and_publish(store, run_seq)
            except BaseException as problem:
                state: Ending = "cancelled" if isinstance(problem, KeyboardInterrupt) else "failed"
                store.give_up(run_seq, state, now(), {"problem": type(problem).__name__})
                raise
            self._document(store, report)
            self.report = report
        return report

    def _work_and_publish(self, store: Store, run_seq: int) -> Report:
        self.watch.lap("publish")
        worked = Work(self.job, store, run_seq, self.plan, self.watch).do()
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
            export=address_of(self.job.export),
        )
