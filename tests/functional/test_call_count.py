"""No Python loop per row or per customer: ten times the customers in as many buckets make as many calls."""

from __future__ import annotations

from cProfile import Profile
from pstats import Stats
from typing import TYPE_CHECKING

import pytest

from flows.pipeline import Job, Run
from mappings.cores.reference.sample import write_sample
from tests.bank import CORE, SECRET
from tests.functional.test_run import DATE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
FEW, MANY = 1_000, 10_000


def calls(folder: Path, customers: int) -> int:
    """Count the calls of Python functions that a first run makes, the imports of an earlier one apart."""
    export = folder / str(customers)
    write_sample(export, customers=customers, seed=3, bad=0.0, date=DATE)
    url = f"sqlite:///{folder}/{customers}.db"
    run = Run(Job(core=CORE, export=export, database_url=url, secret=SECRET, thresholds=None))
    profile = Profile(builtins=False)
    with run.holding():
        profile.enable()
        run.extract()
        run.execute()
        profile.disable()
    total: int = Stats(profile).total_calls  # type: ignore[attr-defined]  # typeshed leaves it out
    return total


def test_calls_do_not_grow_with_the_customers(tmp_path: Path) -> None:
    calls(tmp_path, FEW // 10)
    few, many = calls(tmp_path, FEW), calls(tmp_path, MANY)
    assert many < few * 1.1
