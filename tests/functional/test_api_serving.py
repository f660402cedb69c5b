"""``cadastra serve`` as its own process: publishing under load, shutting down, workers, logs."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, Self

import httpx
import psycopg
import pyarrow as pa
import pytest

from sql.store import open_store
from tests import api_bank as bank
from tests import servers
from tests.api_bank import ANA, STATES, TRIO
from tests.api_server import INTERACTION_ID, PREFIX, ROOT, headers, paths, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHES = 10
ASKING = 3


@pytest.fixture(scope="module")
def sqlite_bank(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bank")
    url = f"sqlite:///{folder / 'cadastra.db'}"
    bank.made(url, folder)
    return url


class Asking:
    """Some threads that ask for three registers and for a relation, and judge every answer."""

    def __init__(self, url: str) -> None:
        self.answers, self.wrong = 0, list[str]()
        self.batches: set[str] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url,)) for _ in range(ASKING)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str) -> None:
        with httpx.Client(base_url=url, headers=headers(f"c-{TRIO}")) as client:
            for path in itertools.cycle([paths("F")[0], paths("F")[2]]):
                if self._stop.is_set():
                    return
                try:
                    self._judge(client.get(path))
                except httpx.HTTPError as problem:
                    self.wrong.append(type(problem).__name__)

    def _judge(self, answer: httpx.Response) -> None:
        self.answers += 1
        if answer.status_code != 200:
            self.wrong.append(str(answer.status_code))
            return
        data = answer.json()["data"]
        batches = {record["batch"] for record in data} if isinstance(data, list) else {data["batch"]}
        if len(batches) != 1 or (isinstance(data, list) and len(data) != 3):
            self.wrong.append(f"a mixture of {batches}")
        self.batches |= batches


@pytest.mark.slow
def test_no_error_and_no_mixture_while_runs_are_published_and_rolled_back(
    any_database: str, tmp_path: Path
) -> None:
    bank.made(any_database, tmp_path)
    people = [tax_id for tax_id, state in STATES.items() if state == "AVAILABLE"]
    with (
        serving(any_database, tmp_path / "api.log", rate_per_second=0) as served,
        open_store(any_database) as store,
        Asking(served.resources) as asking,
    ):
        for number in range(PUBLISHES):
            bank.publish(store, f"batch-{number}", people, {})
            time.sleep(0.05)
        # Pointers back to what was served first, as a rollback moves them.
        run_seq = bank.begun(store, "back")
        now = store.served("personal_identifications", bank.VERSION)
        store.retire(run_seq, now.select(["document_id", "opened_run_seq"]))
        wanted = pa.table({
            "customer_id": [f"id-{key}" for key in bank.registers_of(TRIO)],
            "content_hash": [f"first-personal_identifications-{key}" for key in bank.registers_of(TRIO)],
            "tax_id": [TRIO for _ in bank.registers_of(TRIO)],
        })  # fmt: skip
        store.serve_again(
            run_seq, store.stored_before("personal_identifications", bank.VERSION, wanted)["document_id"]
        )
        store.publish(run_seq, finished_at=bank.MOMENT, counts={})
        time.sleep(0.3)
    assert asking.wrong == []
    assert asking.answers > 50
    assert len(asking.batches) > 2


class SlowServer(BaseHTTPRequestHandler):
    """An authorisation server that takes its time over each token."""

    asked: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        """Answer about one token."""
        self.rfile.read(int(self.headers["content-length"]))
        self.asked.set()
        time.sleep(1)
        body = json.dumps({"active": True, "scope": f"consent:c-{ANA} customers"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_request_under_way_is_answered_before_the_server_ends(sqlite_bank: str, tmp_path: Path) -> None:
    answers: list[int] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowServer) as slow:
        threading.Thread(target=slow.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{slow.server_port}/"
        with serving(sqlite_bank, tmp_path / "api.log", introspection_url=address) as served:
            url = served.resources + paths("F")[0]
            asking = threading.Thread(
                target=lambda: answers.append(httpx.get(url, headers=headers("t")).status_code)
            )
            asking.start()
            assert SlowServer.asked.wait(10)
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(20) in {0, -signal.SIGTERM}
            asking.join()
        slow.shutdown()
    assert answers == [200]
    assert "Finished server process" in served.log.read_text()


def test_workers_count_together(sqlite_bank: str, tmp_path: Path) -> None:
    with serving(sqlite_bank, tmp_path / "api.log", workers=2) as served:
        for _ in range(10):
            assert httpx.get(served.resources + paths("F")[0], headers=headers(f"c-{ANA}")).status_code == 200
        lines = httpx.get(f"{served.url}/metrics").text.splitlines()
    counted = [
        line
        for line in lines
        if line.startswith("cadastra_api_answers_total") and 'scenario="served"' in line
    ]
    assert sum(float(line.split()[1]) for line in counted) == 10


def test_lost_connections_are_made_anew(postgres_database: str, tmp_path: Path) -> None:
    bank.made(postgres_database, tmp_path)
    with serving(postgres_database, tmp_path / "api.log") as served:
        for _ in range(3):
            assert httpx.get(served.resources + paths("F")[0], headers=headers(f"c-{ANA}")).status_code == 200
            with psycopg.connect(postgres_database, autocommit=True) as server:
                server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


def test_a_database_that_stops_and_comes_back_is_found_again(tmp_path: Path) -> None:
    programs = servers.installed_programs() or servers.wheel_programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL of ours to stop")
    path = paths("F")[0]
    with servers.running(programs) as database:
        bank.made(database, tmp_path)
        with bank.api(database, database_seconds=0.5) as started:
            assert started.ask(path, f"c-{ANA}").status_code == 200
            with servers.stopped(database):
                assert started.ask(path, f"c-{ANA}").status_code == 500
                ready = started.send("/readyz")
                assert (ready.status_code, ready.json()["database"]) == (503, "unavailable")
                assert started.send("/metrics").status_code == 200
            deadline = time.monotonic() + 20
            while started.ask(path, f"c-{ANA}").status_code != 200:
                assert time.monotonic() < deadline
            answers = started.together([(path, f"c-{ANA}")] * 20)
            assert {answer.status_code for answer in answers} == {200}
            assert started.send("/readyz").status_code == 200


def test_a_request_that_does_not_end_is_cut_off(sqlite_bank: str, tmp_path: Path) -> None:
    head = f"GET {PREFIX}{paths('F')[0]} HTTP/1.1\r\nHost: x\r\n".encode()
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    late = [b"", head, head + b"Content-Length: 9\r\n\r\n", head + chunked + b"5\r\nabcde\r\n"]
    endless = [
        (head, b"x-more: " + b"x" * 8192 + b"\r\n"),
        (b"GET /", b"x" * 8192),
        (head + chunked, b"2000\r\n" + b"x" * 8192 + b"\r\n"),
    ]
    with serving(sqlite_bank, tmp_path / "api.log", request_seconds=0.4) as served:
        port = int(served.url.rpartition(":")[2])
        with ExitStack() as stack:
            connections = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in late
            ]
            for connection, sent in zip(connections, late, strict=True):
                connection.sendall(sent)
            for connection in connections:
                while connection.recv(65536):
                    pass  # until the server closes it: else this times out
        for begin, more in endless:
            with pytest.raises(OSError, match=r"reset|pipe|abort"):
                send_without_end(port, begin, more)
        with httpx.Client(base_url=served.resources, headers=headers(f"c-{ANA}")) as client:
            for _ in range(2):
                assert client.get(paths("F")[0]).status_code == 200
                time.sleep(0.7)  # a kept connection may be idle for longer than a request may take
        told = served.log.read_text()
    assert told.count("connection closed") == len(late) + len(endless)
    assert "Traceback" not in told


def send_without_end(port: int, begin: bytes, more: bytes) -> None:
    """Begin a request and go on for forty megabytes."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(begin)
        for _ in range(5000):
            connection.sendall(more)


def test_nothing_personal_in_logs_whatever_is_sent(sqlite_bank: str, tmp_path: Path) -> None:
    token = "a-token-of-nobody"
    with serving(sqlite_bank, tmp_path / "api.log", access_log=True) as served:
        with httpx.Client() as client:
            for path in (
                f"/{ANA}",
                f"{PREFIX}/personal/{ANA}",
                f"{PREFIX}{paths('F')[0]}?page={ANA}&pagination-key={ANA}",
            ):
                for bearer in (token, f"c-{ANA}", ANA):
                    answer = client.get(
                        served.url + path, headers=headers(bearer, **{"x-customer-user-agent": ANA})
                    )
                    assert answer.status_code in {400, 401, 404}
        port = int(served.url.rpartition(":")[2])
        for raw in garbage():
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(raw)
                connection.settimeout(1)
                received(connection)
        assert httpx.get(f"{served.url}/healthz").status_code == 200
    told = served.log.read_text(errors="replace")
    assert ANA not in told
    assert token not in told
    assert "Traceback" not in told
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {event["event"] for event in events} == {"request"}
    assert any(event["interaction_id"] == INTERACTION_ID for event in events)


def garbage() -> Iterator[bytes]:
    """Yield what is hardly HTTP."""
    yield f"{ANA}\r\n\r\n".encode()
    yield f"GET /{ANA} HTTP/9.9\r\n\r\n".encode()
    yield f"GET /%00{ANA}%ff HTTP/1.1\r\nHost: {ANA}\r\nAuthorization: \xff{ANA}\r\n\r\n".encode("latin-1")
    yield f"POST {PREFIX}/personal/identifications HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz{ANA}\r\n".encode()
    yield f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -{ANA}\r\n\r\n".encode()
    yield os.urandom(4096)


def received(connection: socket.socket) -> bytes:
    """Return what comes back within a second, if anything."""
    try:
        return connection.recv(4096)
    except (TimeoutError, ConnectionError):
        return b""


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"CADASTRA_DATABASE_URL": "sqlite:///nowhere/at-all.db"}, "there is no database"),
        ({"CADASTRA_API_CODES": "other"}, "CADASTRA_API_CODES"),
        ({"CADASTRA_API_RATE_BURST": "secret-value"}, "setting cannot be used: CADASTRA_API_RATE_BURST"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    sqlite_bank: str, environment: dict[str, str], told: str
) -> None:
    command = [sys.executable, "-m", "flows.cli", "serve", "--workers", "2", "--port", "1"]
    given = {**os.environ, "CADASTRA_DATABASE_URL": sqlite_bank, **environment}
    done = subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-value" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
