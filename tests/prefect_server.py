"""A Prefect server of the tests' own on loopback, as ``prefect server start`` runs it. No test imports Prefect.

Whatever process imports it keeps threads that draw random numbers, which Hypothesis forbids; so flows run in
processes of their own, and tests speak to the server over HTTP.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.servers import free_port
from tests.unmeasured import unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 90
# Ends the server when its standard input closes, which happens however the tests end, and leaves nothing behind.
GUARD = 'trap "" TERM; "$0" -m prefect server start >"$1/log" 2>&1 & read _; kill -TERM 0; wait; rm -rf "$1"'


@dataclass(frozen=True)
class PrefectServer:
    """A server that runs; ``home`` has its database, its leases and its log."""

    url: str
    home: Path
    client: httpx.Client

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process needs that is to use this server."""
        return {"PREFECT_HOME": str(self.home), "PREFECT_API_URL": self.url, "DO_NOT_TRACK": "1"}

    def ask(self, path: str, data: object = None, method: str = "") -> Any:  # noqa: ANN401 (JSON)
        """Get from a path of the API, or post to it, again while the server's database is busy."""
        kind = method or ("GET" if data is None else "POST")
        answer = until(lambda: self._answer(kind, path, data))
        return answer.raise_for_status().json() if answer.content else None

    def _answer(self, method: str, path: str, data: object) -> httpx.Response | None:
        found = self.client.request(method, path, json=data)
        return None if found.status_code == httpx.codes.SERVICE_UNAVAILABLE else found


def until(found: Callable[[], Any], seconds: float = 90) -> Any:  # noqa: ANN401 (whatever is found)
    """Ask again and again until there is an answer, and return it; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while (answer := found()) in (None, False, []):
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to pass")
        time.sleep(0.1)
    return answer


@contextmanager
def running() -> Iterator[PrefectServer]:
    """Run a server on a free port; raises OSError where none can be opened."""
    port, home = free_port(), Path(tempfile.mkdtemp(prefix="cadastra-prefect-"))
    environment = {
        **unmeasured(),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "DO_NOT_TRACK": "1",
    }
    command = ["/bin/sh", "-c", GUARD, sys.executable, str(home)]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30) as client:
            until(lambda: guard.poll() is not None or _is_up(client), START_SECONDS)
            yield PrefectServer(str(client.base_url).rstrip("/"), home, client)
    finally:
        guard.communicate()


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False
