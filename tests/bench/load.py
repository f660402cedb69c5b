"""A load generator that costs little: raw HTTP/1.1 on kept connections, closed loop or at a rate."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b"HTTP/1.1 200"


@dataclass(slots=True)
class Outcome:
    """What a load came to; ``latencies`` are seconds, at a rate measured from when the request was due.

    ``processor`` are the seconds that the server's process computed, ``database`` those of PostgreSQL's: they depend
    less than others on who else uses the machine.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    processor: float = 0.0
    database: float = 0.0

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Return a quantile of the latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection(asyncio.Protocol):
    """One kept connection; it asks the next request when it has its answer and, at a rate, when that is due."""

    def __init__(self, requests: Iterator[bytes], outcome: Outcome, until: float, every: float) -> None:
        self._requests, self._outcome, self._until, self._every = requests, outcome, until, every
        self._buffer, self._wanted = b"", 0
        self.done = asyncio.get_running_loop().create_future()
        self._due = time.perf_counter()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._ended:
            self._outcome.errors["connection lost"] += 1
        if not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._wanted:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            length = self._buffer.lower().index(b"content-length:", 0, head)
            self._wanted = head + 4 + int(self._buffer[length + 15 : self._buffer.index(b"\r", length)])
        if len(self._buffer) >= self._wanted:
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        self._outcome.latencies.append(now - self._due)
        if not self._buffer.startswith(OK) or len(self._buffer) != self._wanted:
            self._outcome.errors[self._buffer[9:12].decode("ascii", "replace")] += 1
        self._buffer, self._wanted = b"", 0
        self._due = self._due + self._every if self._every else now
        wait = self._due - now
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._next)
        else:
            self._next()

    def _next(self) -> None:
        if time.perf_counter() >= self._until:
            self._ended = True
            self._transport.close()
            return
        self._transport.write(next(self._requests))


async def _load(
    port: int, requests: Iterator[bytes], seconds: float, connections: int, rate: float | None
) -> Outcome:
    outcome = Outcome()
    began = time.perf_counter()
    every = connections / rate if rate else 0.0
    protocols = []
    for number in range(connections):
        if rate:
            await asyncio.sleep(every / connections if number else 0)
        _, protocol = await asyncio.get_running_loop().create_connection(
            lambda: _Connection(requests, outcome, began + seconds, every), "127.0.0.1", port
        )
        protocols.append(protocol)
    await asyncio.gather(*(protocol.done for protocol in protocols))
    outcome.seconds = time.perf_counter() - began
    return outcome


def load(
    port: int, requests: Iterator[bytes], seconds: float, *, connections: int = 32, rate: float | None = None
) -> Outcome:
    """Ask for some seconds, as fast as the answers come or at a rate (requests per second)."""
    return uvloop.run(_load(port, requests, seconds, connections, rate))
