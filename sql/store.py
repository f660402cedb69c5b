"""The serving database: everything is written ahead, unseen, and one small transaction shows it.

Tables go in and come out as Arrow. All times are UTC text, ``YYYY-MM-DDTHH:MM:SSZ``. Every method is a
transaction of its own, and any number of processes may write documents of the same run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from customers.errors import Busy, UnreadableInput
from sql import (
    buckets,
    fingerprints,
    freshness,
    ledger,
    leftovers,
    lock,
    order,
    partitions,
    preparing,
    sequences,
    serving,
    tables,
)
from sql.bulk import append
from sql.engine import is_postgres, open_engine, reading, writing
from sql.ledger import Ending, RunCount, RunStart
from sql.migrate import at_head, upgrade_engine
from sql.near import near, served_among

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray
    from sqlalchemy import Engine, Table

    from sql.near import Near

__all__ = ["RunCount", "RunStart", "Store", "open_store"]


def open_store(url: str, *, migrate: bool = True) -> Store:
    """Open a serving database, bringing its tables up to date first.

    Raise UnreadableInput where the database cannot be opened, where its tables were made by a newer program,
    or, with ``migrate=False``, where they are not up to date.
    """
    engine = open_engine(url)
    try:
        _bring_up_to_date(engine, migrate=migrate)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


class Store:
    """A serving database that is open; a context manager that closes it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine on a database whose tables are up to date.

        ``token`` is set by ``sql.lock.hold`` and is what ``publish`` demands; so is ``interrupted``, a run to go on
        with.
        """
        self._engine = engine
        self.token: int | None = None
        self.interrupted: lock.Interrupted | None = None

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """Return the engine, for the other modules of this package."""
        return self._engine

    def begin_run(self, run: RunStart) -> int:
        """Record a run as running and return its number."""
        with writing(self._engine) as connection:
            return ledger.begin(connection, run)

    def resume_run(self, run_seq: int) -> None:
        """Take back what a run that is gone on with said when it seemed to be at its end."""
        with writing(self._engine) as connection:
            ledger.claim(connection, run_seq)
            ledger.take_back(connection, run_seq)

    def served(self, structure: str, version: str) -> pa.Table:
        """Return the documents of a structure being served, without their text: ``sql.serving.SERVED``."""
        with self._engine.connect() as connection:
            return serving.served(connection, structure, version)

    def each_served(self, version: str) -> Iterator[pa.Table]:
        """Return, some at a time, the documents being served of all structures: ``sql.serving.SERVED_OF_ALL``."""
        with self._engine.connect() as connection:
            yield from serving.served_of_all(connection, version)

    def stored_before(self, structure: str, version: str, wanted: pa.Table) -> pa.Table:
        """Find the wanted (customer_id, content_hash, tax_id) served once and not now: ``sql.serving.STORED``."""
        with self._engine.connect() as connection:
            return serving.stored_before(connection, structure, version, wanted)

    def texts(self, document_ids: pa.Array | pa.ChunkedArray) -> pa.Table:
        """Return stored documents with their text: ``sql.serving.TEXTS``."""
        with self._engine.connect() as connection:
            return serving.texts(connection, document_ids)

    def has_published(self) -> bool:
        """Say whether any run was ever published."""
        return bool(self.query("SELECT run_seq FROM publications LIMIT 1"))

    def has_retired(self) -> bool:
        """Say whether any period of being served ever ended: else ``stored_before`` finds nothing."""
        return bool(self.query("SELECT 1 AS found FROM retired LIMIT 1"))

    def customer_states(self) -> pa.Table:
        """Return the present state of every person: ``sql.serving.CUSTOMERS``."""
        return pa.concat_tables([serving.CUSTOMERS.empty_table(), *self.each_customer_state()])

    def each_customer_state(self) -> Iterator[pa.Table]:
        """Do what ``customer_states`` does, some rows at a time."""
        with self._engine.connect() as connection:
            yield from serving.customer_states(connection)

    def each_fingerprint(self) -> Iterator[pa.Table]:
        """Return, some at a time, the last published fingerprints of registers: ``sql.fingerprints.FINGERPRINTS``."""
        with self._engine.connect() as connection:
            yield from fingerprints.last(connection)

    def each_group(self) -> Iterator[pa.Table]:
        """Return, some at a time, every published fingerprint with what it is worth: ``sql.fingerprints.GROUPS``."""
        with self._engine.connect() as connection:
            yield from fingerprints.groups(connection)

    def each_remembered(self, among: NDArray[np.int64]) -> Iterator[pa.Table]:
        """Return, some at a time, at least who is remembered by some fingerprints: ``sql.fingerprints.REMEMBERED``."""
        with self._engine.connect() as connection:
            yield from fingerprints.remembered(connection, among)

    def forgotten(self) -> pa.Table:
        """Return the registers that published runs touched and do not remember: ``sql.fingerprints.FORGOTTEN``."""
        with self._engine.connect() as connection:
            return fingerprints.forgotten(connection)

    def remembers(self) -> bool:
        """Say whether any register is remembered by a published run."""
        with self._engine.connect() as connection:
            return fingerprints.any_remembered(connection)

    def near(
        self, core_keys: pa.Array, customer_ids: pa.Array, tax_ids: pa.Array, person_ids: pa.Array
    ) -> AbstractContextManager[Near]:
        """Read only what a delta with some registers can touch: ``sql.near.near``."""
        return near(self._engine, core_keys, customer_ids, tax_ids, person_ids)

    def served_among(self, customer_ids: pa.Array) -> pa.Array:
        """Return under which of some customer ids anything is served, of any version."""
        with self._engine.connect() as connection:
            return served_among(connection, customer_ids)

    def served_counts(self, version: str) -> dict[str, int]:
        """Count the documents being served by structure; a structure without any is missing."""
        with self._engine.connect() as connection:
            return serving.counts(connection, version)

    def is_older_than_full(self, batch: dict[str, str]) -> bool:
        """Say whether a newer full export than a batch is published: ``sql.order.is_older_than_full``."""
        with self._engine.connect() as connection:
            return order.is_older_than_full(connection, batch)

    def newer(self, batch: dict[str, str]) -> pa.Table:
        """Return the registers of which something newer than a batch is served: ``sql.order.newer``."""
        with self._engine.connect() as connection:
            return order.newer(connection, batch)

    def write_bucket(self, run_seq: int, bucket: int, rows: Mapping[str, pa.Table], outcome: str) -> bool:
        """Write everything of one bucket by table, and its outcome, or nothing: ``sql.buckets.write``."""
        return buckets.write(self._engine, run_seq, bucket, rows, outcome)

    def finished_buckets(self, run_seq: int) -> dict[int, str]:
        """Return the outcome of each bucket of a run that is finished."""
        with self._engine.connect() as connection:
            return buckets.finished(connection, run_seq)

    def outcome_of(self, run_seq: int, bucket: int) -> str | None:
        """Return the outcome of a bucket of a run, None while it is not finished."""
        with self._engine.connect() as connection:
            return buckets.outcome_of(connection, run_seq, bucket)

    def write_documents(self, run_seq: int, documents: pa.Table) -> None:
        """Store documents, unseen, in any number of calls; columns of ``documents`` after run_seq."""
        with writing(self._engine) as connection:
            first = sequences.reserve(connection, "documents", documents.num_rows)
        ids = pa.array(np.arange(first, first + documents.num_rows, dtype=np.int64))
        rows = buckets.with_number(documents, run_seq).append_column("document_id", ids)
        with writing(self._engine) as connection:
            ledger.claim(connection, run_seq)
            if is_postgres(connection):
                partitions.prepare(connection, run_seq, [tables.documents])
                append(
                    connection, tables.documents, rows, into=partitions.table_of(tables.documents, run_seq)
                )
            else:
                append(connection, tables.documents, rows)

    def serve_again(self, run_seq: int, document_ids: pa.Array | pa.ChunkedArray) -> None:
        """Let stored documents be served anew from this run on."""
        self._append(tables.served_again, run_seq, pa.table({"document_id": document_ids}))

    def retire(self, run_seq: int, periods: pa.Table) -> None:
        """Let periods of being served (document_id, opened_run_seq) end with this run."""
        self._append(tables.retired, run_seq, periods)

    def mark_stale(self, run_seq: int, marks: pa.Table) -> None:
        """Say since when newer documents (structure, version, customer_id) are refused; null: no longer."""
        self._append(tables.stale_marks, run_seq, marks)

    def write_customer_states(self, run_seq: int, states: pa.Table) -> None:
        """Store the states of persons that changed; columns of ``sql.serving.CUSTOMERS``."""
        self._append(tables.customer_states, run_seq, states)

    def write_fingerprints(self, run_seq: int, rows: pa.Table) -> None:
        """Remember what registers were made of; columns of ``sql.tables.fingerprints`` after run_seq."""
        self._append(tables.fingerprints, run_seq, rows)

    def write_findings(self, run_seq: int, findings: pa.Table) -> None:
        """Store findings; columns of ``customers.findings.FINDINGS_SCHEMA``. Seen at once."""
        self._append_by_id(tables.findings, run_seq, findings)

    def write_rule_results(self, run_seq: int, results: pa.Table) -> None:
        """Store verdicts per rule; columns of ``customers.findings.RULE_RESULTS_SCHEMA``. Seen at once."""
        self._append_by_id(tables.rule_results, run_seq, results)

    def write_run_counts(self, run_seq: int, counts: Iterable[RunCount]) -> None:
        """Store what became of the registers of each structure. Seen at once."""
        with writing(self._engine) as connection:
            ledger.write_counts(connection, ledger.run_id_of(connection, run_seq), counts)

    def publish(
        self, run_seq: int, *, finished_at: str, counts: Mapping[str, object], rolled_back: Sequence[int] = ()
    ) -> None:
        """Show everything of a run at once, and call the runs that it undoes rolled back.

        Raise CadastraError unless the run is running or held, where a later run was published before it, and
        where the lock that this store holds was lost; Busy where it holds none and another run does.
        """
        preparing.prepare(self._engine, run_seq, finished_at)
        with writing(self._engine) as connection:
            lock.verify(connection, self.token)
            ledger.publish(connection, run_seq, finished_at, counts, rolled_back)
            if is_postgres(connection):
                # Nothing is left to do but for what another process wrote since.
                partitions.settle(connection, run_seq)

    def finish_run(self, run_seq: int, state: Ending, finished_at: str, counts: Mapping[str, object]) -> None:
        """Record that a run ended unpublished; what it wrote unseen is kept only if it was held.

        Raise CadastraError unless the run is running or held.
        """
        with writing(self._engine) as connection:
            ledger.finish(connection, run_seq, state, finished_at, counts)
            if state != "held":
                leftovers.discard(connection, [run_seq])

    def give_up(self, run_seq: int, state: Ending, finished_at: str, counts: Mapping[str, object]) -> None:
        """Record that an error or a signal ended a run, unless it is published by then.

        Where the database is out of reach, the next holder of the lock records it.
        """
        with suppress(DBAPIError, Busy):
            states = self.query("SELECT state FROM runs WHERE run_seq = :run_seq", {"run_seq": run_seq})
            if [row["state"] for row in states] == ["running"]:
                self.finish_run(run_seq, state, finished_at, counts)

    def run_id_of(self, run_seq: int) -> str:
        """Return the id of a run that began."""
        with self._engine.connect() as connection:
            return ledger.run_id_of(connection, run_seq)

    def state_of(self, run_id: str) -> str | None:
        """Return the state of a run, None for one that the ledger does not know."""
        states = self.query("SELECT state FROM runs WHERE run_id = :run_id", {"run_id": run_id})
        return str(states[0]["state"]) if states else None

    def runs(self, limit: int = 20) -> list[dict[str, object]]:
        """List the runs, newest first, ``counts`` as a mapping."""
        with self._engine.connect() as connection:
            return ledger.newest(connection, limit)

    def run_counts(self, run_id: str) -> list[dict[str, object]]:
        """List what became of the registers of each structure in one run."""
        with self._engine.connect() as connection:
            return ledger.counts_of(connection, run_id)

    def freshness(self, run_id: str) -> list[dict[str, object]]:
        """List how long the documents that a run published had waited: rows of ``sql.tables.freshness``."""
        with self._engine.connect() as connection:
            return freshness.of_run(connection, run_id)

    def erased_persons(self) -> list[str]:
        """List whom the store may not serve: keyed hashes of tax ids whose erasure is not lifted."""
        erasures = tables.erasures
        statement = select(erasures.c.person).where(erasures.c.lifted_at.is_(None)).distinct()
        with self._engine.connect() as connection:
            return list(connection.scalars(statement.order_by(erasures.c.person)))

    def documents_of(self, document_ids: Sequence[int]) -> dict[int, str]:
        """Return the texts of some stored documents by number."""
        documents = tables.documents
        wanted = documents.c.document_id.in_(list(document_ids))
        with self._engine.connect() as connection:
            rows = connection.execute(select(documents.c.document_id, documents.c.document).where(wanted))
            return {row.document_id: row.document for row in rows}

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        """Run a small query with ``:named`` parameters that cannot write, and return its rows."""
        with reading(self._engine) as connection:
            return [dict(row) for row in connection.execute(text(sql), dict(params or {})).mappings()]

    def _append(self, table: Table, run_seq: int, rows: pa.Table) -> None:
        with writing(self._engine) as connection:
            ledger.claim(connection, run_seq)
            append(connection, table, buckets.with_number(rows, run_seq))

    def _append_by_id(self, table: Table, run_seq: int, rows: pa.Table) -> None:
        with writing(self._engine) as connection:
            run_id = pa.scalar(ledger.run_id_of(connection, run_seq), pa.string())
            append(connection, table, rows.append_column("run_id", pa.repeat(run_id, rows.num_rows)))


def _bring_up_to_date(engine: Engine, *, migrate: bool) -> None:
    with engine.connect() as connection:
        if at_head(connection):
            return
    if not migrate:
        message = "the tables of the database are not up to date: run `cadastra db upgrade`"
        raise UnreadableInput(message)
    upgrade_engine(engine)
