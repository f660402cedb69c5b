"""Great Expectations comes without what it does not need here, and what it asks for later is the real thing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from expectations.lean import lean

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = """
import sys
from expectations.library import import_great_expectations
import_great_expectations()
print(sorted({"scipy", "altair", "sqlalchemy.orm", "jinja2"} & sys.modules.keys()))
made = ("great_expectations.expectations.core.expect_", "great_expectations.datasource.fluent.spark")
print(sorted(name.rpartition(".")[2] for name in sys.modules if name.startswith(made)))
import great_expectations.expectations.core as core, great_expectations.expectations as expectations
names = [name for name in dir(core) if name.startswith("Expect")]
print(len(names) > 50, {getattr(core, name).__name__ == name for name in names})
print(expectations.ExpectColumnToExist is core.ExpectColumnToExist)
from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.datasource.fluent.data_asset.path.pandas.generated_assets import CSVAsset
print(SparkDatasource.__name__, CSVAsset.__name__)
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as charted
print(round(charted.stats.norm.cdf(0), 1), charted.alt.Chart.__name__)
import altair, scipy.stats
print(charted.alt.Chart is altair.Chart, charted.stats.norm is scipy.stats.norm)
"""


_COPIES = """
import copy, re
from expectations.library import copied_by_slot, import_great_expectations
import_great_expectations()
from great_expectations.expectations.core import ExpectColumnValuesToBeInSet
from great_expectations.datasource.fluent.sql_datasource import TableAsset
from pydantic.v1.fields import ModelField

def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one).__module__.startswith("pydantic.v1") and hasattr(type(one), "__slots__"):
        return all(same(getattr(one, name, None), getattr(other, name, None)) for name in type(one).__slots__)
    return one == other or shown(one) == shown(other)

def shown(one):  # of what is only ever equal to itself
    return re.sub(" at 0x[0-9a-f]+", "", repr(one))

fields = [*ExpectColumnValuesToBeInSet.__fields__.values(), *TableAsset.__fields__.values()]
print(len(fields), hasattr(ModelField, "__deepcopy__"))
print({same(copied_by_slot(field, {}), copy.deepcopy(field)) for field in fields})
copies = [copied_by_slot(field, {}) for field in fields]
print(any(copy.field_info is field.field_info for copy, field in zip(copies, fields)))
"""
_HELD = """
import gc, weakref
from expectations.library import import_great_expectations

class Tables:
    pass

def judge():
    tables = Tables()
    import_great_expectations()
    return weakref.ref(tables)

gc.disable()
print(judge()() is None)
"""


def test_the_import_keeps_nothing_of_whoever_asks_for_it() -> None:
    said = subprocess.run([sys.executable, "-c", _HELD], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"


def test_fields_are_copied_as_deeply_as_ever() -> None:
    said = subprocess.run([sys.executable, "-c", _COPIES], capture_output=True, text=True, check=True)
    counted, *told = said.stdout.split("\n")[:3]
    assert int(counted.split()[0]) > 20
    assert [counted.split()[1], *told] == ["False", "{True}", "False"]


def test_what_is_not_used_here_is_imported_when_it_is_asked_for() -> None:
    said = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    told = said.stdout.split("\n")
    assert told[:5] == ["[]", "[]", "True {True}", "True", "SparkDatasource CSVAsset"]
    assert told[5:7] == ["0.5 Chart", "True True"]


_PACKAGE = """
from __future__ import annotations
from .first import used, also as other
from .first import plain, also
from .second import *
made = used + 1
"""


def test_a_lean_package_has_all_its_names_and_imports_what_it_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "lean_package_of_the_tests"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(_PACKAGE)
    (folder / "first.py").write_text("used, plain, also = 1, 2, 3")
    (folder / "second.py").write_text("from .third import late; own = 4; _hidden = 5")
    (folder / "third.py").write_text("late = 6")
    monkeypatch.syspath_prepend(str(tmp_path))
    with lean([name]):
        package = import_module(name)
    try:
        assert (package.made, package.used, package.other) == (2, 1, 3)
        assert f"{name}.second" not in sys.modules
        assert (package.plain, package.also, package.own, package.late) == (2, 3, 4, 6)
        for unknown in ("_hidden", "missing"):
            with pytest.raises(AttributeError, match=unknown):
                getattr(package, unknown)
    finally:
        for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
            del sys.modules[loaded]
