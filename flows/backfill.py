"""The exports of past business dates, one after the other: what the ledger has is left out, so a kill costs one date.

Exports lie in folders named by business date. While one date is published the next one is read, on a thread: never
more than two exports are in memory.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path  # noqa: TC003 (pydantic reads it at run time)
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from customers.dictionary import DEFAULT_VERSION
from customers.errors import (
    Busy,
    CadastraError,
    ExportRefused,
    Held,
    UnreadableInput,
    UsageError,
)
from flows.jobs import make_job
from flows.pipeline import Run
from mappings.control import CONTROL, read_control
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from flows.outcome import Report
    from flows.pipeline import Job

_OF_A_JOB = {"core", "database", "version", "docs", "replay", "log_json", "metrics"}
Outcome = Literal["published", "skipped", "missing", "refused", "failed", "held", "not reached"]
_PUBLISHED = """
    SELECT business_date, batch_id FROM runs
    WHERE core = :core AND state = 'published' AND business_date BETWEEN :first AND :last
"""


class BackfillParameters(BaseModel):
    """Say which dates to run; ``from`` and ``to`` are both part of it.

    Left out are dates whose export, by content, the ledger has published; with ``only_missing`` all dates of which it
    has published any. ``replay`` runs every date, though something newer be served. ``until_failure`` ends with
    the first date that is not published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    exports: Path
    from_: date = Field(alias="from")
    to: date
    core: str | None = None
    database: str | None = None
    version: str = DEFAULT_VERSION
    only_missing: bool = False
    replay: bool = False
    until_failure: bool = False
    docs: bool = True
    log_json: str | None = None
    metrics: Path | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.from_ > self.to:
            raise ValueError("the first date is after the last one")
        if self.only_missing and self.replay:
            raise ValueError("a replay runs every date, so it cannot be of missing ones only")
        return self

    @classmethod
    def given(cls, **values: Any) -> Self:  # noqa: ANN401 (checked by the model)
        """Take what a person gave; raises UsageError where it cannot be used."""
        try:
            return cls(**values)
        except ValidationError as problem:
            raise UsageError(problem.errors()[0]["msg"].removeprefix("Value error, ")) from None

    @property
    def dates(self) -> list[date]:
        """Return every date, in order."""
        return [self.from_ + timedelta(days=number) for number in range((self.to - self.from_).days + 1)]


@dataclass(frozen=True, slots=True)
class Dated:
    """Say what became of one date; counts are of documents, all structures together."""

    business_date: date
    outcome: Outcome
    kind: str = ""
    run_id: str = ""
    new: int = 0
    changed: int = 0
    rejected: int = 0
    withdrawn: int = 0
    seconds: float = 0.0
    problem: str = ""
    exit_code: int = 0


@dataclass(slots=True)
class BackfillReport:
    """What a backfill came to, date by date."""

    dates: list[Dated] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Return the exit code of the first date that was not published, else 0."""
        return next((dated.exit_code for dated in self.dates if dated.exit_code), 0)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        rows = [{**asdict(dated), "business_date": dated.business_date.isoformat()} for dated in self.dates]
        return {"exit_code": self.exit_code, "dates": rows}


def backfill(
    parameters: BackfillParameters,
    *,
    begin: Callable[[date], None] = lambda _day: None,
    told: Callable[[Dated], None] = lambda _dated: None,
) -> BackfillReport:
    """Run each date in order; ``begin`` hears which date is run next, ``told`` what became of each.

    A date whose export is missing, refused or fails is reported and the next one is run, unless ``until_failure``. A
    date that is held ends it in any case: a date published after it would make its release impossible. Raises what
    concerns every date, such as UsageError and Busy; the same call again goes on where this one ended.
    """
    given = parameters.model_dump(include=_OF_A_JOB)
    job = make_job(parameters.exports, flow="backfill", **given)
    decided = _decided(parameters, job)
    folders = [_folder(parameters, day) for day in parameters.dates if day not in decided]
    report, ended = BackfillReport(), False
    with closing(_read_ahead([replace(job, export=folder) for folder in folders])) as runs:
        for day in parameters.dates:
            dated = decided.get(day)
            if dated is None and ended:
                dated = Dated(day, "not reached")
            elif dated is None:
                begin(day)
                dated = _run(day, *next(runs))
            report.dates.append(dated)
            told(dated)
            ended |= dated.outcome == "held" or (parameters.until_failure and dated.exit_code != 0)
    return report


def _folder(parameters: BackfillParameters, day: date) -> Path:
    return parameters.exports / day.isoformat()


def _decided(parameters: BackfillParameters, job: Job) -> dict[date, Dated]:
    """Find the dates that need no run, or can have none."""
    if not parameters.exports.is_dir():
        msg = f"no folder of exports {parameters.exports}"
        raise UnreadableInput(msg)
    bounds = {"first": parameters.from_.isoformat(), "last": parameters.to.isoformat()}
    with open_store(job.database_url) as store:
        rows = store.query(_PUBLISHED, {"core": job.core.name, **bounds})
    published = {(str(row["business_date"]), str(row["batch_id"])) for row in rows}
    found = {day: _seen_before(parameters, day, published) for day in parameters.dates}
    return {day: dated for day, dated in found.items() if dated is not None}


def _seen_before(parameters: BackfillParameters, day: date, published: set[tuple[str, str]]) -> Dated | None:
    """Decide on one date by its control file and the (date, batch) that are published; None: it is to be run."""
    if parameters.only_missing and day.isoformat() in {when for when, _ in published}:
        return Dated(day, "skipped")
    folder = _folder(parameters, day)
    if not folder.is_dir():
        return Dated(day, "missing", problem=f"no folder {folder}", exit_code=UnreadableInput.exit_code)
    try:
        control = read_control(folder)
        if control.business_date != day:
            msg = f"export refused: {CONTROL} in {folder} is of {control.business_date}"
            raise ExportRefused(msg)
    except CadastraError as problem:
        return _failed(day, problem)
    if not parameters.replay and (day.isoformat(), control.batch_id) in published:
        return Dated(day, "skipped", control.kind)
    return None


def _read_ahead(jobs: Sequence[Job]) -> Generator[tuple[Run, Callable[[], None]]]:
    """Yield, for each job, its run and a function that waits for its export; meanwhile the next one is being read.

    What reading raised is raised by that function.
    """
    reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="extract")
    try:
        following = deque(_reading(reader, job) for job in jobs[:1])
        for number in range(len(jobs)):
            run, reading = following.popleft()
            wait([reading])
            following.extend(_reading(reader, job) for job in jobs[number + 1 : number + 2])
            yield run, reading.result
    finally:
        reader.shutdown(wait=False, cancel_futures=True)


def _reading(reader: ThreadPoolExecutor, job: Job) -> tuple[Run, Future[None]]:
    run = Run(job)
    return run, reader.submit(run.extract, ahead=True)


def _run(day: date, run: Run, read: Callable[[], None]) -> Dated:
    """Run one date."""
    began = perf_counter()
    try:
        with run.holding():
            read()
            run.watch.skip()  # it waited for the date before
            report = run.execute()
    except (UsageError, Busy):
        raise
    except CadastraError as problem:
        return _failed(day, problem)
    return _of_report(day, report, perf_counter() - began)


def _failed(day: date, problem: CadastraError) -> Dated:
    outcome: Outcome = "refused" if isinstance(problem, ExportRefused | UnreadableInput) else "failed"
    return Dated(day, outcome, problem=str(problem), exit_code=problem.exit_code)


def _of_report(day: date, report: Report, seconds: float) -> Dated:
    held = report.state == "held"
    tallies = report.tallies.values()
    return Dated(
        day,
        "held" if held else "published",
        report.kind,
        report.run_id,
        sum(tally.published_new for tally in tallies),
        sum(tally.published_changed for tally in tallies),
        report.rejected,
        sum(tally.withdrawn for tally in tallies),
        round(seconds, 3),
        "; ".join(report.held),
        Held.exit_code if held else 0,
    )
