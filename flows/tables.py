"""Tables of text for a person: aligned, one line per row and never broken, so that they can be searched and piped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.reporting import say

if TYPE_CHECKING:
    from collections.abc import Sequence


def show_columns(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on standard error."""
    if title:
        say(f"\n{title}")
    for line in aligned([headings, *rows]):
        say(f"  {line}")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad the cells of each column to one width.

    >>> aligned([("a", "bb", "c"), ("aa", "b", "")])
    ['a   bb  c', 'aa  b']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
