"""The private folder of a run: nobody else's to read, gone with the run, swept after a kill."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from customers.errors import CadastraError, UsageError
from flows.spill_folder import SpillFolder, sweep
from mappings.spill import Spill
from tests.conftest import ROOT

FULL = Path("/dev/full")

_DIE = """
import os, signal, sys
from pathlib import Path
from flows.spill_folder import SpillFolder
kept = SpillFolder(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_its_owner_can_read_it_and_it_is_gone_in_the_end(tmp_path: Path) -> None:
    with SpillFolder(tmp_path) as folder:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        (folder.path / "rows.arrow").touch()
    assert list(tmp_path.iterdir()) == []


def test_the_next_one_sweeps_up_after_a_killed_run_and_leaves_a_living_one(tmp_path: Path) -> None:
    with SpillFolder(tmp_path) as living:
        killed = subprocess.run([sys.executable, "-c", _DIE, str(tmp_path)], cwd=ROOT, check=False)
        assert killed.returncode < 0
        assert len(list(tmp_path.iterdir())) == 2
        with SpillFolder(tmp_path) as mine:
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
        folder = SpillFolder(tmp_path)
    with folder:
        assert made
        assert list(tmp_path.iterdir()) == [folder.path] != made


def test_a_place_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="CADASTRA_SPILL"):
        SpillFolder(ROOT / "no" / "such" / "place")


def test_a_disk_that_is_full_is_told() -> None:
    if not FULL.is_char_device():
        pytest.skip("this system has no device that is always full")
    rows = pa.table({"text": ["x" * 100_000]})
    with (
        pytest.raises(CadastraError, match="No space left on device"),
        Spill(str(FULL), rows.schema) as spill,
    ):
        spill.add(rows, np.zeros(1, np.int32))
