"""The closing table of a run says every count in whatever width there is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from customers.structures import STRUCTURES
from flows.closing import show_counts
from flows.reporting import COUNTS

MILLION = 1_234_567


def shown(width: int, *used: str) -> str:
    """Show a table whose ``used`` counts, and what is read, are seven digits long."""
    rows = [
        {"structure": each.name, **{count: MILLION * (count in {"read", *used}) for count in COUNTS}}
        for each in STRUCTURES
    ]
    said = io.StringIO()
    show_counts(Console(file=said, width=width), rows)
    return said.getvalue()


@pytest.mark.parametrize("width", [120, 80, 60])
@pytest.mark.parametrize("used", [(), ("unchanged",), tuple(COUNTS)])
def test_no_count_is_lost_or_cut_in_any_width(width: int, used: tuple[str, ...]) -> None:
    said = shown(width, *used)
    assert said.count(f"{MILLION:,}") == len({"read", *used}) * len(STRUCTURES)
    assert all(each.name in said for each in STRUCTURES)
    assert all(len(line) <= width for line in said.splitlines())
    assert "…" not in said


def test_what_is_zero_everywhere_gives_way() -> None:
    assert "withdrawn" in shown(120, "unchanged")
    assert "withdrawn" not in shown(80, "unchanged")
