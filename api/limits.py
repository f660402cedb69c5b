"""How much one request may bring, and how many of them there may be."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from api.exchange import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from api.exchange import Exchange
    from api.settings import ApiSettings

_MOST_CLIENTS = 10_000
_BETWEEN = 4  # the colon, the blank and the line's end around a header


class Buckets:
    """One token bucket per client; the one unused for longest makes room for the ten-thousand-and-first."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._levels: OrderedDict[bytes | str, tuple[float, float]] = OrderedDict()

    def take(self, client: bytes | str) -> bool:
        """Take one token of a client; say whether there was one."""
        now = self._clock()
        level, before = self._levels.get(client, (self._burst, now))
        level = min(self._burst, level + (now - before) * self._rate)
        granted = level >= 1
        self._levels[client] = (level - 1 if granted else level, now)
        self._levels.move_to_end(client)
        if len(self._levels) > _MOST_CLIENTS:
            self._levels.popitem(last=False)
        return granted


class Limits:
    """Refuse a request that is too large, or one too many."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._buckets = (
            Buckets(settings.rate_per_second, settings.rate_burst) if settings.rate_per_second else None
        )
        self._client_header = (settings.client_header or "").lower().encode()

    def check(self, scope: Scope, exchange: Exchange, under_way: int) -> None:
        """Refuse the request where a limit is passed; ``under_way`` counts it among those being answered."""
        if self._buckets is not None and not self._buckets.take(self._client(scope, exchange)):
            raise Refused("too-many-requests")
        if under_way > self._settings.most_at_once:
            raise Refused("overloaded")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > self._settings.uri_bytes:
            raise Refused("uri-too-long")
        if (
            sum(len(name) + len(value) + _BETWEEN for name, value in scope["headers"])
            > self._settings.header_bytes
        ):
            raise Refused("headers-too-large")
        length = exchange.headers.get(b"content-length")
        if length is not None and (not length.isdigit() or int(length[:20]) > self._settings.body_bytes):
            raise Refused("body-too-large")

    def _client(self, scope: Scope, exchange: Exchange) -> bytes | str:
        named = exchange.headers.get(self._client_header)
        if named:
            return named[:256]
        return str(scope["client"][0]) if scope.get("client") else ""
