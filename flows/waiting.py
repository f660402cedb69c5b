"""Which exports wait below a folder, and how they are taken: in order of business date, each once, none half written.

What was taken is read off the ledger, so a restart forgets nothing. Nothing is waited for longer than ``patience``: the
lag behind the bank's own channels has its limit, too.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from customers.errors import Busy, ExportLate, ExportRefused, UnreadableInput
from mappings.control import CONTROL, read_control
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flows.outcome import Report
    from mappings.control import Control
    from sql.store import Store

POLL_SECONDS = 30.0
# A batch that was rolled back is not taken again by itself: somebody undid it. Nor is one that was held until a purge.
_TAKEN = """
    SELECT batch_id, business_date, generated_at, kind, state FROM runs
    WHERE core = :core AND batch_id IS NOT NULL
      AND (state IN ('published', 'held', 'rolled_back') OR counts LIKE '%"problem": "overtaken"%')
"""
_HELD = """
    SELECT run_id, finished_at FROM runs
    WHERE core = :core AND state = 'held' AND run_seq > COALESCE((SELECT MAX(run_seq) FROM publications), 0)
    ORDER BY run_seq DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Say where exports of one core and kind come in, and what knows which of them were taken.

    An export that is not what its control file says is being written for as long as ``patience`` after it last changed.
    """

    root: Path
    kind: str
    core: str
    database_url: str
    patience: timedelta


@dataclass(frozen=True, slots=True, order=True)
class Batch:
    """Order exports by what they speak of, and tell them apart by their content."""

    business_date: str
    generated_at: str
    content: str


@dataclass(slots=True)
class Line:
    """Hold the exports that are ready, the oldest first, and say what is waited for."""

    ready: list[tuple[Batch, Path]] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Taken:
    """Say what became of the exports of a line; ``refused`` has the reason by folder."""

    reports: list[Report] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    awaited: list[str] = field(default_factory=list)


def look(place: Place) -> Line:
    """Find the exports that wait to be taken.

    Raises UnreadableInput where there is no such folder.
    """
    if not place.root.is_dir():
        msg = f"no folder of exports {place.root}"
        raise UnreadableInput(msg)
    line = Line()
    with open_store(place.database_url) as store:
        taken, since = _ledger(store, place.core)
        held = _held(store, place)
    for batch, folder in sorted(_complete(place, line)):
        if batch not in taken and (batch.business_date, batch.generated_at) >= since:
            taken.add(batch)
            line.ready.append((batch, folder))
    if held:
        line.awaited += [held, *(f"{folder.name}: behind the held run" for _, folder in line.ready)]
        line.ready.clear()
    return line


def take_all(place: Place, publish: Callable[[Path], Report]) -> Taken:
    """Publish every export that waits, in order; stop at one that is held or still being written."""
    line, taken = look(place), Taken()
    taken.awaited += line.awaited
    for _, folder in line.ready:
        unfinished = _unfinished(place, folder)
        if unfinished:
            taken.awaited.append(unfinished)
            break
        try:
            report = publish(folder)
        except ExportRefused as problem:
            taken.refused[folder.name] = str(problem)
            continue
        taken.reports.append(report)
        if report.state == "held":
            break
    return taken


def take_newest(
    place: Place,
    publish: Callable[[Path], Report],
    *,
    wait: timedelta,
    tell: Callable[[str], None],
) -> Report:
    """Publish the newest export that waits, and wait for one, or for another run to end, as long as ``wait``.

    Raises ExportLate where none came, Busy where another run took too long, ExportRefused.
    """
    deadline = time.monotonic() + wait.total_seconds()
    told = ""
    while True:
        line = look(place)
        problem: Busy | ExportLate | None = None
        for _, folder in line.ready[-1:]:
            unfinished = _unfinished(place, folder)
            if unfinished:
                line.awaited.append(unfinished)
                break
            try:
                return publish(folder)
            except Busy as found:
                problem = found
        problem = problem or ExportLate(_late(place, line))
        if time.monotonic() >= deadline:
            raise problem
        if str(problem) != told:
            told = str(problem)
            tell(f"waiting: {told}")
        time.sleep(min(POLL_SECONDS, max(deadline - time.monotonic(), 0)))


def _late(place: Place, line: Line) -> str:
    known = f" ({'; '.join(line.awaited)})" if line.awaited else ""
    return f"no {place.kind} export in {place.root} that was not taken yet{known}"


def _complete(place: Place, line: Line) -> Iterator[tuple[Batch, Path]]:
    """Yield the exports whose control file can be read; names that begin with a dot or ``_`` are not looked at."""
    for folder in sorted(place.root.iterdir()):
        if folder.name[0] in "._" or not folder.is_dir():
            continue
        try:
            control = read_control(folder)
        except ExportRefused as problem:
            line.awaited.append(f"{folder.name}: {problem}" if (folder / CONTROL).exists() else _bare(folder))
            continue
        if control.kind == place.kind:
            yield _batch(control), folder


def _batch(control: Control) -> Batch:
    generated = control.generated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Batch(control.business_date.isoformat(), generated, control.batch_id)


def _bare(folder: Path) -> str:
    minutes = _quiet(folder).total_seconds() // 60
    return f"{folder.name}: no {CONTROL} yet, nothing written for {minutes:,.0f} min"


def _ledger(store: Store, core: str) -> tuple[set[Batch], tuple[str, str]]:
    """Return what was taken, and the day and time of the newest full export that is published."""
    taken, since = set(), ("", "")
    for row in store.query(_TAKEN, {"core": core}):
        batch = Batch(str(row["business_date"]), str(row["generated_at"]), str(row["batch_id"]))
        taken.add(batch)
        if row["kind"] == "full" and row["state"] == "published":
            since = max(since, (batch.business_date, batch.generated_at))
    return taken, since


def _held(store: Store, place: Place) -> str | None:
    """Say which run could still be released, and may, for publishing another would end that."""
    for row in store.query(_HELD, {"core": place.core}):
        until = datetime.fromisoformat(str(row["finished_at"])) + place.patience
        if datetime.now(UTC) < until:
            return (
                f"run {row['run_id']} is held: release it by {until:%Y-%m-%dT%H:%M:%SZ}, or the line goes on"
            )
    return None


def _quiet(folder: Path) -> timedelta:
    """Return how long nothing in a folder has changed."""
    changed = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    return timedelta(seconds=max(time.time() - changed, 0))


def _unfinished(place: Place, folder: Path) -> str | None:
    """Say what an export that was written to a while ago still lacks of what its control file says."""
    if _quiet(folder) >= place.patience:
        return None
    for name, (_, sha256) in read_control(folder).tables.items():
        path = next((found for found in folder.glob(f"{name}.*") if found.is_file()), None)
        if path is None:
            return f"{folder.name}: not complete yet ({name} is missing)"
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return f"{folder.name}: not complete yet ({path.name} has another sha256)"
    return None
