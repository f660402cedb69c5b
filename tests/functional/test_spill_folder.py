"""The private folder of a run: nobody else's to read, gone with the run, swept after a kill."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from customers.errors import CadastraError, UsageError
from flows.pipeline import Job, Run
from flows.spill_folder import PREFIX, SpillFolder, sweep
from flows.spill_url import open_spill
from mappings.spill import Spill
from tests.bank import CORE, SECRET
from tests.conftest import ROOT
from tests.exports import cpf, natural_person, write_export

FULL = Path("/dev/full")

_DIE = """
import os, signal, sys
from flows.spill_folder import SpillFolder
kept = SpillFolder(sys.argv[1])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_its_owner_can_read_it_and_it_is_gone_in_the_end(tmp_path: Path) -> None:
    with SpillFolder(str(tmp_path)) as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        (folder.path / "rows.arrow").touch()
    assert list(tmp_path.iterdir()) == []


def test_the_next_one_sweeps_up_after_a_killed_run_and_leaves_a_living_one(tmp_path: Path) -> None:
    with SpillFolder(str(tmp_path)) as living:
        killed = subprocess.run([sys.executable, "-c", _DIE, str(tmp_path)], cwd=ROOT, check=False)
        assert killed.returncode < 0
        assert len(list(tmp_path.iterdir())) == 2
        with SpillFolder(str(tmp_path)) as mine:
            assert set(tmp_path.iterdir()) == {living.path, mine.path}


def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    lock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        if not made:
            made.extend(tmp_path.iterdir())
            sweep(tmp_path)
        lock(descriptor, how)

    with monkeypatch.context() as patch:
        patch.setattr("flows.spill_folder.fcntl.flock", late)
        folder = SpillFolder(str(tmp_path))
    with folder:
        assert made
        assert list(tmp_path.iterdir()) == [folder.path] != made


def test_a_place_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="CADASTRA_SPILL"):
        SpillFolder(str(ROOT / "no" / "such" / "place"))


def test_a_disk_that_is_full_is_told() -> None:
    if not FULL.is_char_device():
        pytest.skip("this system has no device that is always full")
    rows = pa.table({"text": ["x" * 100_000]})
    with (
        pytest.raises(CadastraError, match="No space left on device"),
        Spill(str(FULL), rows.schema) as spill,
    ):
        spill.add(rows, np.zeros(1, np.int32))


@pytest.mark.parametrize(("url", "workers"), [("memory://{}", 1), ("file://{}", 2)])
def test_a_run_spills_behind_a_url_and_leaves_nothing(tmp_path: Path, url: str, workers: int) -> None:
    root = url.format(tmp_path / "spill")
    files, path = fsspec.core.url_to_fs(root)
    files.makedirs(path)
    places: list[str] = []

    def tell(stage: str, _share: float) -> None:
        if stage == "map, check, nest":
            places.extend(files.ls(path, detail=False))

    job = Job(
        core=CORE,
        export=write_export(
            tmp_path / "export", natural_person("F1"), natural_person("F2", cpf(100_000_000))
        ),
        database_url=f"sqlite:///{tmp_path}/x.db",
        secret=SECRET,
        bucket_size=1,
        workers=workers,
        spill=root,
        tell=tell,
    )
    run = Run(job)
    with run.holding():
        run.extract()
        assert run.execute().state == "published"
    assert PREFIX in places[0]
    assert files.ls(path) == []


def test_behind_a_url_only_what_is_known_to_have_ended_is_swept(tmp_path: Path) -> None:
    root = f"memory://{tmp_path}/spill"
    for run_id in ("ended", "of another database"):
        open_spill(root, run_id, lambda _run_id: False)
        with fsspec.open(f"{root}/{PREFIX}{run_id}/rows.arrow", "wb") as file:
            file.write(b"rows")
    open_spill(root, "mine", lambda run_id: run_id == "ended").close()
    left = fsspec.filesystem("memory").ls(f"{tmp_path}/spill", detail=False)
    assert [path.rpartition("/")[2] for path in left] == [f"{PREFIX}of another database"]


@pytest.mark.parametrize(
    ("url", "said"), [("ftp://me:word@host/x", "password"), ("nothing://x", "CADASTRA_SPILL")]
)
def test_a_url_that_cannot_be_used_is_told(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as problem:
        open_spill(url, "mine", lambda _run_id: False)
    assert "word" not in str(problem.value).replace("password", "")
