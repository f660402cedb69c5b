"""The benchmark: ``python3 dev.py bench``. Markdown to standard output, progress to standard error.

Needs the extra ``bench`` for the rivals P2, P2b and P3; a rival whose engine is missing is named and left out.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path  # noqa: TC003 (typer reads the annotation)
from typing import Annotated, Literal

import typer

from tests.bench import sections
from tests.bench.measure import BenchError
from tests.bench.runners import OURS, PROGRAMS, bench
from tests.bench.tables import machine

_ENGINES = {"P2": "duckdb", "P2b": "duckdb", "P3": "polars"}
_QUICK = 10_000
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    customers: Annotated[int, typer.Option(min=1000, help="Registers of the export.")] = 100_000,
    rivals: Annotated[str, typer.Option(help="Which rivals, with commas; empty for none.")] = "P1,P2,P2b,P3",
    runs: Annotated[int, typer.Option(min=1, help="Runs of each, alternating.")] = 3,
    form: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Of the export.")] = "csv",
    database: Annotated[Literal["postgresql", "both"], typer.Option(help="Where the rivals run.")] = "both",
    parts: Annotated[
        str, typer.Option(help=f"What to measure: {', '.join(sections.PARTS)}.")
    ] = "rivals,limit,reading,incremental",
    minutes: Annotated[
        float, typer.Option(help="Begin nothing that would end after so many minutes.")
    ] = 20.0,
    verify: Annotated[bool, typer.Option(help="Compare every served document.")] = True,  # noqa: FBT002 (a flag)
    quick: Annotated[bool, typer.Option("--quick", help="10,000 customers, one run each.")] = False,  # noqa: FBT002 (a flag)
    work: Annotated[
        Path | None, typer.Option(help="Folder for exports, kept; default: a new one, removed.")
    ] = None,
) -> None:
    """Measure our run against four rivals and the database's own limit, on one invented export."""
    if quick:
        customers, runs, parts = _QUICK, 1, "rivals,limit,reading"
    chosen = [name for name in rivals.split(",") if name]
    wanted = [part for part in parts.split(",") if part]
    unknown = (set(chosen) - PROGRAMS.keys() - {""}) | (set(wanted) - set(sections.PARTS))
    if unknown or OURS in chosen:
        raise typer.BadParameter(f"not known here: {', '.join(sorted(unknown or {OURS}))}")
    absent = [
        name for name in chosen if name in _ENGINES and importlib.util.find_spec(_ENGINES[name]) is None
    ]
    task = sections.Task(
        customers=customers,
        rivals=[name for name in chosen if name not in absent],
        runs=runs,
        databases=("PostgreSQL",) if database == "postgresql" else ("PostgreSQL", "SQLite"),
        form=form,
        verify=verify,
        until=time.monotonic() + 60 * minutes,
    )
    task.missing += [f"{name}: {_ENGINES[name]} is not installed (extra `bench`)" for name in absent]
    with bench(work) as place:
        sys.stdout.write(f"# {customers:,} customers, {form}\n\n{machine(place.server)}\n")
        for part in wanted:
            sections.tell(part)
            try:
                sys.stdout.write(sections.PARTS[part](place, task) + "\n")
            except BenchError as problem:
                task.missing.append(f"{part}: {problem}")
            sys.stdout.flush()
    if task.missing:
        sys.stdout.write("Missing:\n\n" + "".join(f"* {line}\n" for line in task.missing))
    if task.wrong:
        sys.stderr.write("the programs do not serve the same documents\n")
        sys.exit(1)


if __name__ == "__main__":
    try:
        app()
    except BenchError as problem:
        sys.stderr.write(f"bench: {problem}\n")
        sys.exit(1)
