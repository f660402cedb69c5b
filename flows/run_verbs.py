"""The verbs that run an export, or say what a run would do; heavy libraries are imported when one is called."""

from __future__ import annotations

import gc
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flows.options import AsJson, Database, LogJson, Metrics, Quiet  # noqa: TC001 (typer reads them at run time)
from flows.signals import stoppable

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline import Report
    from flows.sources import DatabaseExport

verbs = typer.Typer()
# The libraries make objects by the hundred thousand, of which none is garbage; a bucket leaves less than a thousand.
_GARBAGE = 1_000_000

Export = Annotated[
    str,
    typer.Option(
        help="Folder of one business date, or URL of a database: postgresql://USER@HOST/DATABASE/SCHEMA."
    ),
]
BusinessDate = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Business date of an export from a database.")
]
Kind = Annotated[Literal["full", "delta"] | None, typer.Option(help="Kind of an export from a database.")]
CoreName = Annotated[str | None, typer.Option(help="Core profile; default CADASTRA_CORE.")]
Version = Annotated[str, typer.Option(help="Version of the Customers API.")]
Replay = Annotated[
    bool, typer.Option("--replay", help="Take the batch even where what is served comes from a newer one.")
]
FullRemap = Annotated[bool, typer.Option("--full-remap", help="Work on what is unchanged, too.")]

Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that work on buckets; default CADASTRA_WORKERS, or all cores."),
]


@verbs.command()
def run(  # noqa: PLR0913 (a verb has as many parameters as its options)
    export: Export,
    core: CoreName = None,
    database: Database = None,
    version: Version = "2.2.1",
    *,
    business_date: BusinessDate = None,
    kind: Kind = None,
    strict: Annotated[bool, typer.Option(help="Exit with 5 when documents were refused.")] = False,
    flow: Annotated[bool, typer.Option("--flow", help="Run as a Prefect flow.")] = False,
    docs: Annotated[
        bool, typer.Option("--docs/--no-docs", help="Data Docs of the run (CADASTRA_DOCS).")
    ] = True,
    replay: Replay = False,
    full_remap: FullRemap = False,
    workers: Workers = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler whose workers do it; default CADASTRA_SCHEDULER."),
    ] = None,
    spill: Annotated[
        str | None, typer.Option(help="Folder or URL of the run's private files; default CADASTRA_SPILL.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing: the verb plan.")] = False,
    log_json: LogJson = None,
    metrics: Metrics = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Publish one export: map it, check it, and serve what passes."""
    choices = {
        "replay": replay,
        "full_remap": full_remap,
        "rehearse": dry_run,
        "log_json": log_json,
        "metrics": metrics,
        "scheduler": scheduler,
        "spill": spill,
    }
    gc.set_threshold(_GARBAGE)
    with stoppable():
        if not (dry_run or scheduler):
            from flows.foresight import foresee  # noqa: PLC0415 (heavy)

            foresee(export, core=core, database=database, workers=workers, full_remap=full_remap)
        source = _export(export, business_date, kind)
        report = _run(
            source, core, database, version, quiet, as_json, docs=docs, flow=flow, workers=workers, **choices
        )
    if dry_run:
        return
    hold_back(report)
    _strictly(report, strict=strict)


@verbs.command()
def plan(  # noqa: PLR0913 (as above)
    export: Export,
    core: CoreName = None,
    database: Database = None,
    version: Version = "2.2.1",
    *,
    business_date: BusinessDate = None,
    kind: Kind = None,
    replay: Replay = False,
    full_remap: FullRemap = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Say what a run would publish, withdraw and change, by xpath; nothing is written."""
    choices = {"replay": replay, "full_remap": full_remap, "rehearse": True}
    with stoppable():
        source = _export(export, business_date, kind)
        _run(source, core, database, version, quiet, as_json, docs=False, flow=False, **choices)


def _export(
    text: str, business_date: datetime | None, kind: Literal["full", "delta"] | None
) -> Path | DatabaseExport:
    from flows.sources import export_of  # noqa: PLC0415 (heavy)

    return export_of(text, None if business_date is None else business_date.date(), kind)


def _run(  # noqa: PLR0913, PLR0917 (as above)
    export: Path | DatabaseExport,
    core: str | None,
    database: str | None,
    version: str,
    quiet: bool,  # noqa: FBT001 (as above)
    as_json: bool,  # noqa: FBT001
    *,
    docs: bool,
    flow: bool,
    workers: int | None = None,
    **choices: Any,  # noqa: ANN401 (of make_job)
) -> Report:
    from flows.jobs import make_job  # noqa: PLC0415 (heavy)
    from flows.nightly import run_job  # noqa: PLC0415 (as above)
    from flows.progress import gives_way, progress  # noqa: PLC0415 (as above)
    from flows.reporting import as_data, show_json  # noqa: PLC0415

    quiet = quiet or gives_way(choices.get("log_json"))
    with progress(quiet=quiet or as_json) as tell:
        given: dict[str, Any] = {"core": core, "database": database, "version": version, **choices}
        job = make_job(export, tell=tell, docs=docs, workers=workers, **given)
        report = run_job(job, as_flow=flow and not job.rehearse)
    if as_json:
        show_json(as_data(report))
    elif not quiet:
        from flows.closing import show_report  # noqa: PLC0415 (only a person needs it)

        show_report(report)
    return report


def hold_back(report: Report) -> None:
    """Raise Held, which says how to publish it, where a run is held."""
    from customers.errors import Held  # noqa: PLC0415

    if report.state == "held":
        told = "; ".join(report.held)
        way_out = f"cadastra release {report.run_id} --reason TEXT"
        msg = f"run {report.run_id} is held, nothing of it is served: {told}. To publish it: {way_out}"
        raise Held(msg)


def _strictly(report: Report, *, strict: bool) -> None:
    from customers.errors import PublishedWithRejects  # noqa: PLC0415

    if strict and report.rejected:
        msg = f"published, but {report.rejected} documents were refused (run {report.run_id})"
        raise PublishedWithRejects(msg)
