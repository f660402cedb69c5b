"""Show what the serving database's ledger says, to a person or a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.reporting import person, show_json
from flows.settings import load_settings
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUN_COLUMNS = ("run_id", "flow", "core", "business_date", "kind", "state", "started_at", "finished_at", "counts")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for a person."""
    from rich.table import Table  # noqa: PLC0415 (only a person needs it)

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    person().print(table)


def show_runs(database: str | None, limit: int, *, as_json: bool) -> None:
    """List the runs, newest first."""
    with open_store(load_settings(database).database_url) as store:
        found: list[dict[str, Any]] = store.runs(limit)
    kept = [{column: run[column] for column in RUN_COLUMNS} for run in found]
    if as_json:
        show_json(kept)
        return
    brief = [[run[column] for column in RUN_COLUMNS[:-1]] for run in kept]
    show_table("runs", RUN_COLUMNS[:-1], brief)
