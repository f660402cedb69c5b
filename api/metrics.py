"""What the API counts, as OpenMetrics: time per endpoint, answers per scenario, the age of what is served."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from api.exchange import Exchange

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode()
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
# Workers write what they count to files of this folder, and whichever is asked adds them up.
MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The counts of one process, or of all workers where they share a folder."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "cadastra_api_request_seconds",
            "Time from the request's head to the answer.",
            ("endpoint",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._answers = Counter(
            "cadastra_api_answers",
            "Answers by endpoint, HTTP status and row of the table of scenarios.",
            ("endpoint", "status", "scenario"),
            registry=self._registry,
        )
        self._age = Gauge(
            "cadastra_api_published_age_seconds",
            "Time since a run was last published.",
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self._children: dict[tuple[str, int, str], tuple[Histogram, Counter]] = {}

    def count(self, exchange: Exchange, seconds: float) -> None:
        """Count one answer."""
        key = (exchange.endpoint, exchange.status, exchange.scenario)
        children = self._children.get(key)
        if children is None:
            children = (self._seconds.labels(key[0]), self._answers.labels(*map(str, key)))
            self._children[key] = children
        children[0].observe(seconds)
        children[1].inc()

    def exposition(self, age: float | None) -> bytes:
        """Write everything counted so far, and the age where it is known."""
        if age is not None:
            self._age.set(age)
        if os.environ.get(MULTIPROCESS_DIR):
            shared = CollectorRegistry()
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
            return bytes(generate_latest(shared))  # type: ignore[no-untyped-call]
        return bytes(generate_latest(self._registry))  # type: ignore[no-untyped-call]
