"""The flows that ``prefect.yaml`` deploys; beside their parameters they go by the settings ``CADASTRA_…``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 (Prefect reads the parameters' types at run time)
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.states import Completed, Failed
from pydantic import NonNegativeFloat  # noqa: TC002 (as above)

from customers.errors import Busy
from flows.jobs import make_job, place_of
from flows.steps import ending, publish
from flows.waiting import take_all, take_newest

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State

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
