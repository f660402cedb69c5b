"""When a document was last changed and since when the relation exists, each with the line that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.unread import is_unread
from mappings.columns import arrow, column, earlier
from mappings.staging import NO_TIME, UNREAD_TIME, latest_seconds, seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mappings.profile import Table
    from mappings.staging import Bucket, Staged


@dataclass(frozen=True, slots=True)
class Times:
    """Hold times: canonical text, seconds UTC (unread ones at the end that wins), and where each stands."""

    text: pa.Array
    seconds: NDArray[np.int64]
    files: pa.Array
    lines: NDArray[np.int64]


def row_times(bucket: Bucket, staged: Staged) -> Times:
    """Return the update time of each row; where a row has none, clientes' own time stands for it."""
    own = staged.columns["updated_at"]
    customers = bucket.registers.customers
    spare = customers.columns["updated_at"].take(pa.array(staged.register))
    missing = pc.is_null(own).to_numpy(zero_copy_only=False)
    text = pc.coalesce(own, spare)
    lines = np.where(missing, customers.lines[staged.register], staged.lines)
    files = pc.if_else(pa.array(missing), customers.file, staged.file)
    return Times(text, latest_seconds(text), files, lines)


def _customer_times(bucket: Bucket) -> Times:
    customers = bucket.registers.customers
    everyone = pa.repeat(pa.scalar(customers.file), len(customers))
    return Times(customers.columns["updated_at"], bucket.registers.updated, everyone, customers.lines)


def _latest(documents: int, owner: NDArray[np.int64], times: Times) -> NDArray[np.int64]:
    """Return, for each document, the entry with the greatest time, or -1 without any."""
    entries = np.flatnonzero((owner >= 0) & (times.seconds != NO_TIME))
    stamps, owners = times.seconds[entries], owner[entries]
    greatest = np.full(documents, NO_TIME, np.int64)
    np.maximum.at(greatest, owners, stamps)
    chosen = stamps == greatest[owners]
    best = np.full(documents, -1, np.int64)
    best[owners[chosen]] = entries[chosen]  # of equal times the last entry
    return best


def _together(parts: list[Times]) -> Times:
    return Times(
        pa.concat_arrays([part.text for part in parts]),
        np.concatenate([part.seconds for part in parts]),
        pa.concat_arrays([part.files for part in parts]),
        np.concatenate([part.lines for part in parts]),
    )


def updated_at(
    bucket: Bucket, document: NDArray[np.int64], count: int, tables: tuple[type[Table], ...]
) -> Times:
    """Return the latest update time of each document among its rows in its own tables, else that of clientes.

    A time of clientes that could not be read is never dropped, whatever stands in the own tables.
    ``document`` gives the document of each register. ``seconds`` of the result are not meaningful for a document
    without any time; its text is missing.
    """
    staged = [bucket.tables[table] for table in tables]
    parts = [row_times(bucket, table) for table in staged]
    owners = [document[table.register] for table in staged]
    rows = _together([*parts, _customer_times(bucket)])
    unread = np.where(bucket.registers.updated == UNREAD_TIME, document, -1)
    best = _latest(count, np.concatenate([*owners, unread]), rows)
    spare = _latest(count, np.concatenate([*(np.full(len(owner), -1) for owner in owners), document]), rows)
    return _taken(rows, np.where(best >= 0, best, spare))


def started_at(bucket: Bucket, document: NDArray[np.int64], count: int) -> Times:
    """Return the earliest start of each document among its registers: DOC 3040 or CCS (C-START-DATE)."""
    customers = bucket.registers.customers
    first = column(customers.columns["start_in_3040"], "customers.start_in_3040")
    text = arrow(earlier(first, column(customers.columns["start_in_ccs"], "customers.start_in_ccs")))
    stamps = seconds(text)
    unread = is_unread(text).to_numpy(zero_copy_only=False)
    backwards = np.where(unread, UNREAD_TIME, np.where(stamps == NO_TIME, NO_TIME, -stamps))
    times = Times(text, backwards, pa.repeat(pa.scalar(customers.file), len(customers)), customers.lines)
    return _taken(times, _latest(count, document, times))


def _taken(times: Times, entries: NDArray[np.int64]) -> Times:
    chosen = pa.array(entries, mask=entries < 0)
    lines = np.append(times.lines, 0)[entries]
    stamps = np.append(times.seconds, NO_TIME)[entries]
    return Times(times.text.take(chosen), stamps, times.files.take(chosen), lines)
