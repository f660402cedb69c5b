"""Who is told how a run ended: the log, notices and metrics; none of them changes what the run came to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from structlog.contextvars import bound_contextvars

from customers.errors import CadastraError
from flows.logs import log
from flows.reporting import COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.outcome import Report
    from flows.pipeline import Run


@dataclass(frozen=True, slots=True)
class Ended:
    """Say how a run ended: with a report, or with a problem that holds no customer's value."""

    run_id: str
    flow: str
    core: str
    report: Report | None = None
    problem: str = ""


class Observer(Protocol):
    """Be told how each run ended; raise nothing."""

    def ended(self, ended: Ended) -> None:
        """Take note."""


@contextmanager
def observed(run: Run) -> Iterator[None]:
    """Tell the job's observers how a run ends; a rehearsal is nobody's business, nor is who interrupts one."""
    named = {"run_id": run.run_id, "flow": run.job.flow, "core": run.job.core.name}
    with bound_contextvars(**named):
        log.info("run began")
        yield from _ending(run)


def _ending(run: Run) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        log.warning("run interrupted")
        raise
    except Exception as problem:
        log.error("run failed", problem=told(problem))
        _tell(run, Ended(run.run_id, run.job.flow, run.job.core.name, problem=told(problem)))
        raise
    if run.report is not None:
        log.info("run ended", **_counted(run.report))
        _tell(run, Ended(run.run_id, run.job.flow, run.job.core.name, run.report))


def _counted(report: Report) -> dict[str, Any]:
    structures = {
        name: {count: getattr(tally, count) for count in COUNTS if count != "excluded"}
        | {"excluded": sum(tally.excluded.values())}
        for name, tally in report.tallies.items()
    }
    told = {"state": report.state, "kind": report.kind, "business_date": report.business_date}
    return {
        **told,
        "structures": structures,
        "held": report.held,
        "late": report.late,
        "seconds": report.seconds,
    }


def told(problem: Exception) -> str:
    """Return what may be said of a problem: the words of an unforeseen one may quote a customer's value.

    >>> told(CadastraError("clientes.csv is missing")), told(ValueError("12345678909"))
    ('clientes.csv is missing', 'ValueError')
    """
    return str(problem) if isinstance(problem, CadastraError) else type(problem).__name__


def _tell(run: Run, ended: Ended) -> None:
    if not run.job.rehearse:
        for observer in run.job.observers:
            observer.ended(ended)
