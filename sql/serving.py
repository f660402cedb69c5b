"""What is being served now, and what was stored before, as Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text, text

from sql.bulk import append, read, read_each
from sql.engine import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

SERVED = pa.schema(
    {
        "customer_id": pa.string(),
        "core_key": pa.string(),
        "tax_id": pa.string(),
        "document_id": pa.int64(),
        "opened_run_seq": pa.int64(),
        "content_hash": pa.string(),
        "stale": pa.bool_(),
    }
)
STORED = pa.schema({"customer_id": pa.string(), "content_hash": pa.string(), "document_id": pa.int64()})
CUSTOMERS = pa.schema(
    {
        "person_id": pa.string(),
        "tax_id": pa.string(),
        "kind": pa.string(),
        "availability": pa.string(),
        "since": pa.string(),
    }
)

STATES = f"SELECT {', '.join(CUSTOMERS.names)} FROM customers"  # noqa: S608 (our own words)

TEXTS = pa.schema({"document_id": pa.int64(), "core_key": pa.string(), "document": pa.string()})

SERVED_OF_ALL = pa.schema([pa.field("structure", pa.string()), *SERVED])

_COLUMNS = """
    customer_id, core_key, tax_id, document_id, opened_run_seq, content_hash,
    stale_since IS NOT NULL AS stale
"""
_SERVED = f"SELECT {_COLUMNS} FROM served WHERE structure = :structure AND version = :version"  # noqa: S608 (ours)
_COUNTS = "SELECT structure, COUNT(*) AS documents FROM served WHERE version = :version GROUP BY structure"
_SERVED_OF_ALL = f"SELECT structure, {_COLUMNS} FROM served WHERE version = :version"  # noqa: S608 (ours)

# A document is not served any more when the last run to end a period of it came after the last to begin one.
# Whose documents are wanted is found first: PostgreSQL would read all there are for some thousand.
_STORED = """
    WITH found AS MATERIALIZED (
        SELECT d.document_id, d.run_seq, d.customer_id, d.content_hash, d.tax_id
        FROM documents AS d
        WHERE d.structure = :structure AND d.version = :version AND d.customer_id {of_wanted})
    SELECT w.customer_id, w.content_hash, MAX(d.document_id) AS document_id
    FROM wanted AS w
    JOIN found AS d ON d.customer_id = w.customer_id AND d.content_hash = w.content_hash
        AND COALESCE(d.tax_id, '') = COALESCE(w.tax_id, '')
    WHERE (SELECT MAX(r.run_seq) FROM retired AS r JOIN publications AS p ON p.run_seq = r.run_seq
           WHERE r.document_id = d.document_id)
        > COALESCE((SELECT MAX(s.run_seq) FROM served_again AS s
                    JOIN publications AS p ON p.run_seq = s.run_seq
                    WHERE s.document_id = d.document_id), d.run_seq)
    GROUP BY w.customer_id, w.content_hash
"""

_TEXTS = """
    SELECT d.document_id, d.core_key, d.document
    FROM wanted_documents AS w JOIN documents AS d ON d.document_id = w.document_id
"""

_WANTED_DOCUMENTS = Table(
    "wanted_documents", MetaData(), Column("document_id", BigInteger, nullable=False), prefixes=["TEMPORARY"]
)

_WANTED = Table(
    "wanted",
    MetaData(),
    Column("customer_id", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("tax_id", Text),
    Index("wanted_customer_id", "customer_id"),
    prefixes=["TEMPORARY"],
)


def served(connection: Connection, structure: str, version: str) -> pa.Table:
    """Return the documents of a structure being served, without their text: columns of ``SERVED``."""
    return read(connection, _SERVED, SERVED, {"structure": structure, "version": version})


def served_of_all(connection: Connection, version: str, among: str = "true") -> Iterator[pa.Table]:
    """Return, some at a time, documents of all structures being served: columns of ``SERVED_OF_ALL``.

    ``among`` is a condition. No index tells structures apart, so that a question about each would read all documents
    each time.
    """
    return read_each(connection, f"{_SERVED_OF_ALL} AND {among}", SERVED_OF_ALL, {"version": version})


def counts(connection: Connection, version: str) -> dict[str, int]:
    """Count the documents being served by structure; a structure without any is missing."""
    return {row.structure: row.documents for row in connection.execute(text(_COUNTS), {"version": version})}


def stored_before(connection: Connection, structure: str, version: str, wanted: pa.Table) -> pa.Table:
    """Find the wanted documents (customer_id, content_hash, tax_id) that were served once and are not now.

    Columns of ``STORED``; what was never published, or is being served, has no row. The tax id counts, since the text
    of most structures does not tell it.
    """
    _WANTED.create(connection)
    append(connection, _WANTED, wanted.select(["customer_id", "content_hash", "tax_id"]))
    connection.exec_driver_sql("ANALYZE wanted")
    statement = _STORED.format(of_wanted=one_of(connection, "SELECT customer_id FROM wanted"))
    found = read(connection, statement, STORED, {"structure": structure, "version": version})
    _WANTED.drop(connection)
    return found


def texts(connection: Connection, document_ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return stored documents with their text, by number and in no order: columns of ``TEXTS``."""
    _WANTED_DOCUMENTS.create(connection)
    append(connection, _WANTED_DOCUMENTS, pa.table({"document_id": document_ids}))
    connection.exec_driver_sql("ANALYZE wanted_documents")
    found = read(connection, _TEXTS, TEXTS, {})
    _WANTED_DOCUMENTS.drop(connection)
    return found


def customer_states(connection: Connection, statement: str = STATES) -> Iterator[pa.Table]:
    """Return, some at a time, the present states of persons, as a statement tells: columns of ``CUSTOMERS``."""
    return read_each(connection, statement, CUSTOMERS, {})
