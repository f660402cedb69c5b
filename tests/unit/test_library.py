"""Great Expectations comes without what it does not need here, and what it asks for later is the real thing."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
from expectations.library import import_great_expectations
import_great_expectations()
print(sorted({"scipy.stats", "altair"} & sys.modules.keys()))
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


def test_fields_are_copied_as_deeply_as_ever() -> None:
    said = subprocess.run([sys.executable, "-c", _COPIES], capture_output=True, text=True, check=True)
    counted, *told = said.stdout.split("\n")[:3]
    assert int(counted.split()[0]) > 20
    assert [counted.split()[1], *told] == ["False", "{True}", "False"]


def test_what_only_statistics_need_is_imported_when_it_is_asked_for() -> None:
    said = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:3] == ["[]", "0.5 Chart", "True True"]
