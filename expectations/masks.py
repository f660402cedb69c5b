"""What a kernel finds out about one rule: how many values it looked at, which rows fail, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from expectations.cells import Positions


class RuleKey(NamedTuple):
    """Name one rule on one xpath: some rules stand on several fields of a structure."""

    rule: str
    xpath: str


class Mask(NamedTuple):
    """Hold the outcome of one rule on one block: ``applied`` counts the failed and the unknown too.

    ``failed`` are rows of the rule's block, ascending, each at most once.
    """

    applied: int
    unknown: int
    failed: Positions


NOTHING: Positions = np.empty(0, dtype=np.int64)

Masks = dict[RuleKey, Mask]


def all_pass(applied: int) -> Mask:
    """Return the mask of a rule that nothing breaks."""
    return Mask(applied, 0, NOTHING)
