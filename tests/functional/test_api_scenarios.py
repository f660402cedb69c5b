"""The table of scenarios, row by row, and every permission: on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from api.endpoints import path_of, permission_of
from api.scenarios import load_scenarios
from customers.errors import UsageError
from customers.structures import BY_NAME, STRUCTURES
from sql.erasure import Person, erase, registers_of
from sql.lock import hold
from sql.purge import purge
from sql.store import open_store
from tests import api_bank as bank
from tests.api_bank import ANA, BLOCKED, ENDED, FIRM, GONE, REFUSED, STALE, TRIO, UNKNOWN, Api
from tests.api_server import INTERACTION_ID, PREFIX, ROOT, consent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERSONAL = "/personal/identifications"
EXPIRED, LASTING = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
PENDING_CODE, BLOCKED_CODE, ENDED_CODE = (
    f"STATUS_{state}" for state in ("PENDING_AUTHORISATION", "TEMPORARY_UNAVAILABLE", "UNAVAILABLE")
)
# Consents by name: what makes each of them other than good.
CONSENTS: dict[str, dict[str, object]] = {
    "pending": {"joint_approval": "PENDING"},
    "approved": {"joint_approval": "APPROVED", "expires_at": LASTING},
    "refused": {"joint_approval": "REFUSED"},
    "awaiting": {"status": "AWAITING_AUTHORISATION"},
    "rejected": {"status": "REJECTED"},
    "revoked": {"status": "REVOKED"},
    "consumed": {"status": "CONSUMED"},
    "expired": {"expires_at": EXPIRED},
    "said-expired": {"status": "EXPIRED"},
    "no-permission": {"permissions": ["ACCOUNTS_READ", "CUSTOMERS_PERSONAL_ADITTIONALINFO_READ"]},
}
# The row of the table, the token, and what comes back.
ROWS = [
    ("consent-absent", "nobody-knows-this-one", 401, "UNAUTHORIZED"),
    ("consent-awaiting", "awaiting", 401, "UNAUTHORIZED"),
    ("consent-rejected", "rejected", 401, "UNAUTHORIZED"),
    ("consent-revoked", "revoked", 401, "UNAUTHORIZED"),
    ("consent-revoked", "consumed", 401, "UNAUTHORIZED"),
    ("consent-expired", "expired", 401, "UNAUTHORIZED"),
    ("consent-expired", "said-expired", 401, "UNAUTHORIZED"),
    ("kind-wrong", f"c-{FIRM}", 403, "FORBIDDEN"),
    ("permission-missing", "no-permission", 403, "FORBIDDEN"),
    ("joint-approval-pending", "pending", 403, PENDING_CODE),
    ("joint-approval-refused", "refused", 403, ENDED_CODE),
    ("customer-unknown", f"c-{UNKNOWN}", 404, "NOT_FOUND"),
    ("customer-blocked", f"c-{BLOCKED}", 403, BLOCKED_CODE),
    ("relationship-ended", f"c-{ENDED}", 403, ENDED_CODE),
    (
        "relationship-ended",
        f"c-{GONE}",
        403,
        ENDED_CODE,
    ),  # withdrawn or purged: nothing is served, the state stays
    ("document-absent", f"c-{REFUSED}", 404, "NOT_FOUND"),
    ("document-stale", f"c-{STALE}", 200, None),
    ("served", "approved", 200, None),
    ("served", f"c-{ANA}", 200, None),
]


@pytest.fixture
def served(any_database: str, tmp_path: Path) -> Iterator[Api]:
    bank.made(any_database, tmp_path)
    bank.take_over(
        any_database, tmp_path, *(consent(name, ANA, "F", **facts) for name, facts in CONSENTS.items())
    )
    with bank.api(any_database) as started:
        yield started


@pytest.fixture(scope="module")
def unchanging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Serve a bank that no test changes."""
    folder = tmp_path_factory.mktemp("bank")
    url = f"sqlite:///{folder / 'cadastra.db'}"
    bank.made(url, folder)
    with bank.api(url) as started:
        yield started


def counted(served: Api, scenario: str) -> bool:
    """Say whether the metrics counted an answer of this row."""
    lines = served.send("/metrics").text.splitlines()
    return any(f'scenario="{scenario}"' in line and "answers_total" in line for line in lines)


def test_every_row_of_the_table(served: Api) -> None:
    table = tomllib.loads((ROOT / "api" / "scenarios.toml").read_text(encoding="utf-8"))
    assert {row["id"] for row in table["scenario"]} == {row[0] for row in ROWS}
    for scenario, token, status, code in ROWS:
        response = served.ask(PERSONAL, token)
        assert (scenario, token, response.status_code) == (scenario, token, status)
        assert response.headers["x-fapi-interaction-id"] == INTERACTION_ID
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        if code is not None:
            (error,) = response.json()["errors"]
            assert (scenario, error["code"]) == (scenario, code)
            assert error["title"]
            assert error["detail"]
        assert counted(served, scenario)


def test_no_token_is_no_consent(served: Api) -> None:
    for bad in (None, "", " ", "two words", "ção"):
        given = {} if bad is None else {"Authorization": f"Bearer {bad}".encode()}
        response = served.ask(PERSONAL, headers=given)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    assert served.ask(PERSONAL, headers={"Authorization": f"Basic c-{ANA}"}).status_code == 401


def test_each_resource_asks_for_its_permission(served: Api, any_database: str, tmp_path: Path) -> None:
    every = {permission_of(each) for each in STRUCTURES}
    consents = [
        consent(
            f"{name}-{structure.name}",
            {"F": ANA, "J": FIRM}[structure.kind],
            structure.kind,
            permissions=given,
        )
        for structure in STRUCTURES
        for name, given in (
            ("only", [permission_of(structure)]),
            ("others", sorted(every - {permission_of(structure)})),
        )
    ]
    bank.take_over(any_database, tmp_path, *consents)
    for structure in STRUCTURES:
        assert served.send(path_of(structure), f"only-{structure.name}").status_code == 200
        refused = served.send(path_of(structure), f"others-{structure.name}")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "FORBIDDEN")


def test_the_permissions_are_those_of_the_standard() -> None:
    assert {structure.name: permission_of(structure) for structure in STRUCTURES} == {
        "personal_identifications": "CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ",
        "business_identifications": "CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ",
        "personal_qualifications": "CUSTOMERS_PERSONAL_ADITTIONALINFO_READ",
        "business_qualifications": "CUSTOMERS_BUSINESS_ADITTIONALINFO_READ",
        "personal_financial_relations": "CUSTOMERS_PERSONAL_ADITTIONALINFO_READ",
        "business_financial_relations": "CUSTOMERS_BUSINESS_ADITTIONALINFO_READ",
    }


def test_documents_pass_through_byte_for_byte(served: Api) -> None:
    for tax_id in (ANA, FIRM):
        for row in bank.document_rows("first", [tax_id]):
            structure = BY_NAME[row["structure"]]
            body = served.send(path_of(structure), f"c-{tax_id}").content
            data = row["document"].encode()
            assert (
                b'{"data":[' + data + b"]," if structure.grain == "register" else b'{"data":' + data
            ) in body
            answer = json.loads(body)
            assert set(answer) == {"data", "links", "meta"}
            assert answer["links"] == {"self": f"http://bank.example{path_of(structure)}"}
            assert set(answer["meta"]) == {"requestDateTime"}
            assert len(answer["meta"]["requestDateTime"]) == 20


def pages(served: Api, query: str) -> tuple[list[str], dict[str, str]]:
    answer = served.ask(f"{PERSONAL}?{query}", f"c-{TRIO}").json()
    return [record["register"] for record in answer["data"]], answer["links"]


def test_three_registers_come_in_pages_in_order_of_core_key(served: Api) -> None:
    address = f"http://bank.example{PREFIX}{PERSONAL}"
    keys, links = pages(served, "")
    assert (keys, set(links)) == (["T-1", "T-B", "T-a"], {"self"})
    assert pages(served, "page-size=3")[0] == ["T-1", "T-B", "T-a"]

    first, links = pages(served, "page-size=1")
    assert (first, set(links)) == (["T-1"], {"self", "next", "last"})
    assert links["self"] == f"{address}?page-size=1"
    seen = list(first)
    following = [links["next"]]
    while following:
        answer = served.send(following.pop(), f"c-{TRIO}").json()
        seen += [record["register"] for record in answer["data"]]
        following = [answer["links"]["next"]] if "next" in answer["links"] else []
    assert seen == ["T-1", "T-B", "T-a"]

    assert pages(served, "page=2&page-size=2")[0] == ["T-a"]
    assert set(pages(served, "page=2&page-size=1")[1]) == {"self", "first", "prev", "next", "last"}
    assert set(pages(served, "page=3&page-size=1")[1]) == {"self", "first", "prev"}
    assert "pagination-key=mine" in pages(served, "page=2&page-size=1&pagination-key=mine")[1]["next"]
    assert pages(served, "page-size=2")[1]["last"].startswith(f"{address}?page=2&page-size=2&pagination-key=")


@pytest.mark.parametrize(("query", "status"), [
    ("page=4&page-size=1", 422), ("page=2147483647&page-size=1000", 422), ("page=2", 422), ("page=0", 400), ("page=-1", 400), ("page=2147483648", 400),
    ("page=x", 400), ("page=", 400), ("page=1.0", 400), ("page-size=0", 400), ("page-size=1001", 400), ("page=1&page=2", 400), ("page=%D9%A1", 400),
    ("pagination-key=" + "k" * 2049, 400), ("pagination-key=" + "k" * 2048, 200), ("page-size=1000", 200), ("page=1&unknown=2", 200), ("page=%00", 400),
])  # fmt: skip
def test_pages_that_are_none(query: str, status: int, unchanging: Api) -> None:
    response = unchanging.ask(f"{PERSONAL}?{query}", f"c-{TRIO}")
    assert response.status_code == status
    if status == 200:
        assert all(len(link) <= 2000 for link in response.json()["links"].values())
    else:
        assert (
            response.json()["errors"][0]["code"] == {400: "INVALID_PARAMETER", 422: "PAGE_NOT_FOUND"}[status]
        )


def test_the_other_set_of_codes_is_a_setting(sqlite_url: str, tmp_path: Path) -> None:
    bank.made(sqlite_url, tmp_path)
    with bank.api(sqlite_url, codes="status_resource") as started:
        answer = started.ask(PERSONAL, f"c-{BLOCKED}").json()
    assert answer["errors"][0]["code"] == "STATUS_RESOURCE_TEMPORARILY_UNAVAILABLE"
    assert answer["errors"][0]["title"] == "Recurso temporariamente indisponível"
    with pytest.raises(UsageError, match="CADASTRA_API_CODES"):
        load_scenarios("other")


def test_a_table_that_names_no_such_fact_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "api" / "scenarios.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace('document = ["STALE"]', 'document = ["OLD"]'), encoding="utf-8")
    with pytest.raises(UsageError, match="document"):
        load_scenarios("status", own)


def test_questions_at_the_same_time_get_their_own_answers(served: Api) -> None:
    people = {f"c-{ANA}": 200, f"c-{BLOCKED}": 403, "nobody": 401, f"c-{TRIO}": 200, f"c-{UNKNOWN}": 404}
    asked = [(PERSONAL, token) for token in people] * 20
    for (_, token), response in zip(asked, served.together(asked), strict=True):
        assert response.status_code == people[token]
        if token == f"c-{TRIO}":
            assert [record["register"] for record in response.json()["data"]] == ["T-1", "T-B", "T-a"]
        if token == f"c-{ANA}":
            assert [record["register"] for record in response.json()["data"]] == [f"K-{ANA}"]


def test_questions_about_all_structures_at_the_same_time(served: Api) -> None:
    asked = [
        (structure, tax_id) for structure in STRUCTURES for tax_id in (ANA, TRIO, FIRM, UNKNOWN, BLOCKED)
    ] * 5
    answers = served.together(
        [(path_of(structure).removeprefix(PREFIX), f"c-{tax_id}") for structure, tax_id in asked]
    )
    for (structure, tax_id), answer in zip(asked, answers, strict=True):
        if bank.kind_of(tax_id) != structure.kind:
            assert answer.status_code == 403
        elif tax_id in {ANA, TRIO, FIRM}:
            data = answer.json()["data"]
            told = data if isinstance(data, list) else [data]
            assert {record["structure"] for record in told} == {structure.name}
            expected = bank.registers_of(tax_id)[: None if structure.grain == "register" else 1]
            assert [record["register"] for record in told] == expected
        else:
            assert answer.status_code == {UNKNOWN: 404, BLOCKED: 403}[tax_id]


def test_what_is_published_is_seen_by_the_next_request_and_nothing_is_held(
    served: Api, any_database: str
) -> None:
    with open_store(any_database) as store:
        for batch in ("third", "fourth"):
            bank.publish(store, batch, [ANA, TRIO], {})
            answers = served.together([(PERSONAL, f"c-{TRIO}"), (PERSONAL, f"c-{ANA}")] * 3)
            records = [record for answer in answers for record in answer.json()["data"]]
            assert {record["batch"] for record in records} == {batch}
    if any_database.startswith("sqlite"):
        with closing(sqlite3.connect(any_database.removeprefix("sqlite:///"))) as connection:
            # A reader that still looks at an old state would keep the log from being emptied: 1 in place of 0.
            assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_whoever_is_withdrawn_and_purged_is_403_and_whoever_is_erased_has_no_consent(
    any_database: str, tmp_path: Path
) -> None:
    bank.made(any_database, tmp_path)
    with open_store(any_database) as store, bank.api(any_database) as started:
        bank.publish(store, "left", [TRIO], {ANA: "UNAVAILABLE"})
        assert started.ask(PERSONAL, f"c-{ANA}").json()["errors"][0]["code"] == ENDED_CODE
        with hold(store, "purge"):
            assert purge(store, 0)["documents"] > 0
        assert started.ask(PERSONAL, f"c-{ANA}").json()["errors"][0]["code"] == ENDED_CODE
        assert started.ask(PERSONAL, f"c-{TRIO}").status_code == 200
        with hold(store, "erase"):
            named = registers_of(store, TRIO)
            erase(store, Person("t", TRIO, list(named), list(named.values()), (), [f"p-{TRIO}"]))
        assert started.ask(PERSONAL, f"c-{TRIO}").status_code == 401
        bank.take_over(any_database, tmp_path, consent(f"c-{TRIO}", TRIO, "F"))
        assert started.ask(PERSONAL, f"c-{TRIO}").status_code == 404
