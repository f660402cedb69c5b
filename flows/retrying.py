"""Try again what may pass, after growing delays."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, TypeVar

from flows.delays import RETRY_SECONDS
from sql.transient import may_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")


def persist(step: Callable[[], Result], delays: Sequence[float] = RETRY_SECONDS) -> Result:
    """Do a step, and again where it failed on something that may pass; raise what it raises at last."""
    for delay in delays:
        try:
            return step()
        except Exception as problem:
            if not may_pass(problem):
                raise
        sleep(delay)
    return step()
