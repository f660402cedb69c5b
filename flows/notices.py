"""Signed notices to a listener of the bank: a run failed, was held, or is past a threshold.

A notice is a POST of JSON with run, structure, rule and counts, never a customer's value. It carries the headers
``Cadastra-Timestamp``, seconds since 1970, and ``Cadastra-Signature``: ``sha256=`` and the hexadecimal HMAC-SHA256, by
the shared secret, of the timestamp, a dot and the body. A listener compares both and refuses an old timestamp.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.settings import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flows.observing import Ended
    from flows.outcome import Report
    from flows.settings import Event

SECONDS = 3.0
PAUSES = (0.5, 1.0)
_MAY_PASS = frozenset({408, 425, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Notices:
    """Where notices go; ``say`` hears of one that could not be delivered. ``pauses`` are those between the attempts."""

    url: str = field(repr=False)  # may hold a token
    secret: str = field(repr=False)
    say: Callable[[str], None]
    events: tuple[Event, ...] = EVENTS
    pauses: tuple[float, ...] = PAUSES

    def ended(self, ended: Ended) -> None:
        """Send what the end of a run calls for."""
        for event, messages in _events(ended):
            if event in self.events:
                self.send(event, {**_run(ended), "messages": messages})

    def send(self, event: str, content: dict[str, Any]) -> bool:
        """Send one notice and say whether it was delivered; it is tried again where that may help."""
        body = json.dumps({"event": event, **content}, ensure_ascii=False).encode()
        problem = ""
        for pause in (*self.pauses, None):
            problem, may_pass = self._post(body)
            if not problem:
                return True
            if pause is None or not may_pass:
                break
            time.sleep(pause)
        self.say(f"warning: the notice of {event} was not delivered: {problem}")
        return False

    def _post(self, body: bytes) -> tuple[str, bool]:
        """Make one attempt; return what went wrong, if anything, and whether it may pass."""
        import httpx  # noqa: PLC0415 (most runs have nothing to tell)

        try:
            answer = httpx.post(self.url, content=body, headers=signed(body, self.secret), timeout=SECONDS)
        except httpx.HTTPError as problem:
            return type(problem).__name__, True  # its words name the listener's address
        return (
            ("", False)
            if answer.is_success
            else (f"HTTP {answer.status_code}", answer.status_code in _MAY_PASS)
        )


def signed(body: bytes, secret: str, moment: float | None = None) -> dict[str, str]:
    """Return the headers of a notice."""
    timestamp = str(int(time.time() if moment is None else moment))
    return {
        "Content-Type": "application/json",
        "Cadastra-Timestamp": timestamp,
        "Cadastra-Signature": f"sha256={signature(body, secret, timestamp)}",
    }


def signature(body: bytes, secret: str, timestamp: str) -> str:
    """Sign a notice.

    >>> signature(b"{}", "shared", "1795305600")[:16]
    'e97e3d2976166b74'
    """
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _events(ended: Ended) -> Iterator[tuple[Event, list[str]]]:
    report = ended.report
    if report is None:
        yield "failure", [ended.problem]
        return
    if report.held:
        yield "held", report.held
    if report.late and ended.flow != "backfill":  # of the past everything is late
        yield "threshold", report.late


def _run(ended: Ended) -> dict[str, Any]:
    report: Report | None = ended.report
    named = {"run_id": ended.run_id, "flow": ended.flow, "core": ended.core}
    if report is None:
        return {**named, "state": "failed"}
    return {
        **named,
        "state": report.state,
        "kind": report.kind,
        "business_date": report.business_date,
        "registers": report.customers,
        "rejected": report.rejected,
    }
