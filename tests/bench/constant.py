"""Two servers to compare the API with: the API itself over a reader that knows one answer, and almost no server."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from starlette.routing import Route, Router

from api.app import create_app
from api.settings import load_api_settings
from customers.consents import Consent
from customers.structures import STRUCTURES
from sql.reading import Document, Person
from tests.api_server import PREFIX, permissions

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sql.reading import Question

SIZE = int(os.environ.get("CADASTRA_BENCH_BYTES", "1200"))
DOCUMENT = b'{"content":"' + b"x" * (SIZE - 14) + b'"}'
BODY = b'{"data":' + DOCUMENT + b"}" + b" " * 150  # as long as the envelope around a document


class ConstantReader:
    """Answer every question alike, from memory."""

    def __init__(self) -> None:
        allowed = frozenset([*permissions("F"), *permissions("J")])
        self._consents = {
            kind: Consent("c", "1", kind, "AUTHORISED", allowed, "NOT_NEEDED", "2099-01-01T00:00:00Z")
            for kind in "FJ"
        }
        self._person = Person("AVAILABLE", [Document(DOCUMENT, stale=False)], 1)

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def consent(self, consent_id: str) -> Consent | None:
        """Return the consent of the kind that the id begins with."""
        return self._consents[consent_id[0]]

    async def consented(self, _structure: str, consent_id: str, _most: int) -> tuple[Consent | None, Person]:
        """Return both."""
        return self._consents[consent_id[0]], self._person

    async def person(self, _structure: str, _question: Question, *, counted: bool) -> Person:  # noqa: ARG002 - the protocol's
        """Return the one person."""
        return self._person

    async def last_published(self) -> str | None:
        """Return a moment."""
        return "2026-11-20T00:00:00Z"


async def constant(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with a constant, whatever was asked."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


class Constant:
    """An endpoint that Starlette takes for an application of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the constant."""
        await constant(scope, receive, send)


same_server = create_app(load_api_settings(), reader=ConstantReader())
gc.collect()
gc.freeze()  # as ``api.asgi`` does
bare = Router(
    [Route("/healthz", Constant())]
    + [
        Route(f"{PREFIX}/{side}/{structure.subject.replace('_', '-')}", Constant())
        for structure in STRUCTURES
        for side in ("personal", "business")
    ],
    redirect_slashes=False,
)
