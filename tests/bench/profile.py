"""Where our own run spends its time: the ten dearest places of one run, from samples of its stack.

``python -m tests.bench.profile --customers 100000``. Processor seconds of this process, so that a busy machine does not
show; what the server does is in the server's own seconds. Sampled, not traced: a tracer makes Python code look many
times dearer than Arrow's. Imports come before: they cost the same for any export.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import inputs
from tests.bench.inputs import SECRET
from tests.bench.plan import CORE
from tests.bench.runners import ROOT, bench
from tests.bench.tables import machine, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_PACKAGES = ("customers", "expectations", "flows", "mappings", "sql")
_TOP = 10
_EVERY_SECONDS = 0.002


class Samples:
    """Processor time by our innermost function on the stack, and by what it was waiting for in other code.

    ``within`` has for each of our functions also the time of everything that it calls.
    """

    def __init__(self) -> None:
        self.own: defaultdict[str, float] = defaultdict(float)
        self.within: defaultdict[str, float] = defaultdict(float)
        self.through: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.total = 0.0
        self._last = time.process_time()

    def take(self, _: int, frame: FrameType | None) -> None:
        """Give the time since the last sample to the stack as it is; ticks during one call of C come as one."""
        now = time.process_time()
        spent, self._last = now - self._last, now
        self.total += spent
        innermost, seen = "", set()
        place = frame
        while place is not None:
            name = _named(place)
            if name and not innermost:
                innermost = name
                self.own[name] += spent
                self.through[name][_called(frame, place)] += spent
            if name and name not in seen:
                seen.add(name)
                self.within[name] += spent
            place = place.f_back

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Take samples of this thread while the block runs."""
        before = signal.signal(signal.SIGPROF, self.take)
        self._last = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, _EVERY_SECONDS, _EVERY_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            signal.signal(signal.SIGPROF, before)


def _named(frame: FrameType) -> str:
    """Return a function of ours by file and name, nothing for other code."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(ROOT) or path.relative_to(ROOT).parts[0] not in _PACKAGES:
        return ""
    return f"{path.relative_to(ROOT).as_posix()} {frame.f_code.co_qualname.replace('<locals>.', '')}"


def _called(innermost: FrameType | None, ours: FrameType) -> str:
    """Return the line of ours that runs, and the function of other code that it is in."""
    if innermost is None or innermost is ours:
        return f"line {ours.f_lineno}"
    place = innermost
    while place.f_back is not None and place.f_back is not ours:
        place = place.f_back
    return f"line {ours.f_lineno} {place.f_code.co_name}"


def _most(spent: dict[str, float], count: int) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda item: -item[1])[:count]


def sampled(export: Path, url: str) -> tuple[Samples, dict[str, float]]:
    """Run one export in this process and return the samples and the stages' wall seconds."""
    import great_expectations  # noqa: F401, PLC0415 (so that importing is not profiled)

    from expectations import gx, kinds  # noqa: F401, PLC0415 (so that importing is not profiled)
    from flows.pipeline import Job, Run  # noqa: PLC0415 (as above)

    run = Run(Job(core=CORE, export=export, database_url=url, secret=SECRET))
    samples = Samples()
    with samples.taking():
        run.extract()
        report = run.execute()
    return samples, report.seconds


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
            samples, seconds = sampled(export, url)
            after = place.clock.seconds()
        rows = [
            (
                name,
                f"{spent:.2f}",
                f"{spent / samples.total:.0%}",
                f"{samples.within[name]:.2f}",
                ", ".join(f"{where} {cost:.2f}" for where, cost in _most(samples.through[name], 2)),
            )
            for name, spent in _most(samples.own, said.top)
        ]
        sys.stdout.write(f"{said.customers:,} customers, {said.database}; {machine(place.server)}\n")
        sys.stdout.write(table(("where", "CPU s", "share", "with what it calls", "mostly in"), rows))
        server = "" if before is None or after is None else f", server {after - before:.1f}"
        sys.stdout.write(
            f"\nCPU seconds: client {samples.total:.1f}{server}. Wall by stage: {json.dumps(seconds)}\n"
        )


if __name__ == "__main__":
    main()
