"""What the coordinator asks of a crew's process; the coordinator itself need not import what a bucket needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.bucket import Terms
    from flows.bucket_outcome import Outcome


def begin() -> int:
    """Make ready: see ``flows.crew_member``."""
    from flows import crew_member  # noqa: PLC0415 (heavy, and preloaded where this runs; so below)

    return crew_member.begin()


def accept(terms: Terms) -> None:
    """Take the terms of the buckets to come."""
    from flows import crew_member  # noqa: PLC0415

    crew_member.accept(terms)


def do(number: int) -> tuple[Outcome, dict[str, str]]:
    """Work through one bucket."""
    from flows import crew_member  # noqa: PLC0415

    return crew_member.do(number)
