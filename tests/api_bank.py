"""A small serving database for the Customers API, and the API over it in the tests' own process."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx
import pyarrow as pa

from api.app import create_app
from api.settings import ApiSettings
from customers.structures import STRUCTURES
from sql.consents import import_consents
from sql.store import RunStart, Store, open_store
from tests.api_server import PREFIX, consent, headers, write_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

VERSION = "2.2.1"
MOMENT = "2026-11-20T00:00:00Z"
KINDS = {structure.name: structure.kind for structure in STRUCTURES}
# Who is in the bank; eleven or fourteen invented digits.
ANA, TRIO, BLOCKED, ENDED, GONE, REFUSED, STALE = (f"1000000000{digit}" for digit in range(7))
FIRM = "10000000000000"
UNKNOWN = "99999999999"
STATES = {
    ANA: "AVAILABLE",
    TRIO: "AVAILABLE",
    BLOCKED: "TEMPORARILY_UNAVAILABLE",
    ENDED: "UNAVAILABLE",
    GONE: "UNAVAILABLE",
    REFUSED: "AVAILABLE",
    STALE: "AVAILABLE",
    FIRM: "AVAILABLE",
}


def kind_of(tax_id: str) -> str:
    """Return F for eleven digits, J for fourteen."""
    return "F" if len(tax_id) == len(ANA) else "J"


def registers_of(tax_id: str) -> list[str]:
    """Return the core keys of a person; in the order of bytes, ``a`` comes after ``B``."""
    return ["T-1", "T-B", "T-a"] if tax_id == TRIO else [f"K-{tax_id}"]


def document_rows(batch: str, tax_ids: list[str]) -> list[dict[str, str]]:
    """Return a document of each of their structures: its content says structure, register and batch."""
    return [
        {
            "structure": structure.name,
            "version": VERSION,
            "customer_id": f"id-{key}",
            "core_key": key,
            "tax_id": tax_id,
            "content_hash": f"{batch}-{structure.name}-{key}",
            "update_date_time": MOMENT,
            "document": f'{{"structure": "{structure.name}", "register": "{key}", "batch": "{batch}", "é": 1.50}}',
        }
        for tax_id in tax_ids
        for structure in STRUCTURES
        if structure.kind == kind_of(tax_id)
        for key in (registers_of(tax_id) if structure.grain == "register" else registers_of(tax_id)[:1])
    ]


def begun(store: Store, batch: str) -> int:
    """Begin a run."""
    return store.begin_run(
        RunStart(run_id=batch, flow="nightly", core="reference", kind="full", started_at=MOMENT)
    )


def publish(store: Store, batch: str, tax_ids: list[str], states: Mapping[str, str]) -> int:
    """Publish new documents of these people in place of those served, and these states."""
    run_seq = begun(store, batch)
    for structure in STRUCTURES:
        store.retire(run_seq, store.served(structure.name, VERSION).select(["document_id", "opened_run_seq"]))
    store.write_documents(run_seq, pa.Table.from_pylist(document_rows(batch, tax_ids)))
    rows = [
        {
            "person_id": f"p-{tax_id}",
            "tax_id": tax_id,
            "kind": kind_of(tax_id),
            "availability": state,
            "since": MOMENT,
        }
        for tax_id, state in states.items()
    ]
    if rows:
        store.write_customer_states(run_seq, pa.Table.from_pylist(rows))
    store.publish(run_seq, finished_at=MOMENT, counts={})
    return run_seq


def mark_stale(store: Store, batch: str, tax_id: str) -> None:
    """Publish a run that refuses newer documents of a person."""
    run_seq = begun(store, batch)
    rows = [
        {
            "structure": row["structure"],
            "version": VERSION,
            "customer_id": row["customer_id"],
            "since": MOMENT,
        }
        for row in document_rows("", [tax_id])
    ]
    store.mark_stale(run_seq, pa.Table.from_pylist(rows))
    store.publish(run_seq, finished_at=MOMENT, counts={})


def made(database: str, folder: Path) -> None:
    """Publish the bank, with a good consent for everybody named as the person's tax id."""
    with open_store(database) as store:
        publish(store, "first", [ANA, TRIO, BLOCKED, ENDED, STALE, FIRM], STATES)
        mark_stale(store, "second", STALE)
    take_over(
        database, folder, *(consent(f"c-{tax_id}", tax_id, kind_of(tax_id)) for tax_id in (*STATES, UNKNOWN))
    )


def take_over(database: str, folder: Path, *consents: dict[str, object]) -> None:
    """Import consents."""
    outcome = import_consents(database, write_lines(folder / "consents.jsonl", list(consents)), MOMENT)
    assert outcome.refused == ()


class Api:
    """The application, started, and a client that needs no network."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._runner.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._end())
        self._runner.close()

    async def _start(self) -> None:
        self._stop, started = asyncio.Event(), asyncio.Event()
        messages = [{"type": "lifespan.startup"}]

        async def receive() -> dict[str, str]:
            if messages:
                return messages.pop()
            assert self._stop is not None
            await self._stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's own
            assert "failed" not in message["type"], message
            started.set()

        self._life = asyncio.ensure_future(self.app({"type": "lifespan"}, receive, send))
        await started.wait()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://bank.example"
        )

    async def _end(self) -> None:
        assert self._stop is not None
        await self._client.aclose()
        self._stop.set()
        await self._life

    def ask(self, path: str, token: str | None = None, **others: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send a request below the prefix, good but for what is given; ``headers`` add to the good ones."""
        return self.send(f"{PREFIX}{path}", token, **others)

    def send(
        self,
        path: str,
        token: str | None = None,
        *,
        method: str = "GET",
        **others: Any,  # noqa: ANN401 - httpx's own
    ) -> httpx.Response:
        """Send a request to any path."""
        good = {**headers(token or ""), **others.pop("headers", {})}
        if token is None:
            del good["Authorization"]
        kept = {name: value for name, value in good.items() if value is not None}
        return self._runner.run(self._client.request(method, path, headers=kept, **others))

    def together(self, requests: list[tuple[str, str]]) -> list[httpx.Response]:
        """Send requests (path, token) at the same time."""

        async def all_of_them() -> list[httpx.Response]:
            asked = (self._client.get(f"{PREFIX}{path}", headers=headers(token)) for path, token in requests)
            return await asyncio.gather(*asked)

        return self._runner.run(all_of_them())


@contextmanager
def api(database: str, *, reader: Any = None, **settings: Any) -> Iterator[Api]:  # noqa: ANN401 - whatever a setting takes
    """Start the API on a database, or on a reader that fails as a test wants it to."""
    with Api(create_app(ApiSettings(CADASTRA_DATABASE_URL=database, **settings), reader)) as started:
        yield started
