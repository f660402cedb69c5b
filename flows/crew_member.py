"""What a process of the crew does; importing this module imports all that a bucket needs but Great Expectations."""

from __future__ import annotations

import os
import signal
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING

from pyarrow import ipc

from flows.bucket import work_through
from flows.retrying import persist
from mappings.spill import open_file, written
from sql.store import open_store

if TYPE_CHECKING:
    import pyarrow as pa

    from flows.bucket import Terms
    from flows.bucket_outcome import Outcome
    from sql.store import Store

_terms: list[Terms] = []
_stores: dict[str, Store] = {}


def begin() -> int:
    """Leave signals from the terminal to the coordinator, and die with it; return this process's number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_die_with_parent, name="parent", daemon=True).start()
    return os.getpid()


def accept(terms: Terms) -> None:
    """Take the terms of the buckets to come."""
    _terms[:] = [terms]


def do(number: int) -> tuple[Outcome, dict[str, str]]:
    """Work through one bucket of the terms accepted last: see ``do_bucket``."""
    return do_bucket(_terms[0], number)


def do_bucket(terms: Terms, number: int) -> tuple[Outcome, dict[str, str]]:
    """Work through one bucket and write it; where only the coordinator writes, return its draft's files by table."""
    store = store_of(terms.database_url)
    draft, outcome = work_through(terms, number, store)
    rows = draft.rows()
    if terms.workers_write:
        began = perf_counter()
        persist(lambda: store.write_bucket(terms.run_seq, number, rows, outcome.as_json()))
        outcome.seconds["write"] = perf_counter() - began
        return outcome, {}
    return outcome, {name: _kept(f"{terms.folder}/_draft_{number}_{name}.arrow", rows[name]) for name in rows}


def _kept(place: str, rows: pa.Table) -> str:
    with written(), open_file(place, "wb") as file, ipc.new_file(file, rows.schema) as writer:
        writer.write_table(rows)
    return place


def store_of(url: str) -> Store:
    """Return the store of a URL, which this process opens once."""
    if url not in _stores:
        _stores[url] = open_store(url, migrate=False)
    return _stores[url]


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
