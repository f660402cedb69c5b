"""How many buckets an export goes into, which its control file alone decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.profile import NAMES, Customers

if TYPE_CHECKING:
    from mappings.core import Core
    from mappings.extract import Control


def bucket_count(control: Control, core: Core, bucket_size: int) -> int:
    """Return how many buckets an export has: one, or an even number, so that two workers are done at the same time."""
    rows, _ = control.tables.get(core.stage_of(NAMES[Customers]).name, (0, ""))
    count = max(1, -(-rows // bucket_size))
    return count if count == 1 else count + count % 2
