"""The flows that ``prefect.yaml`` deploys; beside their parameters they go by the settings ``CADASTRA_…``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 (Prefect reads the parameters' types at run time)
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State  # noqa: TC002 (as above)
from prefect.states import Completed, Failed
from pydantic import NonNegativeFloat  # noqa: TC002 (as above)

from customers.errors import Busy, UsageError
from flows import backfill as past
from flows.artifacts import show_dates, show_judgement
from flows.backfill import BackfillParameters  # noqa: TC001 (as above)
from flows.jobs import make_job, place_of
from flows.quality import judge_served
from flows.steps import ending, publish
from flows.waiting import take_all, take_newest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.pipeline import Report


@flow
def nightly(
    export: Path | None = None,
    exports: Path | None = None,
    core: str | None = None,
    wait_minutes: NonNegativeFloat = 180,
) -> State[None]:
    """Publish the newest full export, waiting for it if need be; or the one that is named."""
    run = _publisher("nightly", core)
    if export is not None:
        return ending([run(export)])
    place = place_of("full", exports, core)
    wait = timedelta(minutes=wait_minutes)
    return ending([take_newest(place, run, wait=wait, tell=get_run_logger().info)])


@flow
def intraday(exports: Path | None = None, core: str | None = None) -> State[None]:
    """Publish every complete delta export that was not taken yet, in order."""
    try:
        taken = take_all(place_of("delta", exports, core), _publisher("intraday", core))
    except Busy as problem:
        return Completed(name="Busy", message=f"the next start takes what waits: {problem}")
    for told in taken.awaited:
        get_run_logger().info("waiting: %s", told)
    if taken.refused:
        told = "; ".join(f"{folder}: {reason}" for folder, reason in taken.refused.items())
        return Failed(name="Refused", message=told)
    return ending(taken.reports)


@flow
def backfill(parameters: BackfillParameters) -> State[None]:
    """Publish the exports of past business dates in order; what is published already is left out."""
    if parameters.database is not None:
        raise UsageError(
            "Prefect shows parameters to everybody: set CADASTRA_DATABASE_URL for the worker instead"
        )
    log = get_run_logger()
    report = past.backfill(
        parameters,
        begin=lambda day: log.info("%s: begins", day),
        told=lambda dated: log.info("%s: %s %s", dated.business_date, dated.outcome, dated.problem),
    )
    show_dates(report)
    undone = [f"{dated.business_date} {dated.outcome}" for dated in report.dates if dated.exit_code]
    if undone:
        held = any(dated.outcome == "held" for dated in report.dates)
        return Failed(name="Held" if held else "Incomplete", message=", ".join(undone))
    return Completed(message=f"{len(report.dates)} dates")


@flow
def quality(force: bool = False, core: str | None = None) -> State[None]:  # noqa: FBT001, FBT002 (Prefect calls by name)
    """Judge what is served by the present rules, unless the last judgement was by these very rules, or forced."""
    judgement = judge_served(core, force=force, tell=get_run_logger().info)
    show_judgement(judgement)
    told = f"{judgement.run_id or judgement.state}: {judgement.refused:,} documents would be refused now"
    return Completed(name="Refusals" if judgement.refused else "Completed", message=told)


def _publisher(flow_name: str, core: str | None) -> Callable[[Path], Report]:
    def run(export: Path) -> Report:
        told: set[str] = set()

        def tell(stage: str, _share: float) -> None:
            if stage not in told:
                told.add(stage)
                get_run_logger().info("%s: %s", export.name, stage)

        choices: dict[str, Any] = {"core": core, "tell": tell, "flow": flow_name}
        return publish(make_job(export, **choices))

    return run
