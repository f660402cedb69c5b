"""PostgreSQL ends a session, or is itself stopped, at each phase of a run: afterwards the next run is as any other."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import missing
from tests.reliability.batches import BUCKET_SIZE
from tests.reliability.conftest import Stage, set_up
from tests.reliability.databases import Postgres, assert_sound, fingerprint, publications_that_changed
from tests.reliability.own_server import OwnServer, own_server
from tests.reliability.profile import PROFILE, SECONDS
from tests.reliability.test_faults import check_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.launching import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
BATCH = "2026-11-20"
END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as started:
        if started is None:
            missing("no PostgreSQL of our own to stop")
        yield started


@pytest.fixture(scope="module")
def stage(server: OwnServer, launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_up(Postgres(server.url), launcher, tmp_path_factory.mktemp("batches"))


def phases(stage: Stage) -> list[str]:
    """Return one point of each kind of commit, the first COPY, the last, and the two commits of the flip."""
    copies = [point for point in stage.points if point.startswith("copy.")]
    first = {point.split(".")[0]: point for point in reversed(stage.points) if point.startswith("before ")}
    flip = [point for point in stage.points if " publish." in point]
    points = [*dict.fromkeys([*first.values(), copies[0], copies[len(copies) // 2], copies[-1], *flip])]
    return points if PROFILE.kill_points is None else [*points[:-4:2], *points[-4:]]


def fresh(server: OwnServer, stage: Stage) -> str:
    """Copy the database so that it survives a crash.

    PostgreSQL logs the page of a copied sequence as it is and counts on from there without a word: after a crash the
    sequence would give the same numbers again, unless a checkpoint came between.
    """
    url = stage.fresh()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
    return url


def check(stage: Stage, url: str, code: int, where: str) -> None:
    served = fingerprint(stage.databases, url)
    assert served in {stage.old, stage.new}, where
    if code == 0:
        assert served == stage.new, where
    assert_sound(stage.databases, url, at_rest=False)
    again = stage.launcher.run(stage.export, url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert again.code == 0, f"{where}; the next run: {again.said}"
    assert fingerprint(stage.databases, url) == stage.new, where
    assert_sound(stage.databases, url)
    assert len(publications_that_changed(stage.databases, url, BATCH)) == 1, where


def test_sessions_are_ended_at_each_phase(stage: Stage) -> None:
    codes = []
    for point in phases(stage):
        url = stage.fresh()
        run = stage.launcher.run(
            stage.export, url, point=point, act="pause", CADASTRA_BUCKET_SIZE=BUCKET_SIZE
        )
        assert run.paused(), f"{point}: {run.said}"
        with psycopg.connect(url, autocommit=True) as other:
            assert other.execute(END_SESSIONS).rowcount > 0
        run.go_on()
        where = f"sessions ended at {point}: exit {run.code}: {run.said}"
        check_words(run, where)
        check(stage, url, run.code, where)
        codes.append(run.code)
        stage.databases.drop(url)
    assert 1 in codes


@pytest.mark.parametrize("phase", ["copy.2", "before publish.1", "before publish.2", "after publish.2"])
def test_the_server_stops_at_once(stage: Stage, server: OwnServer, phase: str) -> None:
    url = fresh(server, stage)
    run = stage.launcher.run(stage.export, url, point=phase, act="pause", CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert run.paused(), run.said
    server.stop()
    try:
        run.go_on()
        where = f"server stopped at {phase}: exit {run.code}: {run.said}"
        refused = stage.launcher.run(stage.export, url)
        assert refused.code == 2, refused.said
        assert urlsplit(url).path.lstrip("/") in refused.said
        assert "Traceback" not in refused.said
    finally:
        with suppress(psycopg.Error):
            server.start()
    check_words(run, where)
    check(stage, url, run.code, where)
    stage.databases.drop(url)
