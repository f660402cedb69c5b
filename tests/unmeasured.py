"""The environment of a process that coverage does not measure."""

from __future__ import annotations

import os


def unmeasured() -> dict[str, str]:
    """Return this process's environment without what makes coverage measure those that it begins.

    So for whoever is sent a signal that Python raises: raised while coverage holds a lock of its own it would be held
    for ever, and every thread wait for it.
    """
    return {name: text for name, text in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
