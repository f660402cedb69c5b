"""A backfill that is killed and started again ends as one that was not, and runs no date twice."""

from __future__ import annotations

import random
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mappings.cores.reference.sample import write_sample
from tests.reliability.databases import assert_sound, fingerprint
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reliability.databases import Databases
    from tests.reliability.launching import Launcher, Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
FIRST = date(2026, 11, 1)  # a Sunday
SUNDAY = 6
DATES = [FIRST + timedelta(days=number) for number in range(PROFILE.backfill_dates)]
KILLED = -9


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a full export each Sunday and a delta of it on the other days."""
    root = tmp_path_factory.mktemp("exports")
    full = root
    for number, day in enumerate(DATES):
        folder = root / day.isoformat()
        if day.weekday() == SUNDAY:
            full = folder
            write_sample(folder, customers=40, seed=3, bad=0.05, date=day)
        else:
            write_sample(folder, customers=40, seed=number, date=day, delta_of=full, changed=0.1)
    return root


def start(launcher: Launcher, exports: Path, url: str) -> Process:
    dates = ("--from", DATES[0].isoformat(), "--to", DATES[-1].isoformat())
    options = ("--exports", str(exports), "--database", url, "--no-docs", "--json")
    return launcher.start("backfill", *options, *dates, CADASTRA_BREAKER="off")


def test_a_killed_backfill_goes_on_where_it_stopped(
    databases: Databases, launcher: Launcher, exports: Path
) -> None:
    if databases.name == "postgres" and not PROFILE.every_act:
        pytest.skip("at night only")
    whole, killed = databases.fresh(), databases.fresh()
    began = time.monotonic()
    unkilled = start(launcher, exports, whole)
    assert unkilled.ended.result(SECONDS) == 0, unkilled.said
    span = time.monotonic() - began
    assert {dated["outcome"] for dated in unkilled.told["dates"]} == {"published"}
    drawn = random.Random(databases.name)
    kills = 0
    while kills < PROFILE.backfill_kills:
        process = start(launcher, exports, killed)
        time.sleep(drawn.uniform(0, span / PROFILE.backfill_kills))
        kills += process.kill() == KILLED
    last = start(launcher, exports, killed)
    assert last.ended.result(SECONDS) == 0, last.said
    assert fingerprint(databases, killed) == fingerprint(databases, whole)
    assert_sound(databases, killed)
    runs = databases.rows(killed, "SELECT business_date FROM runs WHERE state = 'published' ORDER BY 1")
    assert [row["business_date"] for row in runs] == [day.isoformat() for day in DATES]
    again = start(launcher, exports, killed)
    assert again.code == 0, again.said
    assert {dated["outcome"] for dated in again.told["dates"]} == {"skipped"}
