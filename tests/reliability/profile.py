"""How much of everything the reliability tests do: little in CI, the issue's counts at night.

``CADASTRA_TEST_PROFILE=nightly`` chooses the large counts; anything else is a mistake that is told.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts for each database; ``None`` is: all there are.

    ``fault_stride`` is by how much the place of the next fault grows: 1.0 tries every place. ``every_act``: each fault
    at each of its places, else they take turns. ``server_orders`` are those of PostgreSQL. ``late_changes`` are exported
    some time after their stamp, cut by ``late_runs`` runs. ``histories`` of a small bank are sifted.
    """

    kill_points: int | None
    random_kills: int
    torn_publishes: int
    torn_kills: int
    torn_reads: int
    fault_stride: float
    every_act: bool
    races: int
    orders: int
    server_orders: int
    corrupted: int
    backfill_dates: int
    backfill_kills: int
    late_changes: int
    late_runs: int
    histories: int


_PROFILES = {
    "ci": Profile(12, 2, 6, 3, 1_000, 4.0, False, 4, 3, 2, 50, 6, 2, 60, 6, 1),  # noqa: FBT003 (a table of figures)
    "nightly": Profile(None, 200, 50, 20, 20_000, 1.0, True, 100, 50, 50, 1_000, 30, 5, 10_000, 200, 40),  # noqa: FBT003 (as above)
}
PROFILE = _PROFILES[os.environ.get("CADASTRA_TEST_PROFILE", "ci")]
# A night's test takes as long as it takes, but not for ever.
SECONDS = 600 if PROFILE is _PROFILES["ci"] else 6 * 3600
