"""A run as Prefect sees it: two fat tasks inside a flow, and what the flow shows when they are done.

Tasks take and return ids and counts only. Import this module where Prefect is wanted: it costs more than a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from flows.artifacts import show
from flows.pipeline import Run
from flows.reporting import count_rows
from flows.settings import load_settings
from flows.sources import name_of
from sql.transient import may_pass

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from flows.pipeline import Job, Report


def run_as_flow(job: Job) -> Report:
    """Run one job as a flow of its own, called as the job says.

    Raises what the run raises.
    """
    reports: list[Report] = []

    @flow(name=job.flow, validate_parameters=False)
    def one(core: str, export: str) -> State[None]:  # noqa: ARG001 (parameters that the UI shows)
        reports.append(publish(job))
        return ending(reports)

    state = one(job.core.name, name_of(job.export), return_state=True)
    if not reports:
        state.result()
    return reports[-1]


def publish(job: Job) -> Report:
    """Run one job as two tasks, inside a flow, and show what it came to."""
    run = Run(job)
    delays = load_settings().retry_seconds
    options: dict[str, Any] = {
        "retries": len(delays),
        "retry_delay_seconds": delays,
        "retry_condition_fn": _may_pass,
        "cache_policy": NO_CACHE,
        "persist_result": False,
    }
    reports: list[Report] = []

    @task(name="extract", **options)
    def extract(_export: str) -> str:
        run.watch.skip()  # Prefect's own start is no stage of the run
        run.extract()
        return run.run_id

    @task(name="stage, map, check, nest, publish", **options)
    def execute(_run_id: str) -> list[dict[str, Any]]:
        run.watch.skip()
        reports.append(run.execute())
        return count_rows(reports[-1])

    with run.holding():
        execute(extract(name_of(job.export)))
    show(reports[-1])
    return reports[-1]


def ending(reports: list[Report]) -> State[None]:
    """Return the state in which a flow ends that ran these: Held, which Prefect counts as failed, or Completed."""
    for report in reports:
        if report.state == "held":
            told = "; ".join(report.held)
            return Failed(
                name="Held", message=f"run {report.run_id} is held, nothing of it is served: {told}"
            )
    said = ", ".join(f"{report.run_id}: {report.state}" for report in reports)
    return Completed(message=said or "nothing to do")


def _may_pass(_task: Any, _task_run: Any, state: Any) -> bool:  # noqa: ANN401 (Prefect's own types)
    """Say whether a step failed on something that may pass: a refused export, or a full disk, does not."""
    return may_pass(state.result(raise_on_failure=False))
