"""The connection: what a client may keep waiting, or send, before there is a request that could be refused."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.settings import load_api_settings

if TYPE_CHECKING:
    import asyncio

# As much as arrives at once is looked at before it is counted.
_AT_ONCE = 262_144


@cache
def _bounds() -> tuple[float, int]:
    """Return how long a request may take to arrive, and how many bytes of it may."""
    settings = load_api_settings()
    return (
        settings.request_seconds,
        _AT_ONCE + settings.uri_bytes + settings.header_bytes + settings.body_bytes,
    )


class Bounded(HttpToolsProtocol):
    """Uvicorn's protocol, but for requests that do not end: it would wait for ever and keep all that comes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*arguments, **named)
        self._seconds, self._most = _bounds()
        self._arrived = 0
        self._since: float | None = None
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; end the connection where a request is too large to be one."""
        super().data_received(data)
        if self._since is not None:
            self._arrived += len(data)
            if self._arrived > self._most:
                self._end("too large")

    def on_message_begin(self) -> None:
        """Count from the first byte of a request."""
        super().on_message_begin()
        self._since, self._arrived = self.loop.time(), 0

    def on_message_complete(self) -> None:
        """Leave what comes next to the limit for idle connections."""
        super().on_message_complete()
        self._since = None

    def _look(self) -> None:
        """End the connection where a request is late; one timer a connection, for one a request would cost more."""
        if self._since is not None and self.loop.time() - self._since > self._seconds:
            self._end("too slow")
        else:
            self._watch = self.loop.call_later(self._seconds / 2, self._look)

    def _end(self, reason: str) -> None:
        self.logger.warning("Request %s: connection closed.", reason)
        self._since = None
        self.transport.close()
