"""Four readers poll customers while batches are published and publishers are killed: nothing is torn, nobody vanishes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.reliability.batches import BUCKET_SIZE, COMPANIES, PEOPLE, whole_bank
from tests.reliability.databases import assert_sound
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.reliability.databases import Databases
    from tests.reliability.launching import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
READERS = 4
KEYS = ",".join([*(f"F{number}" for number in range(PEOPLE)), *(f"J{number}" for number in range(COMPANIES))])
# Where a kill hurts most, beside any time.
_NEAR_THE_FLIP = ("before publish.1", "before publish.2", "after publish.2", "after write_run_counts.1")


@contextmanager
def reader(url: str, seed: int) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "tests.reliability.reader",
        url,
        str(PROFILE.torn_reads // READERS),
        KEYS,
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, str(seed)], cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def publish_and_kill(launcher: Launcher, url: str, editions: list[Path]) -> int:
    """Publish in turns, so that every document changes each time; kill some of the publishers. Return the publications."""
    drawn = random.Random(7)
    turns = ["publish"] * PROFILE.torn_publishes + ["kill"] * PROFILE.torn_kills
    drawn.shuffle(turns)
    edition, published = 0, 0
    for turn in turns:
        export = editions[(edition + 1) % len(editions)]
        point = drawn.choice(_NEAR_THE_FLIP) if turn == "kill" and drawn.random() < 0.7 else None
        run = launcher.run(export, url, point=point, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
        if turn == "kill" and point is None:
            time.sleep(drawn.uniform(0.05, 0.6))
            run.kill()
        if turn == "publish":
            assert run.code == 0, run.said
            published += 1
        # A publisher that was killed after the flip has published.
        if run.code == 0 or point == "after publish.2":
            edition += 1
    return published


def test_readers_see_one_run_at_a_time_and_every_customer(
    databases: Databases, launcher: Launcher, tmp_path: Path
) -> None:
    url = databases.fresh()
    editions = [whole_bank(tmp_path / str(edition), edition) for edition in (1, 2, 3)]
    first = launcher.run(editions[0], url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert first.code == 0, first.said
    with ExitStack() as readers:
        polling = [readers.enter_context(reader(url, seed)) for seed in range(READERS)]
        published = publish_and_kill(launcher, url, editions)
        told = [json.loads(process.communicate("stop")[0]) for process in polling]
    assert sum(report["reads"] for report in told) >= PROFILE.torn_reads
    assert [report["problems"] for report in told] == [[]] * READERS
    # Had they read only before or after, nothing would have been tried.
    assert len({run for report in told for run in report["runs"]}) >= published // 2
    last = launcher.run(editions[0], url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert last.code == 0, last.said
    assert_sound(databases, url)
