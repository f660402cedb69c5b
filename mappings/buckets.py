"""How many buckets an export goes into, which its number of registers alone decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.profile import NAMES, Customers

if TYPE_CHECKING:
    from mappings.control import Control
    from mappings.core import Core


def bucket_count(control: Control, core: Core, bucket_size: int) -> int:
    """Return how many buckets the registers of an export go into."""
    rows, _ = control.tables.get(core.stage_of(NAMES[Customers]).name, (0, ""))
    return bucket_count_of(rows, bucket_size)


def bucket_count_of(registers: int, bucket_size: int) -> int:
    """Return into how many buckets so many registers go: one, or an even number, so that two workers end together."""
    count = max(1, -(-registers // bucket_size))
    return count if count == 1 else count + count % 2
