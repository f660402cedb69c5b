"""Importing this makes ready the process that those of a crew are forked from: seconds, spent once for all of them."""

from __future__ import annotations

import gc
import signal

gc.disable()  # of all that is imported below nothing is garbage
signal.signal(signal.SIGINT, signal.SIG_IGN)  # a signal from the terminal is the coordinator's

from pyarrow import acero

from expectations.verdict import warm_up
from flows import cli, crew, crew_member
from mappings import core

# Every process imports the first anew: what it imports is there by then. The others are asked for by its first bucket.
__all__ = ["acero", "cli", "core", "crew", "crew_member"]

warm_up()
gc.enable()
gc.freeze()  # so that a process that is forked need not copy what its collector looks at
