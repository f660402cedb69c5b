"""The Customers API as its own process: ``cadastra serve`` on loopback, and the consents that open it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from sql.consents import import_consents
from sql.store import open_store
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
PREFIX = "/open-banking/customers/v2"
INTERACTION_ID = "d78fc4e5-37ca-4da3-adf2-9b082bf92280"
SIDES = {"F": "PERSONAL", "J": "BUSINESS"}
SUBJECTS = ("identifications", "qualifications", "financial-relations")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs: its address, its process, and the file that its logs go to."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def resources(self) -> str:
        """Return the address that the six resources are under."""
        return f"{self.url}{PREFIX}"


@contextmanager
def running(command: list[str], port: int, log: Path, environment: dict[str, str]) -> Iterator[Served]:
    """Run a server until the block ends, then stop it as an operator would."""
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(f"{url}/healthz", process, log)
        yield Served(url, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(database: str, log: Path, *, workers: int = 1, **settings: object) -> Iterator[Served]:
    """Run ``cadastra serve``; ``settings`` are those of CADASTRA_API_…."""
    port = free_port()
    environment = {f"CADASTRA_API_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(port), "--workers", str(workers)]
    with running([*command, "--database", database], port, log, environment) as served:
        yield served


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers; fail with its own words where it ends first."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - our own server
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the server does not answer: {log.read_text(errors='replace')[-2000:]}")


def permissions(kind: str) -> list[str]:
    """Return the two permissions of a kind of person."""
    side = SIDES[kind]
    return [f"CUSTOMERS_{side}_IDENTIFICATIONS_READ", f"CUSTOMERS_{side}_ADITTIONALINFO_READ"]


def paths(kind: str) -> list[str]:
    """Return the three paths of a kind of person, below the prefix."""
    return [f"/{SIDES[kind].lower()}/{subject}" for subject in SUBJECTS]


def consent(consent_id: str, tax_id: str, kind: str, **facts: object) -> dict[str, object]:
    """Return a good consent as a line of a file, but for the facts given."""
    good: dict[str, object] = {
        "consent_id": consent_id,
        "tax_id": tax_id,
        "kind": kind,
        "status": "AUTHORISED",
        "permissions": permissions(kind),
    }
    return {**good, **facts}


def write_lines(file: Path, consents: list[dict[str, object]]) -> Path:
    """Write consents as JSON lines."""
    file.write_text("".join(f"{json.dumps(line)}\n" for line in consents))
    return file


def take_over_lines(database: str, file: Path) -> None:
    """Import a file of consents of which none may be refused."""
    assert import_consents(database, file, "2026-11-21T00:00:00Z").refused == ()


def headers(token: str, **others: str) -> dict[str, str]:
    """Return good request headers."""
    return {"Authorization": f"Bearer {token}", "x-fapi-interaction-id": INTERACTION_ID, **others}


def people(database: str) -> list[dict[str, object]]:
    """List who can be asked about all three structures: tax id and kind."""
    served = " AND ".join(
        f"tax_id IN (SELECT tax_id FROM personal_{subject} UNION ALL SELECT tax_id FROM business_{subject})"
        for subject in ("identifications", "qualifications", "financial_relations")
    )
    with open_store(database) as store:
        return store.query(
            f"SELECT tax_id, kind FROM customers WHERE availability = 'AVAILABLE' AND {served} ORDER BY kind, tax_id"
        )
