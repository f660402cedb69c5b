"""Measure the Customers API from a second process on loopback: ``python -m tests.bench.api_load [--short]``.

In one run and by turns: the API on a published sample, the same server over a reader that returns a constant of the
same size, and a bare Starlette route. Then half load, and half load while ten runs are published. Prints Markdown.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mappings.cores.reference.sample import write_sample
from sql.consents import import_consents
from sql.store import open_store
from tests import servers
from tests.api_server import (
    INTERACTION_ID,
    PREFIX,
    ROOT,
    Served,
    consent,
    paths,
    people,
    running,
    serving,
    write_lines,
)
from tests.bench.load import Outcome, load
from tests.bench.measure import ServerClock

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_DAY = date(2026, 11, 1)
SECRET = "an invented secret that only the benchmark uses"
MANY = 1_000_000


def published(folder: Path, database: str, customers: int) -> list[tuple[str, str]]:
    """Publish a sample with a consent for everybody; return the consents with their kind."""
    write_sample(folder / "day0", customers=customers, seed=1, date=FIRST_DAY)
    publish([folder / "day0"], database).wait()
    known = [
        (f"{row['kind']}-{number}", str(row["kind"]), str(row["tax_id"]))
        for number, row in enumerate(people(database))
    ]
    lines = [consent(name, tax_id, kind, expires_at="2099-01-01T00:00:00Z") for name, kind, tax_id in known]
    import_consents(database, write_lines(folder / "consents.jsonl", lines), "2026-11-21T00:00:00Z")
    return [(name, kind) for name, kind, _ in known]


def publish(exports: list[Path], database: str) -> subprocess.Popen[bytes]:
    """Publish exports one after the other, in a process of its own."""
    script = (
        "import sys; from flows.cli import app\n"
        "for export in sys.argv[2:]:\n"
        "    app(['run', '--export', export, '--database', sys.argv[1], '--quiet'], standalone_mode=False)\n"
    )
    command = [sys.executable, "-c", script, database, *map(str, exports)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "CADASTRA_SECRET": SECRET, "CADASTRA_BREAKER": "off"}
    )


def requests(consents: list[tuple[str, str]]) -> Iterator[bytes]:
    """Yield requests for one structure after the other of people drawn at random."""
    draw = random.Random(7)
    heads = [
        f"GET {PREFIX}{path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"x-fapi-interaction-id: {INTERACTION_ID}\r\nAuthorization: Bearer {name}\r\n\r\n".encode()
        for name, kind in consents
        for path in paths(kind)
    ]
    draw.shuffle(heads)
    return itertools.cycle(heads)


def mean_bytes(database: str) -> int:
    """Return how long the documents being served are on average."""
    views = ("identifications", "qualifications", "financial_relations")
    union = " UNION ALL ".join(
        f"SELECT document FROM {side}_{view}" for side in ("personal", "business") for view in views
    )
    with open_store(database) as store:
        return round(
            float(str(store.query(f"SELECT AVG(LENGTH(document)) AS mean FROM ({union}) AS d")[0]["mean"]))
        )


@contextmanager
def constant_servers(folder: Path, size: int) -> Iterator[dict[str, Served]]:
    """Run the two servers of ``tests.bench.constant``."""
    with ExitStack() as stack:
        found = {}
        for name in ("same_server", "bare"):
            port = servers.free_port()
            options = ["--port", str(port), "--no-access-log", "--log-level", "warning", "--ws", "none"]
            options += ["--http", "api.connection:Bounded"]
            command = [
                sys.executable,
                "-m",
                "uvicorn",
                f"tests.bench.constant:{name}",
                *options,
                "--no-proxy-headers",
            ]
            environment = {"CADASTRA_BENCH_BYTES": str(size), "CADASTRA_API_RATE_PER_SECOND": str(MANY)}
            found[name] = stack.enter_context(running(command, port, folder / f"{name}.log", environment))
        yield found


@dataclass(frozen=True, slots=True)
class Asking:
    """The requests of a load, and the clock of the database's own processes where it has any."""

    requests: Iterator[bytes]
    clock: ServerClock | None

    def __call__(self, served: Served, seconds: float, rate: float | None = None) -> Outcome:
        """Ask a server, and note how long its process and the database computed meanwhile."""
        before, database = processor_seconds(served), self._database_seconds()
        outcome = load(int(served.url.rpartition(":")[2]), self.requests, seconds, rate=rate)
        outcome.processor = processor_seconds(served) - before
        outcome.database = self._database_seconds() - database
        return outcome

    def _database_seconds(self) -> float:
        return 0.0 if self.clock is None else self.clock.seconds() or 0.0


def processor_seconds(served: Served) -> float:
    """Return how long a process has computed, by the kernel's count."""
    ticks = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def measure(folder: Path, database: str, customers: int, seconds: float, rounds: int, publishes: int) -> None:
    """Measure one database and print what came of it."""
    consents = published(folder, database, customers)
    asking = Asking(requests(consents), None if database.startswith("sqlite") else ServerClock(database))
    limits = {"rate_per_second": MANY, "rate_burst": MANY}
    with (
        constant_servers(folder, mean_bytes(database)) as found,
        serving(database, folder / "api.log", **limits) as api,
    ):
        found["api"] = api
        outcomes: dict[str, list[Outcome]] = {name: [] for name in found}
        for served in found.values():
            asking(served, 1)
        for _ in range(rounds):
            for name, served in found.items():
                outcomes[name].append(asking(served, seconds))
        rates = {name: statistics.median(outcome.rate for outcome in some) for name, some in outcomes.items()}
        for name, some in outcomes.items():
            row(name, sorted(some, key=lambda outcome: outcome.rate)[len(some) // 2])
        shares = ", ".join(f"{rates['api'] / rates[name]:.0%} of {name}" for name in ("same_server", "bare"))
        say(f"\nThe API answers {shares}.\n")
        row("half load", asking(api, seconds * 2, rates["api"] / 2))
        while_publishing(folder, database, api, asking, rates["api"] / 2, publishes)


def while_publishing(
    folder: Path, database: str, api: Served, asking: Asking, rate: float, publishes: int
) -> None:
    """Ask at half load until every delta is published."""
    exports = [folder / f"day{number}" for number in range(publishes + 1)]
    for number in range(1, publishes + 1):
        day = FIRST_DAY + timedelta(days=number)
        write_sample(exports[number], customers=1, seed=number, date=day, delta_of=exports[0], changed=0.05)
    publisher = publish(exports[1:], database)
    total = Outcome()
    while publisher.poll() is None:
        part = asking(api, 1, rate)
        total.latencies += part.latencies
        total.errors += part.errors
        total.seconds += part.seconds
        total.processor += part.processor
        total.database += part.database
    row(f"half load, {publishes} publishes (exit {publisher.returncode})", total)


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def row(name: str, outcome: Outcome) -> None:
    """Print one line of the table."""
    p50, p95, p99 = (f"{outcome.quantile(share):.2f}" for share in (0.5, 0.95, 0.99))
    told = ", ".join(f"{count} of {name}" for name, count in outcome.errors.items()) or "0"
    server, database = (
        1e6 * spent / len(outcome.latencies) for spent in (outcome.processor, outcome.database)
    )
    say(f"| {name} | {outcome.rate:,.0f} | {p50} | {p95} | {p99} | {server:.0f} | {database:.0f} | {told} |")


def main() -> None:
    """Measure on SQLite and on PostgreSQL."""
    parser = argparse.ArgumentParser(prog="tests.bench.api_load")
    parser.add_argument("--short", action="store_true", help="two seconds where it would be minutes")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    chosen = parser.parse_args()
    size = {"customers": 300, "seconds": 1.0, "rounds": 1, "publishes": 2} if chosen.short else FULL
    programs = servers.installed_programs() or servers.wheel_programs()
    for name in ("sqlite", "postgresql"):
        if chosen.only in (None, name):
            with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                say(f"\n{name}\n\n{HEADINGS}")
                if name == "sqlite":
                    database = f"sqlite:///{folder}/cadastra.db"
                elif programs is None:
                    sys.exit("there is no PostgreSQL")
                else:
                    database = stack.enter_context(servers.running(programs))
                measure(Path(folder), database, **size)  # type: ignore[arg-type]


HEADINGS = """| | requests/s | p50 ms | p95 ms | p99 ms | server µs/request | database µs | errors |
|---|---|---|---|---|---|---|---|"""
FULL = {"customers": 2000, "seconds": 3.0, "rounds": 3, "publishes": 10}

if __name__ == "__main__":
    main()
