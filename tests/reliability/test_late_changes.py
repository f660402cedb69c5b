"""Changes that the core exports up to half an hour after their stamp, in batches that overtake one another: none is missed.

What was taken is known by batch, not by the greatest stamp seen: a cursor of stamps fails the same test.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flows.nightly import run_job
from flows.pipeline import Job
from flows.waiting import Place, take_all
from tests.bank import CORE, PI, SECRET, Bank
from tests.exports import cpf, natural_person, write_export
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.outcome import Report
    from tests.exports import Register

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
CHANGES, RUNS = PROFILE.late_changes, PROFILE.late_runs
MIDNIGHT = datetime(2026, 11, 20)  # noqa: DTZ001 (the core's local time)
LATEST = timedelta(minutes=30)
APART = timedelta(days=1) / 200
CUTS = [MIDNIGHT + APART * (number + 1) for number in range(RUNS)]
Change = tuple[datetime, datetime]  # its stamp, and when the core lets it out
Cut = list[list[int]]  # the changes of each run


def drawn() -> list[Change]:
    """Draw the changes that come out between the first run and the last, each of another customer."""
    draw = random.Random(5)
    out = [MIDNIGHT + (APART * RUNS * draw.random()) for _ in range(CHANGES)]
    return [(moment - LATEST * draw.random(), moment) for moment in out]


def by_batch(changes: list[Change]) -> Cut:
    """Cut by when the core lets changes out, as an export does."""
    began = [MIDNIGHT, *CUTS]
    return [
        [number for number, (_, out) in enumerate(changes) if since <= out < until]
        for since, until in zip(began, CUTS, strict=False)
    ]


def by_greatest_stamp(changes: list[Change]) -> Cut:
    """Cut by what has a greater stamp than all that was seen, as naive readers of a core do."""
    cuts: Cut = []
    last = MIDNIGHT - LATEST
    for until in CUTS:
        cuts.append([n for n, (stamp, out) in enumerate(changes) if out < until and stamp > last])
        last = max([last, *(changes[n][0] for n in cuts[-1])])
    return cuts


def customer(number: int, stamp: datetime | None = None) -> Register:
    moment = (stamp or MIDNIGHT - LATEST).strftime("%d/%m/%Y %H:%M:%S")
    row = {"nome_civil": "Eva Sousa" if stamp else "Ana Lima", "ts_atualizacao": moment}
    return natural_person(
        f"F{number}", cpf(100_000_000 + number), pessoas_fisicas=row, clientes={"ts_atualizacao": moment}
    )


def missed(changes: list[Change], cut: Cut, folder: Path, url: str) -> set[int]:
    """Publish the cuts as they come, every fifth one after the one that follows it; return what is not served."""
    bank = Bank(folder, url)
    bank.run_export(
        write_export(folder / "full", *(customer(n) for n in range(len(changes))), day="2026-11-19")
    )
    place = Place(folder / "exports", "delta", "reference", url, timedelta())
    place.root.mkdir()

    def publish(export: Path) -> Report:
        return run_job(Job(CORE, export, url, SECRET, flow="intraday", thresholds=None))

    for number in arrival(len(cut)):
        people = [customer(change, changes[change][0]) for change in cut[number]]
        at = f"{CUTS[number]:%Y-%m-%dT%H:%M:%S}-03:00"
        write_export(place.root / f"{number:03}", *people, kind="delta", day="2026-11-20", generated_at=at)
        taken = take_all(place, publish)
        assert [report.state for report in taken.reports] == ["published"], taken
    served = bank.served(PI)
    return {n for n in range(len(changes)) if served[f"F{n}"]["civilName"] != "Eva Sousa"}


def arrival(count: int) -> list[int]:
    """Return the order in which exports arrive.

    >>> arrival(12)
    [1, 0, 2, 3, 4, 6, 5, 7, 8, 9, 11, 10]
    """
    order = list(range(count))
    for first in range(0, count - 1, 5):
        order[first], order[first + 1] = order[first + 1], order[first]
    return order


@pytest.mark.parametrize(("cut", "complete"), [(by_batch, True), (by_greatest_stamp, False)])
def test_no_late_change_is_missed_but_by_a_cursor_of_stamps(
    tmp_path: Path, sqlite_url: str, cut: Callable[[list[Change]], Cut], *, complete: bool
) -> None:
    changes = drawn()
    cuts = cut(changes)
    lost = missed(changes, cuts, tmp_path, sqlite_url)
    assert lost == set(range(CHANGES)).difference(*cuts)
    assert (lost == set()) == complete
