"""The nightly run, as plain functions or as a Prefect flow of two fat tasks.

A Prefect server costs seconds to start, so a run is a flow only when one is configured (``PREFECT_API_URL``) or asked
for (``--flow``). Prefect sees run ids and counts, never a table or a customer's value.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customers.errors import CadastraError
from flows.pipeline import Run
from flows.reporting import count_rows
from flows.sources import name_of

if TYPE_CHECKING:
    from flows.pipeline import Job, Report

# Seconds before each retry of a step that failed on something that may pass.
RETRY_DELAYS = [1, 5, 15]


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

    # The heartbeat's thread costs a second to join at the end of every run.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return nightly(job)


def may_pass(_task: Any, _task_run: Any, state: Any) -> bool:  # noqa: ANN401 (Prefect's own types)
    """Say whether a failure may pass if tried again: an operator's error, such as a refused export, does not."""
    return not isinstance(state.result(raise_on_failure=False), CadastraError)


def nightly(job: Job) -> Report:
    """Run one job as the Prefect flow ``nightly``: extract, then stage, map, check, nest and publish."""
    from prefect import flow, task  # noqa: PLC0415 (heavy)
    from prefect.artifacts import create_table_artifact  # noqa: PLC0415
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415

    run = Run(job)
    options: dict[str, Any] = {
        "retries": len(RETRY_DELAYS),
        "retry_delay_seconds": RETRY_DELAYS,
        "retry_condition_fn": may_pass,
        "cache_policy": NO_CACHE,
        "persist_result": False,
    }

    @task(name="extract", **options)
    def extract(run_id: str) -> str:
        run.watch.skip()  # Prefect's own start is no stage of the run
        run.extract()
        return run_id

    @task(name="stage, map, check, nest, publish", **options)
    def execute(_run_id: str) -> list[dict[str, Any]]:
        run.watch.skip()
        reports.append(run.execute())
        return count_rows(reports[-1])

    reports: list[Report] = []

    @flow(name="nightly", validate_parameters=False)
    def nightly_flow(run_id: str, core: str, export: str) -> str:  # noqa: ARG001 (parameters that the UI shows)
        extract(run_id)
        rows = execute(run_id)
        create_table_artifact(rows, key="run-counts", description=_description(run_id, reports[-1].docs))
        return reports[-1].state

    with run.holding():
        nightly_flow(run.run_id, job.core.name, name_of(job.export))
    return reports[-1]


def _description(run_id: str, docs: str | None) -> str:
    link = f" [Data Docs]({Path(docs).as_uri()})" if docs else ""
    return f"registers of run {run_id}.{link}"
