"""Two runners at the same time: one publishes, the other is told who holds the database and exits 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability.batches import BUCKET_SIZE
from tests.reliability.databases import assert_sound, fingerprint, publications_that_changed
from tests.reliability.launching import await_
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from tests.reliability.conftest import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
BUSY = 6
# Both come here only if both hold the database.
HELD = "before begin_run.1"


def test_of_two_runners_one_wins(stage: Stage) -> None:
    url = stage.fresh()
    for race in range(PROFILE.races):
        how = {"point": HELD, "act": "pause", "CADASTRA_BUCKET_SIZE": BUCKET_SIZE}
        both = [stage.launcher.run(stage.export, url, **how) for _ in range(2)]
        await_(lambda: any(run.ended.done() for run in both))  # noqa: B023 (called at once)
        loser, winner = sorted(both, key=lambda run: not run.ended.done())
        assert loser.code == BUSY, loser.said
        assert len(loser.said.splitlines()) == 1, loser.said
        assert f"process {winner.pid} on " in loser.said
        assert winner.paused(), winner.said
        winner.go_on()
        assert winner.code == 0, winner.said
        assert fingerprint(stage.databases, url) == stage.new
        runs = stage.databases.rows(url, "SELECT state FROM runs WHERE business_date = '2026-11-20'")
        assert [run["state"] for run in runs] == ["published"] * (race + 1)
    assert len(publications_that_changed(stage.databases, url, "2026-11-20")) == 1
    assert_sound(stage.databases, url)
