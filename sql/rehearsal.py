"""A serving database that is only read: what a run would do is found out, and nothing of it is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sql.engine import open_engine, target_of
from sql.migrate import is_empty
from sql.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from sql.ledger import Ending, RunCount, RunStart


class Rehearsal(Store):
    """A store whose every writing method does nothing."""

    def begin_run(self, run: RunStart) -> int:  # noqa: ARG002 (as the store has it; so below)
        """Record nothing."""
        return 0

    def has_retired(self) -> bool:
        """Save the search for what is stored already: nothing will be stored."""
        return False

    def write_bucket(self, run_seq: int, bucket: int, rows: Mapping[str, pa.Table], outcome: str) -> bool:  # noqa: ARG002
        """Write nothing."""
        return True

    def write_documents(self, run_seq: int, documents: pa.Table) -> None:
        """Write nothing."""

    def serve_again(self, run_seq: int, document_ids: pa.Array | pa.ChunkedArray) -> None:
        """Write nothing."""

    def write_run_counts(self, run_seq: int, counts: Iterable[RunCount]) -> None:
        """Write nothing."""

    def publish(
        self, run_seq: int, *, finished_at: str, counts: Mapping[str, object], rolled_back: Sequence[int] = ()
    ) -> None:
        """Show nothing."""

    def finish_run(self, run_seq: int, state: Ending, finished_at: str, counts: Mapping[str, object]) -> None:
        """Record nothing."""

    def _append(self, table: object, run_seq: int, rows: pa.Table) -> None:
        """Write nothing."""

    def _append_by_id(self, table: object, run_seq: int, rows: pa.Table) -> None:
        """Write nothing."""


def open_rehearsal(url: str) -> Store:
    """Open a serving database to be read; one that is not there, or is empty, counts as one without documents.

    Raise UnreadableInput where it cannot be opened or its tables are not up to date.
    """
    absent = _is_absent(url)
    store = open_store("sqlite://" if absent else url, migrate=absent)
    return Rehearsal(store.engine)


def _is_absent(url: str) -> bool:
    target = target_of(url)
    if target.drivername.startswith("sqlite"):
        name = target.database
        if not name or name == ":memory:" or name.startswith("file:"):
            return not name
        if not Path(name).exists() or Path(name).stat().st_size == 0:
            return True
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return is_empty(connection)
    finally:
        engine.dispose()
