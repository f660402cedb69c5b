"""A run begins without what it may never need."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import date
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from customers.absent import absent
from mappings.cores.reference.sample import write_sample

if TYPE_CHECKING:
    from pathlib import Path

_FORESIGHT = """
import sys, flows.foresight
print(sorted({"pyarrow", "numpy", "sqlalchemy", "structlog"} & sys.modules.keys()))
"""
_READING = """
import sys
from pathlib import Path
from flows.pipeline import Job, Run
from mappings.core import load_core
core = load_core("reference", ())
run = Run(Job(core=core, export=Path(sys.argv[1]), database_url="sqlite://", secret="0" * 32))
run.extract(ahead=True)
print(run.extracted.directory.count, sorted({"pandas", "rich", "alembic", "great_expectations"} & sys.modules.keys()))
import pyarrow as pa
from mappings.columns import arrow, column
made = column(pa.array(["a", None]), "name")
print(arrow(made).to_pylist(), pa.array(made).to_pylist())
import pandas as pd
print(pa.array(pd.Series([1.0, None])).null_count)  # which pyarrow only knows of what it knows to be pandas'
"""
_NURSERY = """
import flows.crew_nursery, os, threading
from multiprocessing import resource_tracker
from expectations import verdict
made = verdict.suite.cache_info().misses
child = os.fork()
if not child:
    verdict.warm_up()
    again = verdict.suite.cache_info().misses - made, verdict._validator.cache_info().misses
    print(made, *again, threading.active_count(), resource_tracker._resource_tracker._fd, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def said(code: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_module_is_absent_for_one_thread_alone() -> None:
    name = "this"  # which nobody imports
    with absent(name), ThreadPoolExecutor(1) as other:
        with pytest.raises(ModuleNotFoundError, match=name):
            import_module(name)
        with redirect_stdout(StringIO()):
            assert other.submit(import_module, name).result().__name__ == name
        assert import_module(name) is sys.modules.pop(name)


def test_whether_a_crew_is_needed_is_seen_before_anything_heavy() -> None:
    assert said(_FORESIGHT) == ["[]"]


def test_reading_an_export_imports_no_pandas_and_a_column_does(tmp_path: Path) -> None:
    write_sample(tmp_path / "export", customers=20, seed=1, bad=0.0, date=date(2026, 11, 20))
    assert said(_READING, str(tmp_path / "export")) == ["1 []", "['a', None] ['a', None]", "1"]


def test_a_forked_process_has_all_that_judging_needs_and_no_thread_or_semaphore() -> None:
    assert said(_NURSERY) == ["6 0 1 1 None"]
