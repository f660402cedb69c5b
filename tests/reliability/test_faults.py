"""Fail the first, the second, the n-th of everything that can fail, until a run comes through: state and words are sound."""

from __future__ import annotations

from itertools import cycle, product
from typing import TYPE_CHECKING

import pytest

from tests.conftest import missing
from tests.reliability.batches import BUCKET_SIZE
from tests.reliability.databases import assert_sound, fingerprint, publications_that_changed
from tests.reliability.launching import two_at_a_time
from tests.reliability.profile import PROFILE, SECONDS
from tests.reliability.vfs import library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.reliability.conftest import Stage
    from tests.reliability.launching import Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
BATCH = "2026-11-20"
# What only customers have in these batches.
VALUES = ("Ana Lima", "Rita Lima", "Padaria", "1000000", "Acácias")


def places(total: int) -> Iterator[int]:
    """Return which one fails: all at night, in CI with growing gaps, and the last ones."""
    place = 1.0
    while place <= total:
        yield int(place)
        place = max(place + 1, place * PROFILE.fault_stride)
    # Beyond what a clean run does: the sweep has ended when the run comes through.
    yield total + 50


def sweep(stage: Stage, acts: list[str], points: list[str], *, files: bool = False) -> None:
    """Harm one run at each point, and hold what is left to everything that must be so."""
    ends = set()

    def harm(fault: tuple[str, str]) -> None:
        act, point = fault
        url = stage.fresh()
        how = {"point": point, "act": act, "files": files}
        run = stage.launcher.run(stage.export, url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE, **how)
        where = f"{act} at {point}: exit {run.code}: {run.said}"
        check_words(run, where)
        served = fingerprint(stage.databases, url)
        ends.add(run.code)
        assert served in {stage.old, stage.new}, where
        assert_sound(stage.databases, url, at_rest=False)
        if run.code == 0:
            assert served == stage.new, where
        check_next_run(stage, url, where)
        stage.databases.drop(url)

    every = list(product(acts, points))
    two_at_a_time(harm, every if PROFILE.every_act else list(zip(cycle(acts), points, strict=False)))
    assert 0 in ends, f"no run came through: {ends}"
    assert len(ends) > 1, "nothing ever failed"


def check_words(run: Process, where: str) -> None:
    assert run.code in {0, 1, 2}, where  # 2: it could not even be opened
    assert (run.code == 0) == (not run.said), where
    assert "Traceback" not in run.said, where
    assert 'File "' not in run.said, where
    assert not [value for value in VALUES if value in run.said], where
    if run.code:
        lines = run.said.splitlines()
        assert len(lines) == 1, where
        assert lines[0].startswith("cadastra: "), where
        assert "defect" not in lines[0], where


def check_next_run(stage: Stage, url: str, where: str) -> None:
    again = stage.launcher.run(stage.export, url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert again.code == 0, f"{where}; the next run: {again.said}"
    assert fingerprint(stage.databases, url) == stage.new, where
    assert_sound(stage.databases, url)
    assert len(publications_that_changed(stage.databases, url, BATCH)) == 1, where


def count(stage: Stage, name: str) -> int:
    return sum(point.startswith(f"{name}.") for point in stage.points)


@pytest.mark.parametrize(("name", "acts"), [("write", ["EIO", "ENOSPC"]), ("sync", ["EIO"])])
def test_a_file_operation_of_sqlite_fails(stage: Stage, name: str, acts: list[str]) -> None:
    must_reach_files(stage)
    sweep(stage, acts, [f"{name}.{place}" for place in places(count(stage, name))], files=True)


def test_the_log_of_sqlite_cannot_be_cut(stage: Stage) -> None:
    """SQLite cuts its log when everything is done: a failure there is nobody's."""
    must_reach_files(stage)
    url = stage.fresh()
    how = {"point": "truncate.1", "act": "EIO", "files": True}
    run = stage.launcher.run(stage.export, url, CADASTRA_BUCKET_SIZE=BUCKET_SIZE, **how)
    assert run.code == 0, run.said
    assert "truncate.1" in run.points
    check_next_run(stage, url, "truncate")


def must_reach_files(stage: Stage) -> None:
    if stage.databases.name != "sqlite":
        pytest.skip("PostgreSQL's files are its own affair")
    if library() is None:
        missing("the SQLite of this Python cannot be reached from here")


def acts(stage: Stage) -> list[str]:
    if stage.databases.name == "sqlite":
        return ["database or disk is full", "disk I/O error"]
    return ["dropped", "serialization", "disk full"]


def test_a_statement_fails(stage: Stage) -> None:
    sweep(stage, acts(stage), [f"execute.{place}" for place in places(count(stage, "execute"))])


def test_a_commit_fails(stage: Stage) -> None:
    commits = [point for point in stage.points if point.startswith("before ")]
    chosen = [commits[place - 1] for place in places(len(commits)) if place <= len(commits)]
    sweep(stage, acts(stage), [*dict.fromkeys([*chosen, *commits[-4:]]), "before nothing.1"])


def test_a_rename_fails(stage: Stage) -> None:
    """Data Docs that cannot be put in place are told, and what is published stays so."""
    if stage.databases.name != "sqlite":
        pytest.skip("files only")
    url = stage.fresh()
    how = {"point": "rename.1", "act": "ENOSPC", "files": True}
    run = stage.launcher.run(stage.export, url, "--docs", CADASTRA_BUCKET_SIZE=BUCKET_SIZE, **how)
    assert "rename.1" in run.points or run.code == 0
    assert run.code == 0, run.said
    assert "Traceback" not in run.said
    assert fingerprint(stage.databases, url) == stage.new
