"""Where our own run spends its time: the ten dearest places of one run, by cProfile.

``python -m tests.bench.profile --customers 100000``. Processor seconds of this process, so that a busy machine does not
show; waiting for the server is in the server's own seconds. Imports come before: they cost the same for any export.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import inputs
from tests.bench.inputs import SECRET
from tests.bench.plan import CORE
from tests.bench.runners import ROOT, bench
from tests.bench.tables import machine, table

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGES = ("customers", "expectations", "flows", "mappings", "sql")
_TOP = 10

Place = tuple[str, int, str]


def profiled(export: Path, url: str) -> tuple[pstats.Stats, dict[str, float]]:
    """Run one export in this process under cProfile and return its statistics and the stages' seconds."""
    import great_expectations  # noqa: F401, PLC0415 (so that importing is not profiled)

    from expectations import gx, kinds  # noqa: F401, PLC0415 (so that importing is not profiled)
    from flows.pipeline import Job, Run  # noqa: PLC0415 (as above)

    run = Run(Job(core=CORE, export=export, database_url=url, secret=SECRET))
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    run.extract()
    report = run.execute()
    profile.disable()
    return pstats.Stats(profile), report.seconds


def dearest(stats: pstats.Stats) -> list[tuple[str, float, int, str]]:
    """Return our functions by the time in them and in the libraries that they call themselves: the dearest first.

    A library's time counts for each of our functions that calls it, in the proportion that cProfile recorded.
    """
    every: dict[Place, Any] = stats.stats  # type: ignore[attr-defined]
    spent: dict[Place, float] = {}
    through: dict[Place, dict[str, float]] = {}
    for place, (_, _, own, _, callers) in every.items():
        if _is_ours(place):
            spent[place] = spent.get(place, 0.0) + own
            continue
        for caller, figures in callers.items():
            if _is_ours(caller):
                spent[caller] = spent.get(caller, 0.0) + figures[3]
                by = through.setdefault(caller, {})
                by[place[2]] = by.get(place[2], 0.0) + figures[3]
    ranked = sorted(spent, key=lambda place: -spent[place])
    return [(_named(place), spent[place], every[place][1], _most(through.get(place, {}))) for place in ranked]


def _is_ours(place: Place) -> bool:
    path = Path(place[0])
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in _PACKAGES


def _named(place: Place) -> str:
    return f"{Path(place[0]).relative_to(ROOT).as_posix()}:{place[1]} {place[2].strip('<>')}"


def _most(by: dict[str, float]) -> str:
    found: Iterable[str] = sorted(by, key=lambda name: -by[name])[:2]
    return ", ".join(f"{name.strip('<>')} {by[name]:.2f}" for name in found)


def main() -> None:
    """Write the top ten as Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--database", choices=("PostgreSQL", "SQLite"), default="PostgreSQL")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--top", type=int, default=_TOP)
    said = parser.parse_args()
    with bench(said.work) as place:
        export = inputs.sample(place.folder, said.customers, "csv")
        with place.database(said.database) as url:
            before = place.clock.seconds()
            stats, seconds = profiled(export, url)
            after = place.clock.seconds()
        total = stats.total_tt  # type: ignore[attr-defined]
        rows = [
            (name, f"{spent:.2f}", f"{spent / total:.0%}", f"{calls:,}", most)
            for name, spent, calls, most in dearest(stats)[: said.top]
        ]
        sys.stdout.write(f"{said.customers:,} customers, {said.database}; {machine(place.server)}\n")
        sys.stdout.write(table(("where", "CPU s", "share", "calls", "mostly in"), rows))
        server = "" if before is None or after is None else f", server {after - before:.1f} CPU s"
        sys.stdout.write(
            f"\nClient {total:.1f} CPU s under the profiler{server}. Wall seconds by stage: {json.dumps(seconds)}\n"
        )


if __name__ == "__main__":
    main()
