"""The deployments on a real server with a real worker: the clock starts a run, one at a time, and a kill ends nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sql.store import open_store
from tests.conftest import ROOT
from tests.exports import age, natural_person, write_export
from tests.prefect_server import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.prefect_server import PrefectServer

DEPLOYMENTS = ("nightly", "intraday", "backfill", "quality")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation")


@pytest.fixture(scope="module")
def deployed(prefect_server: PrefectServer, place: Path) -> Iterator[PrefectServer]:
    """Register the deployments and run a worker."""
    environment = {
        **os.environ,
        **prefect_server.environment,
        "CADASTRA_DATABASE_URL": f"sqlite:///{place / 'cadastra.db'}",
        "CADASTRA_EXPORTS": str(place / "exports"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
    }
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cadastra", "--type", "process"]
    deploy = [sys.executable, "-m", "flows.cli", "deploy", "--folder", str(place)]
    with (
        (place / "log").open("w") as log,
        subprocess.Popen(worker, env=environment, stdout=log, stderr=log) as process,
    ):
        done = subprocess.run(deploy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield prefect_server
        process.kill()


def test_the_deployments_are_those_of_the_file(deployed: PrefectServer) -> None:
    found = {name: deployed.ask(f"/deployments/name/{name}/{name}") for name in DEPLOYMENTS}
    crons = {
        name: [(each["schedule"]["cron"], each["schedule"]["timezone"]) for each in made["schedules"]]
        for name, made in found.items()
    }
    assert crons == {
        "nightly": [("30 2 * * *", "America/Sao_Paulo")],
        "intraday": [("*/15 * * * *", "America/Sao_Paulo")],
        "backfill": [],
        "quality": [("0 6 * * *", "America/Sao_Paulo")],
    }
    for made in found.values():
        assert made["global_concurrency_limit"]["limit"] == 1
        assert made["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    asked = found["backfill"]["parameter_openapi_schema"]["definitions"]["BackfillParameters"]
    assert {"exports", "from", "to", "only_missing", "replay", "until_failure"} <= set(asked["properties"])


@pytest.mark.slow
@pytest.mark.timeout(360)
def test_the_clock_starts_a_run_a_second_is_cancelled_and_the_killed_ones_successor_publishes(
    deployed: PrefectServer, place: Path
) -> None:
    table = write_export(place / "exports" / "night", natural_person()) / "emails.csv"
    content = table.read_bytes()
    table.unlink()
    os.mkfifo(table)  # whoever reads it waits, with the serving database held
    age(table.parent)
    with _striking(deployed):
        feed = until(lambda: _feed(table))
        table.unlink()
        table.write_bytes(content)
        first = _runs(deployed, "RUNNING")[0]
        assert first["auto_scheduled"]
        second = until(lambda: _runs(deployed, "CANCELLED"))[0]
        assert second["state"]["message"] == "Deployment concurrency limit reached."
        os.kill(int(first["infrastructure_pid"].rpartition(":")[2]), signal.SIGKILL)
        os.close(feed)  # after the kill: it would end the file for its reader
        last = until(lambda: _runs(deployed, "COMPLETED"))[0]
        assert deployed.ask(f"/flow_runs/{first['id']}")["state_type"] == "CRASHED"
    with open_store(f"sqlite:///{place / 'cadastra.db'}") as store:
        assert [(run["flow"], run["state"]) for run in store.runs()] == [("nightly", "published")]
    artifacts = deployed.ask("/artifacts/filter", {"flow_runs": {"id": {"any_": [last["id"]]}}})
    assert {"run", "run-counts"} <= {artifact["key"] for artifact in artifacts}


@contextmanager
def _striking(server: PrefectServer) -> Iterator[None]:
    """Let the clock strike for the nightly run every few seconds; at the end wait for what it started."""
    number = server.ask("/deployments/name/nightly/nightly")["id"]
    schedule = {"interval": 10, "timezone": "UTC"}
    often = {"schedule": schedule, "active": True, "parameters": {"wait_minutes": 0}}
    (made,) = server.ask(f"/deployments/{number}/schedules", [often])
    yield
    server.ask(f"/deployments/{number}/schedules/{made['id']}", method="DELETE")
    until(lambda: not _runs(server, "RUNNING", "PENDING"))


def _runs(server: PrefectServer, *states: str) -> list[dict[str, Any]]:
    """Return the nightly runs in one of some states."""
    chosen = {
        "deployments": {"name": {"any_": ["nightly"]}},
        "flow_runs": {"state": {"type": {"any_": states}}},
    }
    return list(server.ask("/flow_runs/filter", chosen))


def _feed(pipe: Path) -> int | None:
    """Open a pipe for writing, once there is somebody who reads it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
