"""What a request may look like, and what the API answers where it does not: never a 500, never a value."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs
from uuid import UUID

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.limits import Buckets
from api.settings import ApiSettings, load_api_settings
from customers.errors import UnreadableInput, UsageError
from sql.roles import apply_roles
from sql.store import open_store
from tests import api_bank as bank
from tests.api_bank import ANA, FIRM, STATES, Api
from tests.api_server import INTERACTION_ID, PREFIX, ROOT, consent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = "/personal/identifications"
ANA_TOKEN = f"c-{ANA}"
ERROR_STATUSES = {400, 401, 403, 404, 405, 406, 413, 414, 422, 429, 431}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bank")
    url = f"sqlite:///{folder / 'cadastra.db'}"
    bank.made(url, folder)
    return url


@pytest.fixture(scope="module")
def served(database: str) -> Iterator[Api]:
    with bank.api(database, rate_per_second=0, body_bytes=10, uri_bytes=4000, header_bytes=4000) as started:
        yield started


@pytest.mark.parametrize(
    "given_id", [None, "", "x", INTERACTION_ID[:-1], INTERACTION_ID + "0", "{" + INTERACTION_ID + "}"]
)
def test_without_an_interaction_id_it_is_400_with_a_new_one(served: Api, given_id: str | None) -> None:
    response = served.ask(PATH, ANA_TOKEN, headers={"x-fapi-interaction-id": given_id})
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "INVALID_INTERACTION_ID"
    made = UUID(response.headers["x-fapi-interaction-id"])
    assert str(made) != given_id
    assert made.version == 4


def test_the_interaction_id_comes_back_as_it_was_written(served: Api) -> None:
    for token, path in ((ANA_TOKEN, PATH), ("nobody", PATH), (ANA_TOKEN, "/nothing")):
        response = served.ask(path, token, headers={"x-fapi-interaction-id": INTERACTION_ID.upper()})
        assert response.headers["x-fapi-interaction-id"] == INTERACTION_ID.upper()


def test_credentials_that_come_twice_count_for_nothing(served: Api) -> None:
    twice = [
        ("Authorization", f"Bearer {ANA_TOKEN}"),
        ("authorization", "Bearer other"),
        ("x-fapi-interaction-id", INTERACTION_ID),
    ]
    response = served._runner.run(served._client.get(PREFIX + PATH, headers=twice))  # noqa: SLF001 - repeated headers need httpx itself
    assert response.status_code == 401


@pytest.mark.parametrize(("name", "value", "status"), [
    ("x-fapi-auth-date", "Sun, 10 Sep 2017 19:43:31 UTC", 200), ("x-fapi-auth-date", "2017-09-10", 400), ("x-fapi-auth-date", "", 400),
    ("x-fapi-customer-ip-address", "192.0.2.1", 200), ("x-fapi-customer-ip-address", "", 400), ("x-fapi-customer-ip-address", "1" * 101, 400),
    ("x-customer-user-agent", "a" * 100, 200), ("x-customer-user-agent", "a" * 101, 400),
    ("accept", "application/json", 200), ("accept", "*/*", 200), ("accept", "", 200), ("accept", "application/*;q=0.5, text/html", 200),
    ("accept", "application/json; charset=utf-8", 200), ("accept", "application/xml", 406), ("accept", "application/json;q=0", 406),
    ("accept", "application/json; charset=iso-8859-1", 406), ("accept", "application/json;q=x", 406), ("accept-charset", "utf-8", 200), ("accept-charset", "iso-8859-1", 406),
])  # fmt: skip
def test_each_header_has_its_form(served: Api, name: str, value: str, status: int) -> None:
    assert served.ask(PATH, ANA_TOKEN, headers={name: value}).status_code == status


def test_only_get_on_the_six_paths(served: Api) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"):
        response = served.ask(PATH, ANA_TOKEN, method=method)
        assert (response.status_code, response.headers["allow"]) == (405, "GET")
    for path in (
        "/",
        "/personal",
        PATH + "/",
        "/personal/identification",
        "//personal/identifications",
        "/personal/%2e%2e",
    ):
        assert served.ask(path, ANA_TOKEN).status_code == 404
    assert served.send("/", ANA_TOKEN).json()["errors"][0]["code"] == "NOT_FOUND"


def test_size_limits(served: Api) -> None:
    assert served.ask(PATH, ANA_TOKEN, content=b"x" * 10).status_code == 200
    assert served.ask(PATH, ANA_TOKEN, content=b"x" * 11).status_code == 413
    assert served.ask(f"{PATH}?other={'x' * 4000}", ANA_TOKEN).status_code == 414
    assert served.ask(PATH, ANA_TOKEN, headers={"x-other": "x" * 4000}).status_code == 431
    assert served.ask(PATH, ANA_TOKEN, headers={"content-length": "9" * 5000}).status_code in {413, 431}


def test_every_answer_has_the_headers_that_keep_it_safe(served: Api) -> None:
    for response in (
        served.ask(PATH, ANA_TOKEN),
        served.ask(PATH),
        served.send("/nothing"),
        served.send("/healthz"),
    ):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert response.headers["strict-transport-security"].startswith("max-age=")


def test_a_client_that_asks_too_often_gets_429_and_others_do_not(database: str) -> None:
    with bank.api(database, rate_per_second=0.01, rate_burst=3, client_header="x-client") as started:
        statuses = [started.ask(PATH, ANA_TOKEN, headers={"x-client": "one"}) for _ in range(5)]
        assert [response.status_code for response in statuses] == [200, 200, 200, 429, 429]
        assert statuses[-1].headers["retry-after"] == "1"
        assert started.ask(PATH, ANA_TOKEN, headers={"x-client": "two"}).status_code == 200
        assert started.send("/healthz").status_code == 200


def test_a_bucket_fills_again_and_old_ones_make_room() -> None:
    now = [0.0]
    buckets = Buckets(rate=2.0, burst=2, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    now[0] = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [True, False]
    for number in range(10_000):
        buckets.take(str(number))
    assert buckets.take("a")  # forgotten, so full again


class Slow:
    """A reader whose database takes long."""

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def consented(self, *_: object) -> Any:  # noqa: ANN401 - never returned
        """Take half a minute."""
        await asyncio.sleep(30)


class Broken(Slow):
    """A reader with a defect whose text quotes what it was asked."""

    async def consented(self, *asked: object) -> Any:  # noqa: ANN401 - never returned
        """Fail."""
        raise ValueError(f"cannot read {asked}")


def test_an_answer_that_takes_too_long_is_504_and_too_many_at_once_are_529(database: str) -> None:
    with bank.api(database, reader=Slow(), request_seconds=0.2, most_at_once=3) as started:
        statuses = sorted(response.status_code for response in started.together([(PATH, ANA_TOKEN)] * 5))
        assert statuses == [504, 504, 504, 529, 529]


def test_a_defect_is_500_and_says_nothing(database: str) -> None:
    with bank.api(database, reader=Broken()) as started, structlog.testing.capture_logs() as logs:
        response = started.ask(PATH, ANA_TOKEN)
    assert response.status_code == 500
    assert response.json()["errors"][0]["code"] == "INTERNAL_SERVER_ERROR"
    told = json.dumps(logs)
    assert "ValueError" in told
    assert ANA not in told + response.text
    assert "Traceback" not in told + response.text


def test_without_its_database_it_is_500_and_not_ready_and_then_it_recovers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'late.db'}"
    with bank.api(url) as started:
        assert started.ask(PATH, ANA_TOKEN).status_code == 500
        assert started.send("/readyz").status_code == 503
        assert started.send("/healthz").json() == {"status": "alive"}
        open_store(url).close()
        assert started.send("/readyz").json() == {"status": "not ready", "database": "ok"}
        bank.made(url, tmp_path)
        assert started.ask(PATH, ANA_TOKEN).status_code == 200
        ready = started.send("/readyz")
    assert ready.status_code == 200
    assert ready.json()["last_published_at"] == bank.MOMENT
    assert "age_seconds" in ready.json()


def test_readiness_may_ask_for_a_young_run(database: str) -> None:
    with bank.api(database, ready_age_hours=0.001) as started:
        assert (started.send("/readyz").status_code, started.send("/readyz").json()["status"]) == (
            503,
            "not ready",
        )
        assert started.send("/readyz", method="POST").status_code == 405


def test_metrics_tell_time_per_endpoint_and_answers_per_scenario(served: Api) -> None:
    served.ask(PATH, ANA_TOKEN)
    served.ask(PATH, f"c-{FIRM}")
    response = served.send("/metrics")
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    lines = response.text.splitlines()
    assert lines[-1] == "# EOF"
    assert any(
        line.startswith('cadastra_api_request_seconds_count{endpoint="personal_identifications"}')
        for line in lines
    )
    assert any('scenario="kind-wrong",status="403"' in line for line in lines)
    assert any(line.startswith("cadastra_api_published_age_seconds ") for line in lines)
    assert not any(tax_id in response.text for tax_id in STATES)


@pytest.mark.parametrize(
    "bad", [{"CADASTRA_API_CONNECTIONS": "none"}, {"CADASTRA_API_PUBLIC_URL": "not an address"}]
)
def test_a_setting_that_cannot_be_used_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, bad: dict[str, str]
) -> None:
    ((name, value),) = bad.items()
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name) as told:
        load_api_settings()
    assert value not in str(told.value)


def test_every_setting_is_documented_with_its_default() -> None:
    lines = (ROOT / "docs" / "API.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| `CADASTRA_")]
    documented = {row[1].strip(): row[2].strip() for row in rows}
    for name, field in ApiSettings.model_fields.items():
        variable = "CADASTRA_DATABASE_URL" if name == "database_url" else f"CADASTRA_API_{name.upper()}"
        default = "" if field.default is None or not str(field.default) else f"`{field.default}`"
        assert documented.pop(f"`{variable}`") == default
    assert documented == {}


def test_a_version_or_a_database_that_there_is_not(database: str) -> None:
    with pytest.raises(UsageError, match="CADASTRA_API_VERSION"):
        create_app(ApiSettings(CADASTRA_DATABASE_URL=database, version="1.0.0"))
    with pytest.raises(UnreadableInput, match="oracle"):
        create_app(ApiSettings(CADASTRA_DATABASE_URL="oracle://somewhere"))


def test_links_show_the_public_address_and_no_host_that_is_none(database: str, served: Api) -> None:
    with bank.api(database, public_url="https://api.bank.example/") as started:
        assert started.ask(PATH, ANA_TOKEN).json()["links"] == {
            "self": f"https://api.bank.example{PREFIX}{PATH}"
        }
    for host, shown in (
        ("bank.example:8443", "bank.example:8443"),
        ("[::1]:80", "[::1]:80"),
        ('x"y', "localhost"),
        ("a/b", "localhost"),
    ):
        assert (
            served.ask(PATH, ANA_TOKEN, headers={"host": host}).json()["links"]["self"]
            == f"http://{shown}{PREFIX}{PATH}"
        )


def test_the_read_only_role_is_enough(postgres_database: str, tmp_path: Path) -> None:
    bank.made(postgres_database, tmp_path)
    apply_roles(postgres_database)
    login = f"api_{postgres_database.rpartition('/')[2]}"
    with open_store(postgres_database) as store, store._engine.begin() as connection:  # noqa: SLF001 - a login of this database
        connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN IN ROLE cadastra_api")
    server = postgres_database.split("@")[1]
    try:
        with bank.api(f"postgresql://{login}@{server}") as started:
            assert started.ask(PATH, ANA_TOKEN).status_code == 200
            assert started.ask(PATH, f"c-{bank.BLOCKED}").status_code == 403
            assert started.send("/readyz").status_code == 200
    finally:
        with open_store(postgres_database) as store, store._engine.begin() as connection:  # noqa: SLF001 - as above
            connection.exec_driver_sql(f"DROP ROLE {login}")


# --- token introspection


class AuthorisationServer(BaseHTTPRequestHandler):
    """A local RFC 7662 server; tokens are the keys of ``ANSWERS``."""

    ANSWERS: ClassVar[dict[str, Any]] = {
        "by-scope": {"active": True, "scope": f"openid consent:{ANA_TOKEN} customers"},
        "with-facts": {"active": True, "scope": "customers", "consent": consent("x", ANA, "F")},
        "unknown-consent": {"active": True, "scope": "consent:nobody customers"},
        "no-consent": {"active": True, "scope": "customers"},
        "other-scope": {"active": True, "scope": f"consent:{ANA_TOKEN} accounts"},
        "inactive": {"active": False},
        "bad-facts": {"active": True, "scope": "customers", "consent": {"tax_id": ANA}},
        "no-object": [1],
    }
    seen: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        """Answer about one token."""
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.seen.append((self.headers["authorization"], form["token_type_hint"][0]))
        answer = self.ANSWERS.get(form["token"][0])
        body = json.dumps(answer).encode() if answer is not None else b"<html>"
        self.send_response(503 if form["token"][0] == "down" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def authorisation_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), AuthorisationServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/introspect"
        server.shutdown()
        thread.join()


def test_the_token_may_be_introspected(any_database: str, tmp_path: Path, authorisation_server: str) -> None:
    bank.made(any_database, tmp_path)
    expected = {
        "by-scope": 200, "with-facts": 200, "unknown-consent": 401, "no-consent": 401, "other-scope": 403,
        "inactive": 401, "bad-facts": 504, "no-object": 504, "down": 504, "no-json": 504,
    }  # fmt: skip
    options = {"introspection_client_id": "cadastra", "introspection_client_secret": "s3cret"}
    with (
        bank.api(any_database, introspection_url=authorisation_server, **options) as started,
        structlog.testing.capture_logs() as logs,
    ):
        for token, status in expected.items():
            assert (token, started.ask(PATH, token).status_code) == (token, status)
        assert started.ask(PATH + "?page=2", "by-scope").status_code == 422
    assert set(AuthorisationServer.seen) == {("Basic Y2FkYXN0cmE6czNjcmV0", "access_token")}
    assert not any(token in json.dumps(logs) for token in expected)


def test_without_its_authorisation_server_it_is_504(database: str) -> None:
    with bank.api(database, introspection_url="http://127.0.0.1:9/introspect") as started:
        assert started.ask(PATH, ANA_TOKEN).status_code == 504


# --- anything at all

HEADER_VALUES = st.binary(max_size=60).map(
    lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
)
NAMES = st.sampled_from(
    [
        "authorization",
        "x-fapi-interaction-id",
        "x-fapi-auth-date",
        "accept",
        "accept-charset",
        "host",
        "x-customer-user-agent",
        "content-length",
        "x-fapi-customer-ip-address",
    ]
)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["page", "page-size", "pagination-key", "x"]), st.text(max_size=30)), max_size=5
)


@given(
    headers=st.dictionaries(NAMES, HEADER_VALUES),
    path=st.text(max_size=30),
    query=QUERIES,
    known=st.booleans(),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_it_is_no_500(
    served: Api, headers: dict[str, bytes], path: str, query: list[tuple[str, str]], *, known: bool
) -> None:
    with structlog.testing.capture_logs() as logs:
        scope = {
            "type": "http",
            "method": "GET",
            "path": PREFIX + PATH if known else path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "query_string": "&".join(f"{name}={value}" for name, value in query).encode(
                "utf-8", "surrogatepass"
            ),
            "scheme": "http",
            "headers": [
                (b"authorization", f"Bearer {ANA_TOKEN}".encode()),
                (b"x-fapi-interaction-id", INTERACTION_ID.encode()),
            ]
            + [(name.encode(), value) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        status, answered, body = served._runner.run(exchange(served, scope))  # noqa: SLF001 - what no client would send
    assert status in ERROR_STATUSES | {200}
    assert len(str(UUID(answered[b"x-fapi-interaction-id"].decode()))) == 36
    answer = json.loads(body)
    assert ("errors" in answer) is (status != 200)
    assert logs == []


async def exchange(served: Api, scope: dict[str, Any]) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send one ASGI request as it stands."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's own
        sent.append(message)

    await served.app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]
