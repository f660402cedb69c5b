"""Put the Customers API together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.routing import Route, Router

from api.consents import source_of
from api.edge import Edge
from api.endpoints import Resource, Service, path_of
from api.exchange import Refused
from api.health import Health, Operation
from api.limits import Limits
from api.metrics import Metrics
from api.scenarios import load_scenarios
from api.settings import load_api_settings
from customers.dictionary import versions
from customers.errors import UsageError
from customers.structures import STRUCTURES
from sql.reading import open_reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

    from api.settings import ApiSettings
    from sql.reading import Reader


def create_app(settings: ApiSettings | None = None, reader: Reader | None = None) -> ASGIApp:
    """Make the ASGI application; without settings, from the environment.

    It starts without waiting for its database and is not ready until that answers. Raise UsageError or
    UnreadableInput where a setting cannot be used.
    """
    settings = settings or load_api_settings()
    if settings.version not in versions():
        message = f"CADASTRA_API_VERSION: no dictionary of that version; known: {', '.join(versions())}"
        raise UsageError(message)
    scenarios = load_scenarios(settings.codes, settings.scenarios)
    reader = reader or open_reader(
        settings.database_url,
        settings.version,
        seconds=settings.database_seconds,
        connections=settings.connections,
    )
    public_url = str(settings.public_url or "").rstrip("/")
    service = Service(reader, source_of(settings, reader), scenarios, public_url)
    metrics = Metrics()
    routes = [Route(path_of(structure), Resource(structure, service)) for structure in STRUCTURES]
    health = Health(reader, metrics, settings.ready_age_hours)
    routes += [
        Route(f"/{page.__name__}", Operation(page))
        for page in (health.healthz, health.readyz, health.metrics)
    ]
    router = Router(routes, redirect_slashes=False, default=_not_found, lifespan=_lifespan(service))
    edge = Edge(router, scenarios, Limits(settings), metrics, settings.request_seconds)
    edge.access_log = settings.access_log
    return edge


def _lifespan(service: Service) -> Lifespan[Any]:
    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        await service.reader.open()
        yield
        await service.source.close()
        await service.reader.close()

    return lifespan


async def _not_found(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise Refused("not-found")
