"""Show what the serving database's ledger says, to a person or a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.reporting import person, say, show_json
from flows.settings import load_settings
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUN_COLUMNS = (
    "run_id",
    "flow",
    "core",
    "business_date",
    "kind",
    "state",
    "started_at",
    "finished_at",
    "counts",
)

BRIEF_COLUMNS = ("run_id", "state", "kind", "business_date", "started_at", "finished_at")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for a person."""
    from rich.box import SIMPLE  # noqa: PLC0415 (only a person needs it)
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    for column in columns:
        # An id that is cut cannot be copied; the first column names the row.
        table.add_column(column, no_wrap=column == columns[0], overflow="fold")
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
    if not kept:
        say("no run yet")
        return
    brief = [[str(run[column] or "").partition(".")[0] for column in BRIEF_COLUMNS] for run in kept]
    show_table("runs", BRIEF_COLUMNS, brief)
