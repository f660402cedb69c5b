"""Notices reach a listener, signed; one that does not changes nothing but is told."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from customers.errors import CadastraError, ExportRefused, UsageError
from flows.breaker import Thresholds
from flows.jobs import make_job, observers
from flows.notices import Notices
from flows.pipeline import Job, Run
from flows.settings import load_settings
from tests.bank import CORE, SECRET
from tests.exports import cpf, natural_person, write_export
from tests.functional.test_run import cadastra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "shared with the listener"
DEAD = "http://127.0.0.1:9/"  # the port of discard: nobody listens


@dataclass(slots=True)
class Listener:
    """Take notices; ``answers`` are its next HTTP statuses, then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, Any]]:
        """Return the notices taken; each must be signed, with a fresh timestamp."""
        for headers, body in self.taken:
            moment = headers["Cadastra-Timestamp"]
            assert abs(time.time() - int(moment)) < 60
            expected = hmac.new(KEY.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
            assert headers["Cadastra-Signature"] == f"sha256={expected}"
            assert headers["Content-Type"] == "application/json"
        return [json.loads(body) for _, body in self.taken]


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.taken.append((dict(self.headers), body))
            self.send_response(listener.answers.pop(0) if listener.answers else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_port}/hook?token=private"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


def job(export: Path, database: str, listener: Listener, said: list[str], **choices: Any) -> Job:  # noqa: ANN401
    notices = Notices(listener.url, KEY, said.append, pauses=(0.01, 0.01))
    return Job(CORE, export, database, SECRET, observers=(notices,), **choices)


def run(job: Job) -> str:
    task = Run(job)
    with task.holding():
        task.extract()
        return task.execute().state


def test_a_refused_export_is_a_failure(tmp_path: Path, sqlite_url: str, listener: Listener) -> None:
    said: list[str] = []
    with pytest.raises(ExportRefused):
        run(job(tmp_path, sqlite_url, listener, said))
    (notice,) = listener.told
    assert (notice["event"], notice["state"], notice["core"]) == ("failure", "failed", "reference")
    assert "_controle.json is missing" in notice["messages"][0]
    assert said == []


def test_an_unforeseen_failure_says_no_more_than_its_kind(
    tmp_path: Path, sqlite_url: str, listener: Listener
) -> None:
    export = write_export(tmp_path / "export", natural_person())
    task = Run(job(export, sqlite_url, listener, []))
    with pytest.raises(ValueError, match="Ana Lima"), task.holding():
        raise ValueError("Ana Lima")
    assert listener.told[0]["messages"] == ["ValueError"]


def test_a_held_run_and_late_documents_are_told(tmp_path: Path, sqlite_url: str, listener: Listener) -> None:
    people = [natural_person(f"F{number}", cpf(number + 1)) for number in range(3)]
    first = write_export(tmp_path / "first", *people, day="2026-11-18")
    assert run(job(first, sqlite_url, listener, [])) == "published"
    assert listener.told == []  # of a first load everything is late
    names = {"nome_civil": "Eva Sousa", "ts_atualizacao": "20/11/2026 10:00:00"}
    changed = [natural_person(f"F{number}", cpf(number + 1), pessoas_fisicas=names) for number in range(3)]
    second = write_export(tmp_path / "second", *changed, day="2026-11-20")
    wanted = job(second, sqlite_url, listener, [])
    assert run(replace(wanted, thresholds=Thresholds(least=1))) == "held"
    assert run(replace(wanted, thresholds=None)) == "published"
    held, late = listener.told
    assert (held["event"], held["state"]) == ("held", "held")
    assert held["messages"][0].startswith("personal_identifications: changed share is 100.00% (3 of 3)")
    assert (late["event"], late["business_date"]) == ("threshold", "2026-11-20")
    assert late["messages"][0].startswith("personal_identifications: of 3 documents one was served")
    values = b"".join(body for _, body in listener.taken)
    assert not any(value in values for value in (b"Sousa", b"F1", cpf(1).encode()))


@pytest.mark.parametrize(
    ("answers", "attempts", "told"),
    [
        ([503, 503], 3, []),
        ([500, 429, 503], 3, ["warning: the notice of failure was not delivered: HTTP 503"]),
        ([403], 1, ["warning: the notice of failure was not delivered: HTTP 403"]),
    ],
)
def test_what_may_pass_is_tried_again(
    listener: Listener, answers: list[int], attempts: int, told: list[str]
) -> None:
    said: list[str] = []
    listener.answers = answers
    delivered = Notices(listener.url, KEY, said.append, pauses=(0.0, 0.0)).send("failure", {})
    assert delivered == (told == [])
    assert (len(listener.taken), said) == (attempts, told)


def test_a_listener_that_is_not_there_changes_no_outcome(tmp_path: Path) -> None:
    environment = {"CADASTRA_NOTICE_URL": DEAD, "CADASTRA_NOTICE_SECRET": KEY}
    database = f"sqlite:///{tmp_path / 'cadastra.db'}"
    done = cadastra("run", "--export", str(tmp_path), "--database", database, **environment)
    assert done.returncode == ExportRefused.exit_code
    warning, error = done.stderr.splitlines()[-2:]
    assert warning == "warning: the notice of failure was not delivered: ConnectError"
    assert error.startswith("cadastra: export refused")


def test_only_what_is_wanted_is_sent(tmp_path: Path, sqlite_url: str, listener: Listener) -> None:
    notices = Notices(listener.url, KEY, lambda _: None, events=("held",))
    with pytest.raises(CadastraError):
        run(Job(CORE, tmp_path, sqlite_url, SECRET, observers=(notices,)))
    assert listener.taken == []


def test_settings_make_the_notices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert observers(load_settings()) == ()
    monkeypatch.setenv("CADASTRA_NOTICE_URL", DEAD)
    with pytest.raises(UsageError, match="CADASTRA_NOTICE_SECRET"):
        make_job(tmp_path)
    monkeypatch.setenv("CADASTRA_NOTICE_SECRET", KEY)
    monkeypatch.setenv("CADASTRA_NOTICE_ON", '["held"]')
    (notices,) = observers(load_settings())
    assert isinstance(notices, Notices)
    assert (notices.url, notices.secret, notices.events) == (DEAD, KEY, ("held",))
    assert KEY not in repr(notices)
    assert DEAD not in repr(notices)
    monkeypatch.setenv("CADASTRA_NOTICE_ON", '["birthday"]')
    with pytest.raises(UsageError, match="CADASTRA_NOTICE_ON"):
        load_settings()
