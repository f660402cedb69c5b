"""The workers of a Dask cluster: every bucket is a task of a Prefect flow, done by whichever worker is free.

Import this module where a scheduler is given: it needs the extra ``dask``. A task takes the place of the sealed terms
and a number, and returns counts: no row passes through Dask or Prefect. A bucket whose worker dies is given to another
one; where more of its workers die than Dask allows, the run ends. ``flows.crew.Crew`` does the same on one machine.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from distributed import as_completed
from distributed.client import FutureCancelledError
from distributed.core import rpc
from distributed.scheduler import KilledWorker
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect_dask.task_runners import DaskTaskRunner

from customers.errors import UsageError
from flows.bucket_outcome import Outcome
from flows.crew import WorkerLost
from flows.sealed_terms import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from flows.bucket import Terms
    from flows.cluster_member import Told

Item = TypeVar("Item")
_CONNECT_SECONDS = 10


def _work_on(place: str, number: int) -> Told:
    from flows.cluster_member import work_on  # noqa: PLC0415 (heavy, and only for workers)

    return work_on(place, number)


_bucket = task(name="bucket", cache_policy=NO_CACHE, persist_result=False)(_work_on)


@flow(name="buckets", flow_run_name="buckets of {run_id}", validate_parameters=False, persist_result=False)
def _buckets(run_id: str, place: str, numbers: list[int]) -> Iterator[tuple[int, Told]]:  # noqa: ARG001 (the UI shows it)
    """Give every bucket to the cluster and yield each as it is done."""
    waiting: dict[Any, tuple[Any, int]] = {}
    for number in numbers:
        future: Any = _bucket.submit(place, number)
        waiting[future.wrapped_future] = future, number
    try:
        for finished in as_completed(list(waiting)):
            future, number = waiting.pop(finished)
            told = future.result()
            finished.release()  # at once: else the death of its worker would have it done again
            yield number, told
    finally:
        for future in waiting:
            future.cancel()


def _without_heartbeat(steps: Iterator[Item]) -> Generator[Item, None, None]:
    """Iterate a flow; the heartbeat is that of the run around it, and its thread costs a second to join."""
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield from steps


def _apart(steps: Callable[[], Generator[Item, None, None]]) -> Iterator[Item]:
    """Iterate in a context of its own: Prefect sends that of a flow to the workers, with the tasks around the flow.

    What is around is the run with its secret.
    """
    context = Context()
    iterator = context.run(steps)
    try:
        while (item := context.run(next, iterator, None)) is not None:
            yield item
    finally:
        context.run(iterator.close)


async def _ask(address: str) -> dict[str, Any]:
    """Ask a scheduler who it is."""
    async with rpc(address, timeout=_CONNECT_SECONDS) as scheduler:
        known: dict[str, Any] = await scheduler.identity()
        return known


class Cluster:
    """The workers of a scheduler; ``do`` is that of ``flows.crew.Crew``."""

    def __init__(self, address: str) -> None:
        """Raise UsageError where there is no such scheduler, or it has no worker."""
        self._address = address
        try:
            known = asyncio.run(_ask(address))
        except (OSError, ValueError, TypeError) as problem:  # of the network, the address, or how TLS is set
            msg = f"the Dask scheduler {address} cannot be reached: {problem}"
            raise UsageError(msg) from None
        if not known["workers"]:
            msg = f"the Dask scheduler {address} has no workers"
            raise UsageError(msg)

    def close(self) -> None:
        """Leave the workers to themselves: what they still write for a run that has ended is refused."""

    def do(self, terms: Terms, numbers: list[int]) -> Iterator[tuple[int, tuple[Outcome, dict[str, str]]]]:
        """Work through buckets and yield each as it is finished.

        Raises what a bucket raises, and WorkerLost where the workers of one died each time.
        """
        runner: Any = DaskTaskRunner(
            address=self._address, client_kwargs={"timeout": _CONNECT_SECONDS, "set_as_default": True}
        )
        buckets: Any = _buckets.with_options(task_runner=runner)
        try:
            place = seal(terms)
            for number, told in _apart(lambda: _without_heartbeat(buckets(terms.run_id, place, numbers))):
                outcome = Outcome.from_json(told["outcome"])
                outcome.seconds.update(told["seconds"])
                yield number, (outcome, {})
        except KilledWorker:
            raise WorkerLost("the workers of a bucket died each time (is there enough memory?)") from None
        except FutureCancelledError:
            raise WorkerLost(f"the Dask scheduler {self._address} was lost") from None
