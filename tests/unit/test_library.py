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


def test_what_only_statistics_need_is_imported_when_it_is_asked_for() -> None:
    said = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:3] == ["[]", "0.5 Chart", "True True"]
