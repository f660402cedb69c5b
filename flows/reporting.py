"""How a run speaks to a person and to a machine: lines on standard error, JSON on standard output."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.pipeline import Report

MOST_RULES = 10
WIDTH = 120
# The counts of a structure, and what the closing table calls them where there is no room.
COUNTS = {
    "read": "read",
    "published_new": "new",
    "published_changed": "changed",
    "unchanged": "same",
    "rejected_stale": "rejected, stale",
    "rejected_unserved": "rejected, unserved",
    "excluded": "excluded",
    "withdrawn": "withdrawn",
}


def say(message: str) -> None:
    """Tell the operator something, away from standard output, which is for JSON."""
    sys.stderr.write(f"{message}\n")


def show_json(data: object) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")


def as_data(report: Report) -> dict[str, Any]:
    """Return a report as plain data."""
    data = asdict(report)
    for tally in data["tallies"].values():
        tally["excluded_reasons"] = tally["excluded"]
        tally["excluded"] = sum(tally["excluded"].values())
    data["structures"] = data.pop("tallies")
    return data


def count_rows(report: Report) -> list[dict[str, Any]]:
    """Return the closing table: one row per structure."""
    structures = as_data(report)["structures"]
    return [
        {"structure": name, **{count: tally[count] for count in COUNTS}} for name, tally in structures.items()
    ]


def person() -> Any:  # noqa: ANN401 (rich is imported where it is used)
    """Return the console that a person reads: standard error, wide enough for the tables where it is no terminal."""
    from rich.console import Console  # noqa: PLC0415 (only a person needs it)

    return Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH)
