"""SIGKILL at every commit of a run, and at any time: the old batch or the new one, and the next run needs no hand."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.reliability.batches import BUCKET_SIZE
from tests.reliability.databases import assert_sound, fingerprint, publications_that_changed
from tests.reliability.launching import two_at_a_time
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from tests.reliability.conftest import Stage
    from tests.reliability.launching import Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
BATCH = "2026-11-20"
KILLED = -9
_COMMIT = re.compile(r"(before|after) (\w+)\.(\d+)")


def started(stage: Stage, url: str, **how: str) -> Process:
    return stage.launcher.run(stage.export, url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE, **how)


def kill_points(stage: Stage) -> list[str]:
    """Return the commits of the clean run; where only some are wanted, those of as many kinds as possible."""
    points = [point for point in stage.points if _COMMIT.fullmatch(point)]
    if PROFILE.kill_points is None:
        return points
    kinds = {found[2] for found in map(_COMMIT.fullmatch, points) if found}
    last = {
        kind: [point for point in points if point.split(" ")[1].startswith(f"{kind}.")][-2:] for kind in kinds
    }
    first = [f"before {kind}.1" for kind in kinds]
    flip = [point for point in points if " publish." in point]
    drawn = random.Random(4).sample(
        [*first, *(point for pair in last.values() for point in pair)], len(kinds) * 3
    )
    wanted = list(dict.fromkeys([*flip, *drawn]))[: PROFILE.kill_points]
    return [point for point in points if point in wanted]


def check_after_kill(stage: Stage, url: str, where: str) -> None:
    """Look at the database as the kill left it, then run the batch again without any preparation."""
    databases = stage.databases
    flipped = fingerprint(databases, url)
    assert flipped in {stage.old, stage.new}, where
    assert_sound(databases, url, at_rest=False)
    changed = publications_that_changed(databases, url, BATCH)
    assert len(changed) == int(flipped == stage.new), where
    again = started(stage, url)
    assert again.code == 0, f"{where}: {again.said}"
    assert fingerprint(databases, url) == stage.new, where
    assert_sound(databases, url)
    after = publications_that_changed(databases, url, BATCH)
    assert len(after) == 1, where
    assert changed in ([], after), where


def test_a_kill_at_any_commit_leaves_the_old_batch_or_the_new_one(stage: Stage) -> None:
    points = kill_points(stage)
    assert len(points) >= 12
    seen = set()

    def kill(point: str) -> None:
        url = stage.fresh()
        run = started(stage, url, point=point)
        assert run.code == KILLED, f"{point}: {run.said}"
        seen.add(fingerprint(stage.databases, url))
        check_after_kill(stage, url, point)
        stage.databases.drop(url)

    two_at_a_time(kill, points)
    assert seen == {stage.old, stage.new}


def test_a_kill_at_any_time_leaves_the_old_batch_or_the_new_one(stage: Stage) -> None:
    drawn = random.Random(stage.databases.name)
    url = stage.fresh()
    begin = time.monotonic()
    assert started(stage, url).code == 0
    span = time.monotonic() - begin

    def kill(delay: float) -> None:
        url = stage.fresh()
        run = started(stage, url)
        time.sleep(delay)
        assert run.kill() in {KILLED, 0}
        check_after_kill(stage, url, f"kill after {delay:.3f} s")
        stage.databases.drop(url)

    two_at_a_time(kill, [drawn.uniform(0, span) for _ in range(PROFILE.random_kills)])


def test_a_run_killed_between_buckets_goes_on_with_those_that_are_missing(stage: Stage) -> None:
    points = [point for point in stage.points if point.startswith("after write_bucket.")]
    url = stage.fresh()
    run = started(stage, url, point=points[len(points) // 2])
    assert run.code == KILLED, run.said
    finished = stage.databases.rows(url, "SELECT bucket FROM run_buckets")
    assert finished
    again = started(stage, url)
    assert again.code == 0, again.said
    assert again.told["resumed"] == len(finished) < again.told["buckets"]
    assert fingerprint(stage.databases, url) == stage.new
    assert_sound(stage.databases, url)
    assert len(stage.databases.rows(url, f"SELECT run_id FROM runs WHERE business_date = '{BATCH}'")) == 1
    assert not stage.databases.rows(url, "SELECT bucket FROM run_buckets")
    stage.databases.drop(url)
