"""Truth in Kleene's logic, one for each row: true, false, or neither, which is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from expectations.cells import Booleans, Positions


class Kleene(NamedTuple):
    """Say in which rows a condition is true, and in which it is false; nobody writes to either."""

    true: Booleans
    false: Booleans

    def __invert__(self) -> Kleene:
        """Return what is true where this is false."""
        return Kleene(self.false, self.true)

    def __and__(self, other: Kleene) -> Kleene:
        """Return the conjunction: one that is false settles it."""
        return Kleene(self.true & other.true, self.false | other.false)

    def __or__(self, other: Kleene) -> Kleene:
        """Return the disjunction: one that is true settles it."""
        return Kleene(self.true | other.true, self.false & other.false)

    @property
    def known(self) -> Booleans:
        """Say which rows are not unknown."""
        return self.true | self.false


def known_for_all(verdicts: Booleans) -> Kleene:
    """Return verdicts of which none is unknown."""
    return Kleene(verdicts, ~verdicts)


def always(size: int) -> Kleene:
    """Return what is true in every row."""
    return Kleene(np.ones(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_))


def lifted(verdicts: Booleans, known: Booleans | None, rows: Positions, size: int) -> Kleene:
    """Spread the verdicts on some rows, all known or those that ``known`` says; the other rows are unknown."""
    true, false = (verdicts, ~verdicts) if known is None else (verdicts & known, ~verdicts & known)
    if len(rows) == size:
        return Kleene(true, false)
    spread = Kleene(np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_))
    spread.true[rows] = true
    spread.false[rows] = false
    return spread
