"""Who is told how a run ended: notices and metrics; none of them changes what the run came to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from customers.errors import CadastraError

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
    try:
        yield
    except Exception as problem:
        _tell(run, Ended(run.run_id, run.job.flow, run.job.core.name, problem=told(problem)))
        raise
    if run.report is not None:
        _tell(run, Ended(run.run_id, run.job.flow, run.job.core.name, run.report))


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
