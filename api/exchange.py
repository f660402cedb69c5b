"""One request and its answer: what was asked, who asked under which id, and what goes back."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

if TYPE_CHECKING:
    from starlette.types import Scope, Send

    from api.scenarios import Pairs, Scenario

KEY: Final = "cadastra.exchange"
JSON: Final = b"application/json; charset=utf-8"
_UUID = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_SAFE: Final = (
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)


class Refused(Exception):
    """End a request with one of the answers of the table; ``parameter`` names what the detail is about."""

    def __init__(self, answer: str, parameter: str | None = None, scenario: Scenario | None = None) -> None:
        super().__init__(answer)
        self.answer, self.parameter, self.scenario = answer, parameter, scenario


class Exchange:
    """One request on its way through the layers. ``given`` says that its interaction id came with it."""

    __slots__ = ("endpoint", "given", "headers", "interaction_id", "scenario", "status")

    def __init__(self, scope: Scope) -> None:
        pairs = scope["headers"]
        self.headers: dict[bytes, bytes] = dict(pairs)
        if len(self.headers) != len(pairs):
            self._forget_repeated(pairs)
        interaction_id = self.headers.get(b"x-fapi-interaction-id", b"")
        self.given = _UUID.fullmatch(interaction_id) is not None
        self.interaction_id = interaction_id if self.given else str(uuid4()).encode()
        self.endpoint, self.scenario, self.status = "none", "none", 0

    def _forget_repeated(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Leave out credentials and ids that come twice: the gateway may have looked at the other one."""
        names = [name for name, _ in pairs]
        for name in (b"authorization", b"x-fapi-interaction-id"):
            if names.count(name) > 1:
                del self.headers[name]

    async def reply(
        self, send: Send, status: int, body: bytes, *, kind: bytes = JSON, more: Pairs = ()
    ) -> None:
        """Send the whole answer."""
        self.status = status
        headers: Any = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(body)),
            (b"x-fapi-interaction-id", self.interaction_id),
            *_SAFE,
            *more,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_last: tuple[int, bytes] = (0, b"")


def moment() -> bytes:
    """Return the present second as UTC text."""
    global _last  # noqa: PLW0603 - a second's text serves all requests of that second
    now = int(time.time())
    if now != _last[0]:
        _last = (now, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)).encode())
    return _last[1]
