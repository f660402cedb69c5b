"""The first tables: everything is written ahead and counts once its run is in ``publications``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Iterable

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables; the views come after the last step, see ``sql.migrate``."""
    _runs()
    if _postgres():
        _documents_postgres()
    else:
        _documents_sqlite()
    _served()
    _customer_states()
    _quality()
    _sequences()


def _postgres() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _in(schema: str) -> str | None:
    return schema if _postgres() else None


def _text(*names: str, nullable: bool = False) -> Iterable[sa.Column[str]]:
    return (sa.Column(name, sa.Text, nullable=nullable) for name in names)


def _numbers(*names: str) -> Iterable[sa.Column[int]]:
    return (sa.Column(name, sa.BigInteger, nullable=False) for name in names)


def _key(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("run_seq", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Text, nullable=False, unique=True),
        *_text("flow", "core"),
        *_text("business_date", "generated_at", nullable=True),
        *_text("kind", "state", "started_at"),
        *_text("finished_at", "mapping_version", "counts", "batch_id", "export", nullable=True),
        schema=_in("quality"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "publications",
        _key("run_seq", sa.Integer),
        *_text("run_id", "published_at"),
        schema=_in("control"),
    )


def _documents_sqlite() -> None:
    op.create_table(
        "documents",
        _key("document_id", sa.Integer),
        sa.Column("run_seq", sa.Integer, nullable=False),
        *_text("structure", "version", "customer_id", "core_key"),
        *_text("tax_id", nullable=True),
        *_text("content_hash", "update_date_time", "document"),
    )
    for column in ("customer_id", "core_key", "tax_id"):
        op.create_index(f"documents_{column}", "documents", [column])


def _documents_postgres() -> None:
    op.execute(
        """
        CREATE TABLE serving.documents (
            document_id bigint NOT NULL,
            run_seq integer NOT NULL,
            structure text NOT NULL,
            version text NOT NULL,
            customer_id text NOT NULL,
            core_key text NOT NULL,
            tax_id text,
            content_hash text NOT NULL,
            update_date_time text NOT NULL,
            document text NOT NULL,
            segment integer NOT NULL DEFAULT 0,
            PRIMARY KEY (document_id, segment)
        ) PARTITION BY LIST (segment)
        """
    )
    op.execute("CREATE TABLE serving.documents_shared PARTITION OF serving.documents FOR VALUES IN (0)")
    for column in ("customer_id", "core_key", "tax_id"):
        op.create_index(f"documents_{column}", "documents", [column], schema="serving")


def _served() -> None:
    op.create_table(
        "served_again",
        _key("document_id", sa.BigInteger),
        _key("run_seq", sa.Integer),
        schema=_in("control"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "retired",
        _key("document_id", sa.BigInteger),
        _key("opened_run_seq", sa.Integer),
        _key("run_seq", sa.Integer),
        schema=_in("control"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stale_marks",
        _key("customer_id", sa.Text),
        _key("structure", sa.Text),
        _key("version", sa.Text),
        _key("run_seq", sa.Integer),
        *_text("since", nullable=True),
        schema=_in("control"),
        sqlite_with_rowid=False,
    )


def _customer_states() -> None:
    op.create_table(
        "customer_states",
        _key("person_id", sa.Text),
        _key("run_seq", sa.Integer),
        *_text("tax_id", nullable=True),
        *_text("kind", "availability", "since"),
        schema=_in("serving"),
        sqlite_with_rowid=False,
    )
    op.create_index("customer_states_tax_id", "customer_states", ["tax_id"], schema=_in("serving"))


def _quality() -> None:
    op.create_table(
        "run_counts",
        _key("run_id", sa.Text),
        _key("structure", sa.Text),
        *_numbers("read", "published_new", "published_changed", "unchanged"),
        *_numbers("rejected_stale", "rejected_unserved", "excluded", "withdrawn"),
        *_text("excluded_reasons"),
        schema=_in("quality"),
    )
    op.create_table(
        "rule_results",
        *_text("run_id", "structure", "xpath", "rule", "severity"),
        *_numbers("applied", "passed", "failed", "unknown"),
        schema=_in("quality"),
    )
    op.create_table(
        "findings",
        *_text("run_id", "structure", "customer_ref", "occurrence", "rule", "severity"),
        *_text("shape", "source_file", nullable=True),
        sa.Column("source_line", sa.BigInteger),
        schema=_in("quality"),
    )
    for table in ("rule_results", "findings"):
        op.create_index(f"{table}_run_id", table, ["run_id"], schema=_in("quality"))


def _sequences() -> None:
    sequences = op.create_table(
        "sequences",
        _key("name", sa.Text),
        sa.Column("next_id", sa.BigInteger, nullable=False),
        schema=_in("control"),
    )
    op.bulk_insert(sequences, [{"name": "documents", "next_id": 1}])
