"""What the benchmark prints: Markdown, figures only."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psycopg

from tests.bench.runners import OURS, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.bench.measure import Measured

_PACKAGES = (
    *("pyarrow", "pandas", "numpy", "great-expectations", "pydantic"),
    *("sqlalchemy", "psycopg", "duckdb", "polars"),
)
_GIBIBYTE_IN_KIB = 1 << 20


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; every column but the first is aligned right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def machine(server: str) -> str:
    """Say on what was measured: cores, memory, versions, date; no names."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / _GIBIBYTE_IN_KIB
    with psycopg.connect(server) as connection:
        postgres = connection.info.parameter_status("server_version")
        fsync = next(iter(connection.execute("SHOW fsync").fetchone() or ("?",)))
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores, {memory:.0f} GiB; "
        f"Python {platform.python_version()}, PostgreSQL {postgres} (fsync {fsync}); {packages}.\n"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def rivals(found: dict[str, list[Measured]], customers: int, same: dict[str, str]) -> str:
    """Return medians by program, each against ours."""
    own = _medians(found[OURS]) if found.get(OURS) else None
    rows = []
    for name, runs in found.items():
        if not runs:
            continue
        wall, client, server, core, peak = _medians(runs)
        against = (
            ("-", "-") if own is None or name == OURS else (f"{wall / own[0]:.2f}", f"{core / own[3]:.2f}")
        )
        rows.append(
            (
                PROGRAMS[name].title,
                str(len(runs)),
                f"{wall:.1f}",
                against[0],
                f"{client:.1f}",
                f"{server:.1f}",
                f"{core:.1f}",
                against[1],
                f"{1e6 * core / customers:.0f}",
                f"{peak:,.0f}",
                same.get(name, "not compared"),
            )
        )
    header = (
        "program",
        "runs",
        "wall s",
        "wall / ours",
        "client CPU s",
        "server CPU s",
        "core-s",
        "core-s / ours",
    )
    return table((*header, "µs core / customer", "peak MB", "documents"), rows)


def _medians(runs: list[Measured]) -> tuple[float, float, float, float, float]:
    return (
        median(run.wall for run in runs),
        median(run.client for run in runs),
        median(run.server or 0.0 for run in runs),
        median(run.core_seconds for run in runs),
        max(run.peak for run in runs),
    )


def stages(reports: list[dict[str, float]]) -> str:
    """Return the median seconds of our run's stages and their shares."""
    names = list(reports[0])
    seconds = {name: median(report.get(name, 0.0) for report in reports) for name in names}
    total = sum(seconds.values())
    return table(
        ("stage of our run", "wall s", "share"),
        [(name, f"{spent:.2f}", f"{spent / total:.0%}") for name, spent in seconds.items()],
    )
