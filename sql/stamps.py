"""When the core changed the documents of a first load, kept with each bucket until the run ends.

Where nothing was published before, every document has waited, so that none has to be read again to say how long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlalchemy import func, select

from sql.tables import publications, run_buckets, run_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    Moments = np.ndarray[tuple[int], np.dtype[np.int64]]

# Microseconds since 1970 of each document, in no order.
_STAMPS = pa.schema([pa.field("structure", pa.string()), pa.field("moments", pa.large_list(pa.int64()))])


def all_waited(connection: Connection, run_seq: int) -> bool:
    """Say whether every document of a run will have waited: nothing was published before it."""
    before = select(publications.c.run_seq).where(publications.c.run_seq < run_seq).limit(1)
    return connection.scalars(before).first() is None


def moments_of(stamps: pa.Array | pa.ChunkedArray) -> Moments:
    """Return stamps of the core (UTC text) as microseconds since 1970."""
    moments: Moments = stamps.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return moments


def packed(documents: pa.Table) -> bytes:
    """Return the moments of documents by structure as bytes."""
    structures = documents["structure"].combine_chunks().dictionary_encode()
    places = structures.indices.to_numpy().astype(np.int16)
    order = np.argsort(places, kind="stable")
    ends = np.cumsum(np.bincount(places, minlength=len(structures.dictionary)))
    moments = pa.array(moments_of(documents["update_date_time"])[order])
    lists = pa.LargeListArray.from_arrays(pa.array([0, *ends], pa.int64()), moments)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, _STAMPS) as stream:
        stream.write_table(pa.table([structures.dictionary, lists], schema=_STAMPS))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def kept(connection: Connection, run_seq: int, run_id: str) -> dict[str, list[Moments]] | None:
    """Return the moments of a run's documents by structure, in parts; None unless its buckets kept all of them."""
    moments = _unpacked(content for content in _each(connection, run_seq) if content is not None)
    stored = func.sum(run_counts.c.published_new + run_counts.c.published_changed)
    told = connection.scalars(select(stored).where(run_counts.c.run_id == run_id)).one()
    return moments if told == sum(len(part) for parts in moments.values() for part in parts) else None


def _each(connection: Connection, run_seq: int) -> Iterator[bytes | None]:
    """Read what the buckets of a run kept one by one: the driver holds an answer twice."""
    mine = run_buckets.c.run_seq == run_seq
    for bucket in connection.scalars(select(run_buckets.c.bucket).where(mine)).all():
        one = select(run_buckets.c.stamps).where(mine, run_buckets.c.bucket == bucket)
        yield connection.scalars(one).one()


def _unpacked(contents: Iterable[bytes]) -> dict[str, list[Moments]]:
    moments: dict[str, list[Moments]] = {}
    for content in contents:
        table = pa.ipc.open_stream(content).read_all()
        for structure, listed in zip(table["structure"].to_pylist(), table["moments"], strict=True):
            moments.setdefault(structure, []).append(listed.values.to_numpy())
    return moments
