"""The private folder of a run: nobody else's to read, gone with the run, swept after a kill."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from flows.spill_folder import SpillFolder
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

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
