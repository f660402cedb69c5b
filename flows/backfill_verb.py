"""The verb ``backfill``: past business dates in order, and a closing table by date."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 (typer reads it at run time)
from pathlib import Path  # noqa: TC003 (as above)
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import AsJson, Database, LogJson, Metrics, Quiet  # noqa: TC001 (as above)
from flows.signals import stoppable

if TYPE_CHECKING:
    from datetime import date

    from flows.backfill import BackfillParameters, BackfillReport, Dated

verbs = typer.Typer()

Day = ["%Y-%m-%d"]
_COUNTS = ("new", "changed", "rejected", "withdrawn")


@verbs.command()
def backfill(  # noqa: PLR0913 (a verb has as many parameters as its options)
    exports: Annotated[Path, typer.Option(help="Folder of folders named by business date.")],
    first: Annotated[datetime, typer.Option("--from", formats=Day, help="First business date.")],
    last: Annotated[datetime, typer.Option("--to", formats=Day, help="Last business date.")],
    *,
    core: Annotated[str | None, typer.Option(help="Core profile; default CADASTRA_CORE.")] = None,
    database: Database = None,
    version: Annotated[str, typer.Option(help="Version of the Customers API.")] = "2.2.1",
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Leave out dates of which any export is published.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Run every date, even where something newer is served.")
    ] = False,
    until_failure: Annotated[
        bool, typer.Option("--until-failure", help="End with the first date that is not published.")
    ] = False,
    docs: Annotated[bool, typer.Option("--docs/--no-docs", help="Data Docs of each run.")] = True,
    log_json: LogJson = None,
    metrics: Metrics = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Publish the exports of past business dates in order; what is published already is left out.

    The exit code is that of the first date that was not published: 2 missing, 3 held, 4 refused.
    """
    from flows.backfill import BackfillParameters  # noqa: PLC0415 (heavy)
    from flows.progress import gives_way  # noqa: PLC0415

    quiet = quiet or gives_way(log_json)
    parameters = BackfillParameters.given(
        exports=exports,
        from_=first.date(),
        to=last.date(),
        core=core,
        database=database,
        version=version,
        only_missing=only_missing,
        replay=replay,
        until_failure=until_failure,
        docs=docs,
        log_json=log_json,
        metrics=metrics,
    )
    with stoppable():
        report = _backfill(parameters, quiet=quiet or as_json)
    if as_json:
        from flows.reporting import show_json  # noqa: PLC0415 (as above)

        show_json(report.as_data())
    elif not quiet:
        _show(report)
    _fail(report)


def _backfill(parameters: BackfillParameters, *, quiet: bool) -> BackfillReport:
    """Run it, telling a person which date it is at and what was not published."""
    from flows.backfill import backfill  # noqa: PLC0415 (heavy)
    from flows.progress import progress  # noqa: PLC0415
    from flows.reporting import say  # noqa: PLC0415

    days = parameters.dates
    with progress(quiet=quiet) as tell:

        def begin(day: date) -> None:
            tell(day.isoformat(), days.index(day) / len(days))

        def told(dated: Dated) -> None:
            if dated.problem and not quiet:
                say(f"{dated.business_date}: {dated.problem}")

        return backfill(parameters, begin=begin, told=told)


def _show(report: BackfillReport) -> None:
    """Print the closing table: one row per date, counts of documents of all structures."""
    from rich.box import SIMPLE  # noqa: PLC0415 (only a person needs it)
    from rich.table import Table  # noqa: PLC0415

    from flows.reporting import person  # noqa: PLC0415

    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title="backfill", title_justify="left")
    for heading in ("date", "outcome", "kind"):
        table.add_column(heading, no_wrap=True)
    for heading in (*_COUNTS, "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for dated in report.dates:
        ran = dated.outcome in {"published", "held"}
        counts = [f"{getattr(dated, name):,}" if ran else "" for name in _COUNTS]
        seconds = f"{dated.seconds:.1f}" if ran else ""
        table.add_row(dated.business_date.isoformat(), dated.outcome, dated.kind, *counts, seconds)
    person().print(table)


def _fail(report: BackfillReport) -> None:
    """Name every date that was not published."""
    from customers.errors import CadastraError  # noqa: PLC0415

    if report.exit_code == 0:
        return
    named = [
        f"{dated.business_date} {dated.outcome}"
        for dated in report.dates
        if dated.exit_code or dated.outcome == "not reached"
    ]
    way_out = "".join(
        f"; cadastra release {dated.run_id} --reason TEXT publishes {dated.business_date}"
        for dated in report.dates
        if dated.outcome == "held"
    )
    problem = CadastraError(
        f"{len(named)} of {len(report.dates)} dates not published: {', '.join(named)}{way_out}"
    )
    problem.exit_code = report.exit_code
    raise problem
