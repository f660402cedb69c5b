"""One run to its end, as plain functions or as a Prefect flow.

A Prefect server costs seconds to start, so a run is a flow only when one is configured (``PREFECT_API_URL``) or asked
for (``--flow``). Prefect sees run ids and counts, never a table or a customer's value.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flows.pipeline import Run

if TYPE_CHECKING:
    from flows.pipeline import Job, Report


def run_job(job: Job, *, as_flow: bool = False) -> Report:
    """Run one job to its end; as a Prefect flow when asked for or when a server is configured."""
    if as_flow or os.environ.get("PREFECT_API_URL"):
        return _run_as_flow(job)
    run = Run(job)
    with run.holding():
        run.extract()
        return run.execute()


def _run_as_flow(job: Job) -> Report:
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90")
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415 (heavy)

    from flows.steps import run_as_flow  # noqa: PLC0415 (heavy)

    # The heartbeat's thread costs a second to join at the end of every run.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return run_as_flow(job)
