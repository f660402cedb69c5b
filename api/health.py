"""For whoever runs the API, not for its clients: is it alive, is it ready, what has it counted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.exchange import KEY, Refused
from api.metrics import CONTENT_TYPE
from sql.reading import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from api.exchange import Exchange
    from api.metrics import Metrics
    from sql.reading import Reader

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
_HOUR = 3600
_OK, _UNAVAILABLE = 200, 503


class Operation:
    """Serve one page of the operators', by GET or HEAD only."""

    def __init__(self, page: Callable[[], Awaitable[tuple[int, bytes, bytes]]]) -> None:
        self._page = page

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange: Exchange = scope[KEY]
        exchange.endpoint = "operation"
        if scope["method"] not in {"GET", "HEAD"}:
            raise Refused("method-not-allowed")
        status, kind, body = await self._page()
        await exchange.reply(send, status, body, kind=kind)


class Health:
    """The pages: ``healthz`` (the process answers), ``readyz`` (the database does too), ``metrics``."""

    def __init__(self, reader: Reader, metrics: Metrics, ready_age_hours: float) -> None:
        self._reader, self._metrics, self._hours = reader, metrics, ready_age_hours

    async def healthz(self) -> tuple[int, bytes, bytes]:
        """Say that the process answers."""
        return _OK, b"application/json", b'{"status":"alive"}'

    async def readyz(self) -> tuple[int, bytes, bytes]:
        """Say whether the database answers and how old the last published run is; 503 where it is too old or none."""
        report: dict[str, object] = {"status": "not ready", "database": "unavailable"}
        status = _UNAVAILABLE
        try:
            published = await self._reader.last_published()
        except DatabaseUnavailable:
            published = None
        else:
            report["database"] = "ok"
        if published is not None:
            age = _age(published)
            report |= {"last_published_at": published, "age_seconds": round(age)}
            if not self._hours or age <= self._hours * _HOUR:
                status, report["status"] = _OK, "ready"
        return status, b"application/json", json.dumps(report).encode()

    async def metrics(self) -> tuple[int, bytes, bytes]:
        """Write the metrics; without the age where the database does not answer."""
        try:
            published = await self._reader.last_published()
        except DatabaseUnavailable:
            published = None
        age = None if published is None else _age(published)
        return _OK, CONTENT_TYPE, self._metrics.exposition(age)


def _age(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
