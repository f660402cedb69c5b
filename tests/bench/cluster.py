"""Measure the same run in one process, on two of this machine, and on a Dask cluster of two: time, and bytes moved."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import dask_cluster, prefect_server
from tests.bench import inputs, tables
from tests.bench.compare import served
from tests.bench.runners import OURS, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench.measure import Measured
    from tests.bench.runners import Bench
    from tests.bench.sections import Task

_TICKS = os.sysconf("SC_CLK_TCK")
_MEGA = 1e6


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: what was measured from outside, what it logged, its documents, and its workers' processor seconds."""

    measured: Measured
    events: list[dict[str, Any]]
    documents: Mapping[str, Any]
    workers: dict[int, float]

    @property
    def report(self) -> dict[str, Any]:
        """Return what the run said of itself."""
        report: dict[str, Any] = json.loads(self.measured.said)
        return report

    @property
    def seconds(self) -> float:
        """Return how long the buckets took by the clock: from the end of reading to the last one done."""
        moments = {event["event"]: datetime.fromisoformat(event["timestamp"]) for event in self.events}
        return (moments["bucket done"] - moments["export read"]).total_seconds()


def cluster(place: Bench, task: Task) -> str:
    """Compare one process, two processes and two workers of a cluster."""
    export = inputs.sample(place.folder, task.customers, task.form)
    found = {
        "one process": _run(place, task, export, ("--workers", "1")),
        "two processes (`--workers 2`)": _run(place, task, export, ("--workers", "2")),
        "two Dask workers (`--scheduler`)": _on_cluster(place, task, export),
    }
    one = found["one process"]
    task.wrong += [title for title, run in found.items() if run.documents != one.documents]
    header = ("run", "wall s", "buckets s", "speed-up of the buckets", "CPU s", "of workers", "documents")
    rows = [
        (
            title,
            f"{run.measured.wall:.1f}",
            f"{run.seconds:.1f}",
            f"{one.seconds / run.seconds:.2f}",
            f"{run.measured.client + sum(run.workers.values()):.1f}",
            f"{sum(run.workers.values()):.1f}" if run.workers else "",
            "equal" if run.documents == one.documents else "not equal",
        )
        for title, run in found.items()
    ]
    return f"{tables.table(header, rows)}\n{_moved(found['two Dask workers (`--scheduler`)'])}"


def _moved(run: _Run) -> str:
    """Say how many bytes went to and from each worker."""
    written: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in run.events:
        if event["event"] == "bucket written":
            written[event["process"]].append(event)
    rows = [
        (
            f"worker {number}",
            str(len(events)),
            *(
                f"{sum(event[name] for event in events) / _MEGA:.1f}"
                for name in ("bytes_read", "bytes_written")
            ),
        )
        for number, events in enumerate(written.values(), 1)
    ]
    report = run.report
    total = (f"{report[name] / _MEGA:.1f}" for name in ("bytes_read", "bytes_written"))
    rows.append(("all", str(report["buckets"]), *total))
    return tables.table(("worker", "buckets", "MB read from the spill", "MB written to PostgreSQL"), rows)


def _on_cluster(place: Bench, task: Task, export: Path) -> _Run:
    """Run on a cluster that is there, as the Prefect server is: their start is not measured."""
    spill = place.folder / "spill"
    spill.mkdir(exist_ok=True)
    with prefect_server.running() as server, place.database("PostgreSQL") as url:
        environment = {
            **place.environment(),
            **server.environment,
            "CADASTRA_DATABASE_URL": url,
            "CADASTRA_LOG_JSON": str(place.folder / "log"),
        }
        with dask_cluster.running(environment, place.folder / "cluster") as scheduler:
            options = ("--scheduler", scheduler, "--spill", f"file://{spill}")
            run = _run(place, task, export, options, url, server.environment)
            pids = {event["process"] for event in run.events if "process" in event}
            run = replace(run, workers={pid: _processor_seconds(pid) for pid in pids})
    shutil.rmtree(spill)
    return run


def _run(
    place: Bench,
    task: Task,
    export: Path,
    options: tuple[str, ...],
    url: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> _Run:
    if url is None:
        with place.database("PostgreSQL") as fresh:
            return _run(place, task, export, options, fresh)
    log = place.folder / "log"
    log.unlink(missing_ok=True)
    ours = PROGRAMS[OURS]
    told = replace(ours, arguments=(*ours.arguments, "--log-json", str(log), *options))
    measured = place.run(told, export, url, task.left, environment)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return _Run(measured, events, served(url, ours=True), {})


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / _TICKS
