"""The parts of the benchmark: each measures one thing and returns Markdown."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import inputs, tables
from tests.bench.cluster import cluster
from tests.bench.compare import rows, served
from tests.bench.measure import BenchError
from tests.bench.runners import OURS, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.measure import Measured
    from tests.bench.runners import Bench

_FAILING = "SELECT rule, count(*) FROM failing GROUP BY rule ORDER BY rule"
_GROWTH = (10_000, 100_000, 1_000_000)


@dataclass(slots=True)
class Task:
    """What was asked for; ``missing`` collects what there was no time for, ``wrong`` what serves other documents."""

    customers: int
    rivals: list[str]
    runs: int
    databases: tuple[str, ...]
    form: str
    verify: bool
    until: float
    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return self.until - time.monotonic()

    def has_time(self, what: str, seconds: float) -> bool:
        """Say whether something that takes so many seconds may begin; note it as missing otherwise."""
        if self.left > seconds:
            return True
        self.missing.append(f"{what}: about {seconds:.0f} s needed, {max(self.left, 0):.0f} s left")
        return False


def tell(text: str) -> None:
    """Say on standard error how far it is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def _run(place: Bench, task: Task, name: str, export: Path, url: str) -> Measured:
    found = place.run(PROGRAMS[name], export, url, task.left)
    tell(f"  {name}: {found.wall:.1f} s wall, {found.core_seconds:.1f} core-s, {found.peak:.0f} MB")
    return found


def rivals(place: Bench, task: Task) -> str:
    """Compare our run with the rivals, on both databases, in alternation."""
    export = inputs.sample(place.folder, task.customers, task.form)
    records, octets = inputs.size_of(export)
    parts = [f"{records:,} rows, {octets / 1e6:.0f} MB in the export.\n"]
    for kind in task.databases:
        names = [name for name in task.rivals if _takes_part(task, name, kind)]
        found: dict[str, list[Measured]] = {name: [] for name in (OURS, *names)}
        same: dict[str, str] = {}
        for name in _alternating(task, found):
            last = found[name][-1].wall if found[name] else 0.0
            if task.has_time(f"{kind}: a run of {name}", last):
                _once(place, task, kind, name, export, found, same)
        parts.append(f"## {kind}\n\n{tables.rivals(found, task.customers, same)}")
        reports = [json.loads(run.said)["seconds"] for run in found[OURS]]
        if reports:
            parts.append(tables.stages(reports))
    return "\n".join(parts)


def _takes_part(task: Task, name: str, kind: str) -> bool:
    program = PROGRAMS[name]
    if program.most is not None and task.customers > program.most:
        task.missing.append(f"{kind}: {name} takes part up to {program.most:,} customers only")
        return False
    return kind == "PostgreSQL" or not program.postgres_only


def _alternating(task: Task, found: dict[str, list[Measured]]) -> Iterator[str]:
    for _ in range(task.runs):
        yield from found


def _once(
    place: Bench,
    task: Task,
    kind: str,
    name: str,
    export: Path,
    found: dict[str, list[Measured]],
    same: dict[str, str],
) -> None:
    with place.database(kind) as url:
        try:
            found[name].append(_run(place, task, name, export, url))
        except BenchError as problem:
            task.missing.append(f"{kind}: {name}: {problem}")
            return
        if task.verify and name not in same:
            same[name] = _verified(place, task, name, export, url)


def _verified(place: Bench, task: Task, name: str, export: Path, url: str) -> str:
    """Compare what a program serves with what ours does, and say how many documents are equal."""
    reference = _reference(place, task, export)
    here = served(url, ours=name == OURS)
    if here == reference:
        return f"{sum(part.documents for part in here.values()):,} equal"
    task.wrong.append(name)
    unlike = {key: (part, reference[key]) for key, part in here.items() if part != reference[key]}
    return "; ".join(
        f"{key} differs: {one.documents:,} for {other.documents:,}" for key, (one, other) in unlike.items()
    )


_REFERENCES: dict[Path, dict[str, Any]] = {}


def _reference(place: Bench, task: Task, export: Path) -> dict[str, Any]:
    """Return the hashes of what our run serves of an export, from a run of its own that no figure counts."""
    if export not in _REFERENCES:
        with place.database("PostgreSQL") as url:
            place.run(PROGRAMS[OURS], export, url, task.left)
            _REFERENCES[export] = served(url, ours=True)
    return _REFERENCES[export]


def limit(place: Bench, task: Task) -> str:
    """Compare our publish stage (every write, then what shows it), one process, with a raw COPY of the same bytes."""
    export = inputs.sample(place.folder, task.customers, task.form)
    with place.database("PostgreSQL") as url, place.database("PostgreSQL") as other:
        run = place.run(PROGRAMS[OURS], export, url, task.left, {"CADASTRA_WORKERS": "1"})
        command = [
            sys.executable,
            "-m",
            "tests.bench.limit",
            "--source",
            url,
            "--target",
            other,
            "--runs",
            str(task.runs),
        ]
        said = json.loads(place.call(command, task.left).said)
    spent = json.loads(run.said)["seconds"]
    publish = spent["publish"] + spent["write"]
    lines = []
    for kind, copied in said["copy"].items():
        wall = median(found["wall"] for found in copied["runs"])
        cpu = median(found["client"] + (found["server"] or 0.0) for found in copied["runs"])
        size = copied["bytes"] / 1e6
        share = f"{wall / publish:.0%}"
        lines.append((kind, f"{size:.0f}", f"{wall:.2f}", f"{cpu:.2f}", f"{size / wall:.0f}", share))
    lines.append(("our publish stage", f"{size:.0f}", f"{publish:.2f}", "", f"{size / publish:.0f}", ""))
    header = ("COPY of our run's own bytes", "MB", "wall s", "core-s", "MB/s", "of our publish stage")
    return f"## Limit\n\n{tables.table(header, lines)}"


def reading(place: Bench, task: Task) -> str:
    """Compare reading the CSV export with pyarrow.csv alone."""
    export = inputs.sample(place.folder, task.customers, "csv")
    _, octets = inputs.size_of(export)
    said = json.loads(
        place.call([sys.executable, "-m", "tests.bench.limit", "--export", str(export)], task.left).said
    )
    alone, ours = said["reading"]["pyarrow.csv"], said["reading"]["ours"]
    lines = [
        ("pyarrow.csv alone, one thread", f"{alone:.2f}", f"{octets / 1e6 / alone:.0f}", ""),
        (
            "our reader (hash, lines, strictness)",
            f"{ours:.2f}",
            f"{octets / 1e6 / ours:.0f}",
            f"{alone / ours:.0%}",
        ),
    ]
    return "## Reading CSV\n\n" + tables.table(("reader", "CPU s", "MB/s", "of pyarrow.csv's speed"), lines)


def incremental(place: Bench, task: Task) -> str:
    """Measure our runs over a bank that is served already: nothing changed, 1 % changed, a 1 % delta."""
    full = inputs.sample(place.folder, task.customers, "csv")
    partly = inputs.delta(place.folder, full, task.customers)
    exports = {
        "full, 0 % changed": inputs.again(place.folder, full, task.customers),
        "full, 1 % changed": inputs.changed(place.folder, full, partly, task.customers),
        "delta, 1 % changed": partly,
    }
    with place.database("PostgreSQL") as base:
        first = _run(place, task, OURS, full, base)
        lines = [
            (
                "first full run",
                f"{first.wall:.1f}",
                f"{first.core_seconds:.1f}",
                "100 %",
                f"{first.peak:,.0f}",
                "",
            )
        ]
        for title, export in exports.items():
            runs: list[Measured] = []
            said: dict[str, Any] = {}
            for _ in range(task.runs):
                if task.has_time(title, runs[-1].wall if runs else 0.0):
                    with place.database("PostgreSQL", like=base) as url:
                        runs.append(_run(place, task, OURS, export, url))
                    said = json.loads(runs[-1].said)["structures"]
            if runs:
                core = median(run.core_seconds for run in runs)
                new = sum(part["published_new"] + part["published_changed"] for part in said.values())
                share = f"{core / first.core_seconds:.0%}"
                wall, peak = median(run.wall for run in runs), max(run.peak for run in runs)
                lines.append((title, f"{wall:.1f}", f"{core:.1f}", share, f"{peak:,.0f}", f"{new:,}"))
    header = ("our run", "wall s", "core-s", "of a full run's core-s", "peak MB", "documents written")
    return "## Incremental\n\n" + tables.table(header, lines)


def growth(place: Bench, task: Task) -> str:
    """Measure our run from 10,000 customers up to what was asked for."""
    lines: list[tuple[str, ...]] = []
    for customers in (size for size in _GROWTH if size <= task.customers):
        before = float(lines[-1][1]) if lines else 0.0
        if not task.has_time(f"growth: {customers:,} customers", 12 * before):
            continue
        export = inputs.sample(place.folder, customers, task.form)
        with place.database("PostgreSQL") as url:
            run = _run(place, task, OURS, export, url)
        seconds = json.loads(run.said)["seconds"]
        cost = f"{1e6 * run.core_seconds / customers:.0f}"
        lines.append(
            (
                f"{customers:,}",
                f"{run.wall:.1f}",
                f"{run.core_seconds:.1f}",
                cost,
                f"{run.peak:,.0f}",
                f"{sum(seconds.values()):.1f}",
            )
        )
    header = ("customers", "wall s", "core-s", "µs core / customer", "peak MB", "wall s without start")
    return "## Growth\n\n" + tables.table(header, lines)


def failing(place: Bench, task: Task) -> str:
    """Prove that the rivals check: on an export with broken values, what they refuse and serve."""
    export = inputs.broken(place.folder)
    lines = []
    for name in task.rivals:
        with place.database("PostgreSQL") as url:
            _run(place, task, name, export, url)
            told = ", ".join(f"{rule} {count}" for rule, count in rows(url, _FAILING))
            lines.append((PROGRAMS[name].title, told, _verified(place, task, name, export, url)))
    return "## Broken values\n\n" + tables.table(("program", "failing keys by rule", "documents"), lines)


PARTS: dict[str, Callable[[Bench, Task], str]] = {
    "cluster": cluster,
    "rivals": rivals,
    "limit": limit,
    "reading": reading,
    "incremental": incremental,
    "growth": growth,
    "failing": failing,
}
