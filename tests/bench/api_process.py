"""Measure what the Customers API computes for a request, without server, network and client.

``python -m tests.bench.api_process``: where other programs use the machine, this tells more than requests per second.
The API over the database and over a constant of the same size take turns at blocks of requests; the least of the
blocks is what a request costs while nobody disturbs. Prints Markdown.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

from api.app import create_app
from api.settings import ApiSettings
from sql.reading import open_reader
from tests import servers
from tests.api_server import INTERACTION_ID, PREFIX, paths
from tests.bench.api_load import published, say
from tests.bench.constant import ConstantReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Scope

BLOCK, BLOCKS = 400, 40
HEADINGS = """| database | at once | constant: least µs | median | API: least µs | median |
|---|---|---|---|---|---|"""


def scopes(consents: list[tuple[str, str]]) -> Iterator[Scope]:
    """Yield requests without end: one structure after the other of people drawn at random."""
    draw = random.Random(7)
    asked = [(name, path) for name, kind in consents for path in paths(kind)]
    while True:
        draw.shuffle(asked)
        for name, path in asked:
            yield {
                "type": "http", "method": "GET", "scheme": "http", "path": PREFIX + path, "raw_path": (PREFIX + path).encode(),
                "root_path": "", "query_string": b"", "client": ("127.0.0.1", 1), "state": {},
                "headers": [
                    (b"host", b"localhost"), (b"accept", b"application/json"),
                    (b"x-fapi-interaction-id", INTERACTION_ID.encode()), (b"authorization", f"Bearer {name}".encode()),
                ],
            }  # fmt: skip


async def block(app: ASGIApp, asked: Iterator[Scope], at_once: int) -> float:
    """Return the microseconds that this thread computed for each request of a block."""
    waiting = [next(asked) for _ in range(BLOCK)]
    statuses = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("no resource reads a body")

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's own
        if "status" in message:
            statuses.append(message["status"])

    async def ask() -> None:
        while waiting:
            await asyncio.create_task(app(waiting.pop(), receive, send))  # type: ignore[arg-type] # a coroutine

    began = time.thread_time()
    await asyncio.gather(*(ask() for _ in range(at_once)))
    computed = time.thread_time() - began
    assert statuses == [200] * BLOCK
    return 1e6 * computed / BLOCK


async def measure(name: str, database: str, consents: list[tuple[str, str]]) -> None:
    """Print one line for each number of requests at once."""
    settings = ApiSettings(CADASTRA_DATABASE_URL=database, rate_per_second=0)
    reader = open_reader(database, settings.version, seconds=30, connections=settings.connections)
    await reader.open()
    apps = {"constant": create_app(settings, ConstantReader()), "API": create_app(settings, reader)}
    asked = scopes(consents)
    for at_once in (1, 8, 32):
        costs: dict[str, list[float]] = {each: [] for each in apps}
        for _ in range(BLOCKS):
            for each, app in apps.items():
                costs[each].append(await block(app, asked, at_once))
        cells = (f"{min(some):.0f} | {statistics.median(some):.0f}" for some in costs.values())
        say(f"| {name} | {at_once} | {' | '.join(cells)} |")
    await reader.close()


def main() -> None:
    """Measure on SQLite, and on PostgreSQL where there is one."""
    programs = servers.installed_programs() or servers.wheel_programs()
    say(HEADINGS)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        databases = {"SQLite": f"sqlite:///{folder}/cadastra.db"}
        if programs is not None:
            databases["PostgreSQL"] = stack.enter_context(servers.running(programs))
        for name, database in databases.items():
            own = Path(folder) / name
            own.mkdir()
            uvloop.run(measure(name, database, published(own, database, 2000)))


if __name__ == "__main__":
    main()
