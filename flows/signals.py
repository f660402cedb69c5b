"""End in good order on SIGINT and SIGTERM: the run says so in the ledger, and no traceback is shown."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from threading import Timer, current_thread, main_thread
from typing import TYPE_CHECKING

from customers.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# What does not end by then is left to the next run, which finds a dead holder of the lock and clears up after it.
GRACE_SECONDS = 7.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal reached the main thread; a kind of KeyboardInterrupt, which no ``except Exception`` swallows."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM inside into an orderly end, and ignore those that follow.

    Raises Interrupted, whose exit code is 128 and the signal's number. A process that is still there after
    ``GRACE_SECONDS`` ends at once. Does nothing outside the main thread, where no signal arrives.
    """
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    except Stopped as stopped:
        raise _interrupted(stopped.number) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    timer = Timer(GRACE_SECONDS, _end_now, (number,))
    timer.daemon = True
    timer.start()
    raise Stopped(number)


def _interrupted(number: int) -> Interrupted:
    problem = Interrupted(
        f"interrupted by {signal.Signals(number).name}; `cadastra runs` says what became of it"
    )
    problem.exit_code = 128 + number
    return problem


def _end_now(number: int) -> None:
    sys.stderr.write(
        f"cadastra: {_interrupted(number)}; it took long to end, the next run clears up after it\n"
    )
    sys.stderr.flush()
    os._exit(128 + number)
