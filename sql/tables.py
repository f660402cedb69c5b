"""The tables of the serving database as they are now; how they came to be is in ``sql/migrations``.

Every table but ``runs``, ``consents``, ``sequences``, ``run_lock`` and ``erasures`` only grows, until ``purge`` or
``erase`` takes rows away. A row counts from the moment its run is in ``publications``. On PostgreSQL the names are
found through the search path, so no schema is spelt here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, MetaData, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.types import TypeEngine

# The schemas of PostgreSQL, in the order of every search path; the first one also takes the views.
SCHEMAS: dict[str, tuple[str, ...]] = {
    "serving": ("documents", "customer_states", "consents"),
    "quality": ("runs", "run_counts", "rule_results", "findings", "freshness"),
    "control": (
        *("publications", "served_again", "retired", "stale_marks", "sequences"),
        *("run_lock", "erasures", "purges", "fingerprints", "forgotten", "run_buckets"),
    ),
}

metadata = MetaData()
# SQLite numbers rows by itself only where the type is spelt INTEGER.
_ID = BigInteger().with_variant(Integer(), "sqlite")


def _key(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _required(kind: type[TypeEngine[Any]], *names: str) -> Iterable[Column[Any]]:
    return (Column(name, kind, nullable=False) for name in names)


def _optional(kind: type[TypeEngine[Any]], *names: str) -> Iterable[Column[Any]]:
    return (Column(name, kind) for name in names)


runs = Table(
    "runs",
    metadata,
    Column("run_seq", Integer, primary_key=True),
    Column("run_id", Text, nullable=False, unique=True),
    *_required(Text, "flow", "core"),
    *_optional(Text, "business_date", "generated_at"),
    *_required(Text, "kind", "state", "started_at"),
    *_optional(Text, "finished_at", "mapping_version", "counts", "batch_id", "export", "resume_key"),
    sqlite_autoincrement=True,
)

publications = Table(
    "publications", metadata, _key("run_seq", Integer), *_required(Text, "run_id", "published_at")
)

# On PostgreSQL there is one column more, ``segment``: see ``sql.partitions``. Who asks by core key asks by the
# customer_id made of it: see ``sql.whose``.
documents = Table(
    "documents",
    metadata,
    _key("document_id", _ID),
    Column("run_seq", Integer, nullable=False),
    *_required(Text, "structure", "version", "customer_id", "core_key"),
    Column("tax_id", Text),
    *_required(Text, "content_hash", "update_date_time", "document"),
    Index("documents_customer_id", "customer_id"),
    Index("documents_tax_id", "tax_id"),
)

served_again = Table(
    "served_again",
    metadata,
    _key("document_id", BigInteger),
    _key("run_seq", Integer),
    sqlite_with_rowid=False,
)

retired = Table(
    "retired",
    metadata,
    _key("document_id", BigInteger),
    _key("opened_run_seq", Integer),
    _key("run_seq", Integer),
    sqlite_with_rowid=False,
)

# ``customer_ref`` names the findings that explain the mark; they are those of ``refused_run_seq``, null: of run_seq.
stale_marks = Table(
    "stale_marks",
    metadata,
    _key("customer_id", Text),
    _key("structure", Text),
    _key("version", Text),
    _key("run_seq", Integer),
    *_optional(Text, "since", "customer_ref"),
    Column("refused_run_seq", Integer),
    sqlite_with_rowid=False,
)

customer_states = Table(
    "customer_states",
    metadata,
    _key("person_id", Text),
    _key("run_seq", Integer),
    Column("tax_id", Text),
    *_required(Text, "kind", "availability", "since"),
    Index("customer_states_tax_id", "tax_id"),
    sqlite_with_rowid=False,
)

# What a register's person was made of, by the last run that worked on it and had nothing to find; ``excluded`` are the
# reasons, with blanks between them, why the person has no document of a kind. Good for business dates up to
# ``valid_until``.
fingerprints = Table(
    "fingerprints",
    metadata,
    _key("core_key", Text),
    _key("run_seq", Integer),
    Column("fingerprint", BigInteger, nullable=False),
    Column("valid_until", Text),
    *_required(Text, "excluded", "availability"),
    sqlite_with_rowid=False,
)

# Registers that a run refused, or whose documents it touched, without a fingerprint of theirs; ``gone`` is 1 where
# nothing is served under the key any more. Whatever is served is of a register in here or in ``fingerprints``.
forgotten = Table(
    "forgotten",
    metadata,
    *_required(Text, "core_key"),
    *_required(Integer, "run_seq", "gone"),
    Index("forgotten_core_key", "core_key"),
)

# Which buckets of a running run are finished, and what they came to (JSON); gone when the run ends. ``stamps``: see
# ``sql.stamps``.
run_buckets = Table(
    "run_buckets",
    metadata,
    _key("run_seq", Integer),
    _key("bucket", Integer),
    Column("outcome", Text, nullable=False),
    Column("stamps", LargeBinary),
    sqlite_with_rowid=False,
)

# ``permissions`` are names with blanks between them; ``expires_at`` is null where a consent has no end.
consents = Table(
    "consents",
    metadata,
    _key("consent_id", Text),
    *_required(Text, "tax_id", "kind", "status", "permissions", "joint_approval"),
    Column("expires_at", Text),
    Column("imported_at", Text, nullable=False),
    Index("consents_tax_id", "tax_id"),
    sqlite_with_rowid=False,
)

# ``skipped``: of the unchanged, documents that were not judged again.
run_counts = Table(
    "run_counts",
    metadata,
    _key("run_id", Text),
    _key("structure", Text),
    *_required(BigInteger, "read", "published_new", "published_changed", "unchanged"),
    *_required(BigInteger, "rejected_stale", "rejected_unserved", "excluded", "withdrawn"),
    Column("excluded_reasons", Text, nullable=False),
    Column("skipped", BigInteger, nullable=False, server_default="0"),
)

rule_results = Table(
    "rule_results",
    metadata,
    *_required(Text, "run_id", "structure", "xpath", "rule", "severity"),
    *_required(BigInteger, "applied", "passed", "failed", "unknown"),
    Index("rule_results_run_id", "run_id"),
)

findings = Table(
    "findings",
    metadata,
    *_required(Text, "run_id", "structure", "customer_ref", "occurrence", "rule", "severity"),
    *_optional(Text, "shape", "source_file"),
    Column("source_line", BigInteger),
    Index("findings_run_id", "run_id"),
)

# Seconds from the core's change of a document to its being served: see ``sql.freshness``. ``first_load`` is 1 where
# nothing of the structure was served before.
freshness = Table(
    "freshness",
    metadata,
    _key("run_id", Text),
    _key("structure", Text),
    *_required(BigInteger, "documents", "p50_seconds", "p95_seconds", "max_seconds"),
    Column("share_within_60_minutes", Double, nullable=False),
    Column("first_load", Integer, nullable=False),
)

sequences = Table("sequences", metadata, _key("name", Text), Column("next_id", BigInteger, nullable=False))

# The one row says who may publish; ``token`` counts the holders, ``backend_pid`` is PostgreSQL's session.
run_lock = Table(
    "run_lock",
    metadata,
    _key("name", Text),
    Column("token", BigInteger, nullable=False),
    *_required(Text, "run_id", "host"),
    Column("pid", BigInteger, nullable=False),
    *_required(Text, "process_started"),
    Column("backend_pid", BigInteger),
    *_required(Text, "started_at", "heartbeat_at"),
)

# ``person`` is a keyed hash of a tax id that may not be served again unless ``lifted_at`` says otherwise.
erasures = Table(
    "erasures",
    metadata,
    _key("person", Text),
    _key("erased_at", Text),
    Column("lifted_at", Text),
    Column("counts", Text, nullable=False),
)

# What was served before run ``first_kept_run_seq`` cannot be restored any more.
purges = Table(
    "purges",
    metadata,
    _key("purge_id", Text),
    *_required(Text, "purged_at", "cutoff"),
    Column("first_kept_run_seq", Integer, nullable=False),
    Column("counts", Text, nullable=False),
)


def arrow_schema(table: Table) -> pa.Schema:
    """Return the columns of a table as Arrow fields: text, int64 or int32, nullable or not."""
    return pa.schema(
        [
            pa.field(column.name, _arrow_type(column), nullable=bool(column.nullable))
            for column in table.columns
        ]
    )


def _arrow_type(column: Column[Any]) -> pa.DataType:
    if isinstance(column.type, Text):
        return pa.string()
    if isinstance(column.type, BigInteger):
        return pa.int64()
    if isinstance(column.type, Integer):
        return pa.int32()
    message = f"no Arrow type for column {column.table.name}.{column.name}"
    raise TypeError(message)
