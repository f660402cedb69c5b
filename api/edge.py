"""The outermost layer: limits, the one place where errors become answers, metrics. Nothing gets past it."""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import TYPE_CHECKING

import structlog

from api.consents import SourceUnavailable
from api.exchange import KEY, Exchange, Refused, moment
from api.health import OPEN_PATHS
from sql.reading import DatabaseUnavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.limits import Limits
    from api.metrics import Metrics
    from api.scenarios import Scenarios

log = structlog.get_logger("cadastra.api")


class Edge:
    """Let requests through to the endpoints, and answers out, whatever happens in between."""

    def __init__(
        self, app: ASGIApp, scenarios: Scenarios, limits: Limits, metrics: Metrics, seconds: float
    ) -> None:
        self._app, self._scenarios, self._limits = app, scenarios, limits
        self._metrics, self._seconds = metrics, seconds
        self._under_way = 0
        self.access_log = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = scope[KEY] = Exchange(scope)
        self._under_way += 1
        try:
            await self._answered(scope, receive, send)
        finally:
            self._under_way -= 1
        if exchange.endpoint != "operation":
            seconds = time.perf_counter() - began
            self._metrics.count(exchange, seconds)
            if self.access_log:
                _tell("request", exchange, milliseconds=round(seconds * 1000, 2))

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope[KEY]
        try:
            if scope["path"] not in OPEN_PATHS:
                self._limits.check(scope, exchange, self._under_way)
            async with asyncio.timeout(self._seconds):
                await self._app(scope, receive, send)
        except Refused as refusal:
            await self._refuse(exchange, send, refusal)
        except TimeoutError:
            _tell("too late", exchange)
            await self._refuse(exchange, send, Refused("timeout"))
        except SourceUnavailable as problem:
            _tell("no source of consents", exchange, problem=str(problem))
            await self._refuse(exchange, send, Refused("timeout"))
        except DatabaseUnavailable as problem:
            _tell("no database", exchange, problem=str(problem))
            await self._refuse(exchange, send, Refused("internal-error"))
        except Exception as defect:  # noqa: BLE001 - the last place: whatever comes here is a defect of this program
            # The text of an unforeseen error may quote a customer's value: say where it happened, not what it says.
            places = [
                f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(defect.__traceback__)
            ]
            _tell("defect", exchange, problem=type(defect).__name__, places=places[-6:])
            await self._refuse(exchange, send, Refused("internal-error"))

    async def _refuse(self, exchange: Exchange, send: Send, refusal: Refused) -> None:
        if exchange.status:
            return  # the answer had begun: the server ends the connection
        answer = self._scenarios.answers[refusal.answer]
        exchange.scenario = refusal.scenario.name if refusal.scenario else answer.name
        body = answer.body(moment(), refusal.parameter)
        await exchange.reply(send, answer.status, body, more=answer.headers)


def _tell(event: str, exchange: Exchange, **facts: object) -> None:
    """Log one event. What the client sent stays out, but for an id that is a UUID."""
    log.info(
        event,
        endpoint=exchange.endpoint,
        status=exchange.status,
        scenario=exchange.scenario,
        interaction_id=exchange.interaction_id.decode("ascii"),
        **facts,
    )
