"""Buckets on a Dask cluster: the same documents, whoever works on them and whoever dies; no secret on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from customers.errors import UsageError
from flows.pipeline import Job, Run
from flows.sealed_terms import unseal
from sql.store import open_store
from tests import dask_cluster
from tests.bank import CORE, NAMES, SECRET
from tests.conftest import ROOT
from tests.exports import cnpj, company, cpf, natural_person, write_export

if TYPE_CHECKING:
    from pathlib import Path

    from tests.prefect_server import PrefectServer

BUCKET_SIZE = 5
PASSWORD = "an-invented-password"
MARK = "Kanarius"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Write an export of some buckets, one register of it refused."""
    name = {"nome_civil": f"{MARK} Silva"}
    people = [natural_person(f"F{n}", cpf(100_000_000 + n // 2), pessoas_fisicas=name) for n in range(40)]
    firms = [company(f"J{number}", cnpj(100_000_000_001 + number * 10_000)) for number in range(4)]
    refused = natural_person("F90", cpf(123_123_123), pessoas_fisicas={"nome_civil": ""})
    return write_export(tmp_path / "export", *people, *firms, refused)


@pytest.fixture
def environment(postgres_database: str, prefect_server: PrefectServer, tmp_path: Path) -> dict[str, str]:
    """Return the settings of coordinator and workers; the server trusts whatever password it is told."""
    (tmp_path / "spill").mkdir()
    return {
        **prefect_server.environment,
        "PYTHONPATH": str(ROOT),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "CADASTRA_DATABASE_URL": postgres_database.replace("postgres@", f"postgres:{PASSWORD}@"),
        "CADASTRA_SECRET": SECRET,
        "CADASTRA_BUCKET_SIZE": str(BUCKET_SIZE),
        "CADASTRA_SPILL": f"file://{tmp_path / 'spill'}",
        "CADASTRA_LOG_JSON": str(tmp_path / "log"),
    }


def served(url: str) -> list[dict[str, object]]:
    columns = "customer_id, core_key, tax_id, document, content_hash"
    with open_store(url) as store:
        return [
            row for name in NAMES for row in store.query(f"SELECT {columns} FROM {name} ORDER BY customer_id")
        ]


def served_by_one_process(export: Path, folder: Path) -> list[dict[str, object]]:
    url = f"sqlite:///{folder}/one.db"
    run = Run(Job(core=CORE, export=export, database_url=url, secret=SECRET, bucket_size=BUCKET_SIZE))
    with run.holding():
        run.extract()
        run.execute()
    return served(url)


def start(export: Path, environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.cli", "run", "--export", str(export), "--json", "--no-docs"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*command, *options], env={**os.environ, **environment}, stdout=pipe, stderr=pipe, text=True
    )


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return what was logged under a name so far."""
    path = folder / "log"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [event for event in found if event["event"] == name]


def kill_one_at_work(run: subprocess.Popen[str], folder: Path) -> tuple[int, int]:
    """Kill a worker in the middle of a bucket, when others are done; return both."""
    while True:
        assert run.poll() is None, run.communicate()[1][-4000:]
        time.sleep(0.01)
        done = {event["bucket"] for event in events(folder, "bucket written")}
        last = [event for event in events(folder, "bucket begun") if event["bucket"] not in done][-1:]
        for event in last if done else []:
            os.kill(event["process"], signal.SIGSTOP)
            if event["bucket"] not in {each["bucket"] for each in events(folder, "bucket written")}:
                os.kill(event["process"], signal.SIGKILL)
                return event["process"], event["bucket"]
            os.kill(event["process"], signal.SIGCONT)


@pytest.mark.slow
def test_a_killed_worker_costs_its_bucket_only_and_nobody_is_told_a_secret(
    export: Path, environment: dict[str, str], prefect_server: PrefectServer, tmp_path: Path
) -> None:
    with dask_cluster.running(environment, tmp_path / "cluster") as scheduler:
        with start(export, environment, "--scheduler", scheduler) as run:
            victim, bucket = kill_one_at_work(run, tmp_path)
            (terms,) = (tmp_path / "spill").glob("*/_terms")
            sealed = terms.read_bytes()
            out, err = run.communicate()
        assert run.returncode == 0, err
        done_by = assert_done_again(json.loads(out), tmp_path, bucket)
        assert done_by > {victim}
        assert served(environment["CADASTRA_DATABASE_URL"]) == served_by_one_process(export, tmp_path)
        assert sealed_against_others(sealed, tmp_path / "terms")
        err += fail_with_a_value(export, environment, scheduler)
    assert list((tmp_path / "spill").iterdir()) == []
    logs = (tmp_path / "log").read_text() + (tmp_path / "cluster").read_text()
    assert nothing_told(prefect_server, out + err + logs)


def assert_done_again(report: dict[str, Any], folder: Path, bucket: int) -> set[int]:
    """Hold a run to having worked on every bucket once, on one of them again; return who did."""
    assert report["state"] == "published"
    assert report["buckets"] > 4
    # The victim may have died between its commit and its word of it.
    before = events(folder, "bucket was written before")
    begun, written = events(folder, "bucket begun") + before, events(folder, "bucket written") + before
    numbers = range(1, report["buckets"] + 1)
    assert sorted(event["bucket"] for event in written) == list(numbers)
    assert Counter(event["bucket"] for event in begun) == Counter([*numbers, bucket])
    return {event["process"] for event in begun}


def fail_with_a_value(export: Path, environment: dict[str, str], scheduler: str) -> str:
    """Run again with a database whose words quote a person, and return what is said of it."""
    with psycopg.connect(environment["CADASTRA_DATABASE_URL"]) as server:
        server.execute(
            "CREATE FUNCTION quote() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{MARK}'; END $$"
        )
        server.execute("CREATE TRIGGER quote BEFORE INSERT ON control.run_buckets EXECUTE FUNCTION quote()")
    with start(export, environment, "--full-remap", "--scheduler", scheduler) as run:
        _, err = run.communicate()
    assert run.returncode == 1
    assert "its text is withheld" in err.splitlines()[-1]
    return err


def sealed_against_others(sealed: bytes, place: Path) -> bool:
    """Try to read terms with another secret, and changed ones; look for a secret in them."""
    place.write_bytes(sealed)
    assert unseal(str(place), SECRET, "postgresql://").run_id
    with pytest.raises(UsageError, match="CADASTRA_SECRET"):
        unseal(str(place), "another secret", "postgresql://")
    place.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(UsageError, match="CADASTRA_SECRET"):
        unseal(str(place), SECRET, "postgresql://")
    assert not [secret for secret in (SECRET, PASSWORD, MARK) if secret.encode() in sealed]
    return True


def nothing_told(server: PrefectServer, said: str) -> bool:
    """Look for secrets and people in Prefect's files and in what was said; find the run itself there."""
    secrets = (SECRET, PASSWORD, MARK)
    files = {path.name: path.read_bytes() for path in server.home.rglob("*") if path.is_file()}
    leaks = [
        (name, secret) for secret in secrets for name, content in files.items() if secret.encode() in content
    ]
    leaks += [("said", secret) for secret in secrets if secret in said]
    assert leaks == []
    assert any(b"buckets of " in content for content in files.values())
    return True


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"database_url": "sqlite:///x.db"}, "PostgreSQL"),
        ({"spill": None}, "CADASTRA_SPILL"),
        ({"spill": "memory://x"}, "CADASTRA_SPILL"),
        ({}, "PREFECT_API_URL"),
    ],
)
def test_what_workers_elsewhere_could_not_do_is_said_at_once(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said), Run(scheduled(**changed)).holding():
        pass


def test_a_missing_extra_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(UsageError, match=r"cadastra\[dask\]"), Run(scheduled()).holding():
        pass


def test_a_scheduler_that_is_none_is_said_in_one_line(
    export: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    url = environment["CADASTRA_DATABASE_URL"]
    published = Run(Job(core=CORE, export=export, database_url=url, secret=SECRET))
    with published.holding():
        published.extract()
        published.execute()
    with start(export, environment, "--scheduler", "nowhere") as run:
        _, err = run.communicate()
    assert run.returncode == 2
    assert err.splitlines()[-1].startswith("cadastra: the Dask scheduler nowhere cannot be reached")
    with open_store(url) as store:
        assert [run["state"] for run in store.runs()] == ["published"]  # the other one never began
    assert list((tmp_path / "spill").iterdir()) == []


def scheduled(**changed: Any) -> Job:  # noqa: ANN401 (of a job)
    given = {"database_url": "postgresql://127.0.0.1:1/none", "spill": "s3://bucket/folder", **changed}
    return Job(core=CORE, export=ROOT, secret=SECRET, scheduler="tcp://127.0.0.1:1", **given)
