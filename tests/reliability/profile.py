"""How much of everything the reliability tests do: little in CI, the issue's counts at night.

``CADASTRA_TEST_PROFILE=nightly`` chooses the large counts; anything else is a mistake that is told.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts for each database, unless they say otherwise; ``None`` is: all there are.

    ``fault_stride`` is by how much the place of the next fault grows: 1.0 tries every place.
    """

    kill_points: int | None
    random_kills: int
    torn_publishes: int
    torn_kills: int
    torn_reads: int
    fault_stride: float
    races: int
    orders: int
    corrupted: int


_PROFILES = {
    "ci": Profile(16, 4, 8, 4, 2_000, 1.9, 6, 5, 150),
    "nightly": Profile(None, 200, 50, 20, 20_000, 1.0, 100, 50, 1_000),
}
PROFILE = _PROFILES[os.environ.get("CADASTRA_TEST_PROFILE", "ci")]
# A night's test takes as long as it takes, but not for ever.
SECONDS = 600 if PROFILE is _PROFILES["ci"] else 6 * 3600
