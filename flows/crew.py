"""All cores of this machine: processes that each work on one bucket after another.

Every process is an executor of its own: one that is killed costs the bucket that it had, which is given to another.
The processes are forked from one that has imported everything (``flows.crew_nursery``) while the export was being read.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import forkserver
from typing import TYPE_CHECKING

from customers.errors import CadastraError
from flows import crew_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from typing import Self

    from flows.bucket import Terms
    from flows.bucket_outcome import Outcome

    Done = tuple[Outcome, dict[str, str]]

MOST_TRIES = 3
_NURSERY = "flows.crew_nursery"


class WorkerLost(CadastraError):
    """Report a bucket whose worker died each time."""


def prepare() -> None:
    """Let the process that others are forked from begin its imports; nobody waits for it before the first is forked."""
    forkserver.set_forkserver_preload([_NURSERY])
    forkserver.ensure_running()


class Member:
    """One process."""

    def __init__(self) -> None:
        """Fork it, as soon as the process that it is forked from is ready."""
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver"))
        self._begun = self._pool.submit(crew_tasks.begin)
        self._stopped = False

    @property
    def pid(self) -> int:
        """Wait for the process and return its number."""
        return self._begun.result()

    def accept(self, terms: Terms) -> None:
        """Send the terms of all buckets."""
        self._pool.submit(crew_tasks.accept, terms)

    def give(self, number: int) -> Future[Done]:
        """Give it a bucket."""
        return self._pool.submit(crew_tasks.do, number)

    def stop(self) -> None:
        """Kill the process, whatever it does: a transaction that is open is rolled back."""
        # Only once: afterwards its number may be that of another process.
        if not self._stopped and self._begun.done() and self._begun.exception() is None:
            self._stopped = True
            with suppress(ProcessLookupError):
                os.kill(self._begun.result(), signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and wait until it is gone, with all its memory."""
        self.stop()
        self._pool.shutdown(cancel_futures=True)


class Crew:
    """So many processes at most; a context manager that ends them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._members: list[Member] = []
        self._stopped: list[Member] = []
        prepare()

    def __enter__(self) -> Self:
        """Return the crew itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End every process."""
        self.close()

    @property
    def members(self) -> list[Member]:
        """Return the processes; there are none before the first bucket is given away."""
        return list(self._members)

    def close(self) -> None:
        """End every process."""
        for member in [*self._members, *self._stopped]:
            member.end()
        self._members, self._stopped = [], []

    def do(self, terms: Terms, numbers: Iterable[int]) -> Iterator[tuple[int, Done]]:
        """Work through buckets and yield each as it is finished.

        Raises what a bucket raises, and WorkerLost where the worker of one died ``MOST_TRIES`` times.
        """
        waiting, tries = deque(numbers), Counter[int]()
        while len(self._members) < min(self._size, len(waiting)):
            self._members.append(Member())
        idle = list(self._members)
        under_way: dict[Future[Done], tuple[Member, int]] = {}
        for member in idle:
            member.accept(terms)
        while waiting or under_way:
            while waiting and idle:
                member, number = idle.pop(), waiting.popleft()
                try:
                    under_way[member.give(number)] = member, number
                except BrokenProcessPool:
                    idle.append(self._replace(member, terms))
                    self._again(number, tries, waiting)
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                member, number = under_way.pop(future)
                try:
                    done = future.result()
                except BrokenProcessPool:
                    idle.append(self._replace(member, terms))
                    self._again(number, tries, waiting)
                else:
                    idle.append(member)
                    yield number, done
        self._stop()

    def _stop(self) -> None:
        """Kill the processes, for which there is no more work: they end while the run is published."""
        for member in self._members:
            member.stop()
        self._stopped += self._members
        self._members = []

    def _replace(self, member: Member, terms: Terms) -> Member:
        member.end()
        fresh = Member()
        self._members[self._members.index(member)] = fresh
        fresh.accept(terms)
        return fresh

    @staticmethod
    def _again(number: int, tries: Counter[int], waiting: deque[int]) -> None:
        tries[number] += 1
        if tries[number] >= MOST_TRIES:
            msg = f"the worker of bucket {number} died {MOST_TRIES} times (is there enough memory?)"
            raise WorkerLost(msg)
        waiting.appendleft(number)
