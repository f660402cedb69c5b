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
    """Hold a time of each document: canonical text (missing without one), and where it stands (line 0: nowhere)."""

    text: pa.Array
    files: pa.Array
    lines: NDArray[np.int64]


def row_seconds(bucket: Bucket, staged: Staged) -> NDArray[np.int64]:
    """Return the update time of each row in seconds UTC; where a row has none, clientes' own time stands for it.

    Unread times are UNREAD_TIME. Every structure of a bucket asks, so that they are kept.
    """
    known = bucket.row_seconds
    if staged.table not in known:
        own = staged.columns["updated_at"]
        spare = bucket.registers.updated[staged.register]
        known[staged.table] = np.where(_missing(own), spare, latest_seconds(own))
    return known[staged.table]


def _missing(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False))


def _latest(documents: int, owner: NDArray[np.int64], seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each document, the entry with the greatest time, or -1 without any."""
    entries = np.flatnonzero((owner >= 0) & (seconds != NO_TIME))
    stamps, owners = seconds[entries], owner[entries]
    greatest = np.full(documents, NO_TIME, np.int64)
    np.maximum.at(greatest, owners, stamps)
    chosen = stamps == greatest[owners]
    best = np.full(documents, -1, np.int64)
    best[owners[chosen]] = entries[chosen]  # of equal times the last entry
    return best


def updated_at(
    bucket: Bucket, document: NDArray[np.int64], count: int, tables: tuple[type[Table], ...]
) -> Times:
    """Return the latest update time of each document among its rows in its own tables, else that of clientes.

    A time of clientes that could not be read is never dropped, whatever stands in the own tables.
    ``document`` gives the document of each register.
    """
    registers = bucket.registers
    rows = [bucket.tables[table] for table in tables]
    stamps = np.concatenate([*(row_seconds(bucket, staged) for staged in rows), registers.updated])
    unread = np.where(registers.updated == UNREAD_TIME, document, -1)
    best = _latest(count, np.concatenate([*(document[staged.register] for staged in rows), unread]), stamps)
    if (best < 0).any():
        nobody = np.full(len(stamps) - len(document), -1)
        best = np.where(best >= 0, best, _latest(count, np.concatenate([nobody, document]), stamps))
    return _said(rows, registers.customers, best)


def _said(rows: list[Staged], customers: Staged, entries: NDArray[np.int64]) -> Times:
    """Say what stands in chosen entries (-1: none): rows of some tables, one after the other, then of clientes."""
    parts = [*rows, customers]
    begin = np.cumsum([0, *(len(part) for part in parts)])
    own = [staged.columns["updated_at"] for staged in parts]
    places = [
        np.where(_missing(times), begin[-2] + staged.register, first + np.arange(len(staged)))
        for times, staged, first in zip(own[:-1], rows, begin, strict=False)
    ]
    place = np.concatenate([*places, begin[-2] + np.arange(len(customers))])
    return _taken(parts, pa.concat_arrays(own), begin, np.append(place, -1)[entries])


def _taken(parts: list[Staged], texts: pa.Array, begin: NDArray[np.int64], place: NDArray[np.int64]) -> Times:
    """Return what stands in chosen rows (-1: none) of several tables."""
    chosen = pa.array(place, mask=place < 0)
    part = np.searchsorted(begin, place, side="right") - 1
    files = pa.array([staged.file for staged in parts], pa.string()).take(pa.array(part, mask=place < 0))
    lines = np.concatenate([*(staged.lines for staged in parts), [0]])[place]
    return Times(texts.take(chosen), files, lines)


def started_at(bucket: Bucket, document: NDArray[np.int64], count: int) -> Times:
    """Return the earliest start of each document among its registers: DOC 3040 or CCS (C-START-DATE)."""
    customers = bucket.registers.customers
    if not bucket.starts:
        bucket.starts.append(_starts(customers))
    (text, backwards), *_ = bucket.starts
    entries = _latest(count, document, backwards)
    return _taken([customers], text, np.array([0, len(customers)]), entries)


def _starts(customers: Staged) -> tuple[pa.Array, NDArray[np.int64]]:
    """Return the start of each register, and a number that is the greater the earlier it is; every structure asks."""
    first = column(customers.columns["start_in_3040"], "customers.start_in_3040")
    text = arrow(earlier(first, column(customers.columns["start_in_ccs"], "customers.start_in_ccs")))
    stamps = seconds(text)
    unread = is_unread(text).to_numpy(zero_copy_only=False)
    return text, np.where(unread, UNREAD_TIME, np.where(stamps == NO_TIME, NO_TIME, -stamps))
