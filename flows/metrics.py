"""What a run came to as OpenMetrics, in a file for the bank's collector.

Gauges only, so that collectors of Prometheus' older text format read it, too. The file is replaced whole. The time of
the last success outlives the runs that fail after it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.observing import Ended
    from flows.outcome import Report

LAST_SUCCESS = "cadastra_last_success_timestamp_seconds"
_OUTCOMES = (
    "published_new",
    "published_changed",
    "unchanged",
    "rejected_stale",
    "rejected_unserved",
    "withdrawn",
)


@dataclass(frozen=True, slots=True)
class MetricsFile:
    """Where metrics go; ``say`` hears when they cannot be written."""

    path: Path
    say: Callable[[str], None]

    def ended(self, ended: Ended) -> None:
        """Write what a run came to."""
        try:
            _replace(self.path, metrics(ended, last_success=_last_success(self.path)))
        except OSError as problem:
            self.say(f"warning: the metrics cannot be written to {self.path}: {problem.strerror}")


def metrics(ended: Ended, *, last_success: float | None = None) -> bytes:
    """Write the exposition of one run."""
    registry = CollectorRegistry()
    report = ended.report
    state = "failed" if report is None else report.state
    labels = {"run_id": ended.run_id, "flow": ended.flow, "core": ended.core, "state": state}
    _gauge(registry, "cadastra_run", "The last run: always 1.", *labels).labels(**labels).set(1)
    now = time.time()
    _gauge(registry, "cadastra_last_run_timestamp_seconds", "When the last run ended, however it did.").set(
        now
    )
    succeeded = now if state == "published" else last_success
    if succeeded is not None:
        _gauge(registry, LAST_SUCCESS, "When a run was last published.").set(succeeded)
    if report is not None:
        _add(registry, report)
    return bytes(generate_latest(registry))  # type: ignore[no-untyped-call]


def _add(registry: CollectorRegistry, report: Report) -> None:
    read = _gauge(registry, "cadastra_registers_read", "Registers read.", "structure")
    documents = _gauge(
        registry, "cadastra_documents", "Documents by what became of them.", "structure", "outcome"
    )
    excluded = _gauge(
        registry, "cadastra_registers_excluded", "Registers without one.", "structure", "reason"
    )
    for structure, tally in report.tallies.items():
        read.labels(structure).set(tally.read)
        for outcome in _OUTCOMES:
            documents.labels(structure, outcome).set(getattr(tally, outcome))
        for reason, count in tally.excluded.items():
            excluded.labels(structure, reason).set(count)
    orphans = _gauge(registry, "cadastra_orphan_rows", "Rows of no customer.", "file")
    for file, count in report.orphans.items():
        orphans.labels(file).set(count)
    seconds = _gauge(registry, "cadastra_stage_seconds", "Wall time by stage.", "stage")
    for stage, spent in report.seconds.items():
        seconds.labels(stage).set(spent)
    failures = _gauge(
        registry, "cadastra_rule_failures", "Failures by rule.", "structure", "rule", "severity"
    )
    for rule in report.rules:  # one row for each xpath
        failures.labels(rule["structure"], rule["rule"], rule["severity"]).inc(rule["failed"])
    _add_freshness(registry, report)


def _add_freshness(registry: CollectorRegistry, report: Report) -> None:
    waited = _gauge(
        registry,
        "cadastra_freshness_seconds",
        "From the core's change to being served.",
        "structure",
        "quantile",
    )
    within = _gauge(registry, "cadastra_freshness_within_60_minutes", "Share of 1.", "structure")
    for row in report.freshness:
        for quantile, name in (("0.5", "p50"), ("0.95", "p95"), ("1", "max")):
            waited.labels(row["structure"], quantile).set(row[f"{name}_seconds"])
        within.labels(row["structure"]).set(row["share_within_60_minutes"])


def _gauge(registry: CollectorRegistry, name: str, says: str, *labels: str) -> Gauge:
    return Gauge(name, says, labels, registry=registry)


def _last_success(path: Path) -> float | None:
    """Read it from the file of the run before; None where there is none, or it is not ours."""
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))  # type: ignore[no-untyped-call]
    except (FileNotFoundError, ValueError):
        return None
    found = [family.samples[0].value for family in families if family.name == LAST_SUCCESS and family.samples]
    return float(found[0]) if found else None


def _replace(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
    try:
        Path(file.name).chmod(0o644)  # a collector runs as somebody else
        Path(file.name).replace(path)
    except OSError:
        Path(file.name).unlink()
        raise
