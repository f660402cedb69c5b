"""Do ahead, unseen, all that the publication of a run needs, so that its last transaction is small.

The tables that a large run has for itself are nobody else's until they are attached. So their keys are made several
at a time, each on a connection of its own, and freshness is measured meanwhile. A process that dies in between leaves
whole keys or none; who goes on makes those that are missing.
"""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any

from sql import freshness, partitions
from sql.engine import is_postgres, writing
from sql.tables import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

    Work = Callable[[Connection], None]

# Freshness and the keys of documents: those that begin together read the table together. What a server with more cores
# could do besides, its own parallel workers do for large tables.
_AT_ONCE = 5


def prepare(engine: Engine, run_seq: int, served_at: str) -> None:
    """Measure how long a run's documents will have waited at a moment, and settle all that it brings, unseen."""
    with engine.connect() as connection:
        postgres = is_postgres(connection)
        keys = partitions.keys(connection, run_seq) if postgres else []
    few = postgres and not any(key.own.whole is documents for key in keys)
    measure: Work = partial(freshness.measure, run_seq=run_seq, served_at=served_at, few=few)
    if keys:
        _together(engine, [measure, *(partial(partitions.make_key, key=key) for key in keys)])
    else:
        with writing(engine) as connection:
            measure(connection)
    if postgres:
        with writing(engine) as connection:
            partitions.settle(connection, run_seq)


def _together(engine: Engine, works: Sequence[Work]) -> None:
    """Do works at the same time, each in a transaction of its own; one that fails, or a signal, ends the others."""
    under_way: set[Any] = set()

    def do(work: Work) -> None:
        with writing(engine) as connection:
            driver = connection.connection.driver_connection
            under_way.add(driver)
            try:
                work(connection)
            finally:
                under_way.discard(driver)

    with ThreadPoolExecutor(_AT_ONCE, "publish") as pool:
        futures = [pool.submit(do, work) for work in works]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for driver in tuple(under_way):
                driver.cancel()
            raise
