"""The verbs that Prefect can do by the clock: take what waits below the folder of exports, judge what is served."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.options import AsJson, Database  # noqa: TC001 (as above)
from flows.signals import stoppable

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.pipeline import Report

verbs = typer.Typer()

Exports = Annotated[
    Path | None, typer.Option(help="Folder with one folder per export; default CADASTRA_EXPORTS.")
]
CoreName = Annotated[str | None, typer.Option(help="Core profile; default CADASTRA_CORE.")]


@verbs.command()
def nightly(
    exports: Exports = None,
    core: CoreName = None,
    database: Database = None,
    *,
    wait: Annotated[float, typer.Option(min=0, help="Minutes to wait for an export.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Publish the newest full export that was not taken yet, waiting for it if need be."""
    from flows.jobs import place_of  # noqa: PLC0415 (heavy)
    from flows.reporting import say  # noqa: PLC0415
    from flows.run_verbs import hold_back  # noqa: PLC0415
    from flows.waiting import take_newest  # noqa: PLC0415

    with stoppable():
        place = place_of("full", exports, core, database)
        run = _publisher("nightly", core, database, as_json=as_json)
        report = take_newest(place, run, wait=timedelta(minutes=wait), tell=say)
    if as_json:
        _show_json([report])
    hold_back(report)


@verbs.command()
def intraday(
    exports: Exports = None,
    core: CoreName = None,
    database: Database = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Publish every complete delta export that was not taken yet, in order, and say what is waited for."""
    from customers.errors import ExportRefused  # noqa: PLC0415 (heavy)
    from flows.jobs import place_of  # noqa: PLC0415
    from flows.reporting import say  # noqa: PLC0415
    from flows.run_verbs import hold_back  # noqa: PLC0415
    from flows.waiting import take_all  # noqa: PLC0415

    with stoppable():
        place = place_of("delta", exports, core, database)
        taken = take_all(place, _publisher("intraday", core, database, as_json=as_json))
    if as_json:
        _show_json(taken.reports, refused=taken.refused, awaited=taken.awaited)
    for told in taken.awaited:
        say(f"waiting: {told}")
    if not taken.reports and not taken.awaited and not taken.refused:
        say("nothing new")
    for report in taken.reports:
        hold_back(report)
    if taken.refused:
        raise ExportRefused("; ".join(f"{folder}: {reason}" for folder, reason in taken.refused.items()))


@verbs.command()
def quality(
    core: CoreName = None,
    database: Database = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Judge, though the rules are the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge what is served by the present rules, without exports; exit 1 where documents would be refused now."""
    from flows.quality import judge_served, show_judgement  # noqa: PLC0415 (heavy)

    with stoppable():
        judgement = judge_served(core, database, force=force)
    show_judgement(judgement, as_json=as_json)
    raise typer.Exit(int(judgement.refused > 0))


@verbs.command()
def deploy(
    pool: Annotated[str, typer.Option(help="Work pool of type process; made if there is none.")] = "cadastra",
    folder: Annotated[
        Path | None, typer.Option(help="Folder that runs start in, with the .env; default: this one.")
    ] = None,
) -> None:
    """Register the deployments of prefect.yaml with the Prefect server of PREFECT_API_URL."""
    from flows.deploying import register  # noqa: PLC0415 (heavy)

    register(pool, folder or Path.cwd())


def _publisher(
    flow: str, core: str | None, database: str | None, *, as_json: bool
) -> Callable[[Path], Report]:
    from flows.closing import show_report  # noqa: PLC0415
    from flows.jobs import make_job  # noqa: PLC0415 (heavy)
    from flows.nightly import run_job  # noqa: PLC0415
    from flows.progress import progress  # noqa: PLC0415
    from flows.reporting import say  # noqa: PLC0415

    def run(export: Path) -> Report:
        if not as_json:
            say(f"{export.name}:")
        with progress(quiet=as_json) as tell:
            choices: dict[str, Any] = {"core": core, "database": database, "flow": flow}
            report = run_job(make_job(export, tell=tell, **choices))
        if not as_json:
            show_report(report)
        return report

    return run


def _show_json(reports: list[Report], **more: object) -> None:
    from flows.reporting import as_data, show_json  # noqa: PLC0415 (heavy)

    show_json({"runs": [as_data(report) for report in reports], **more})
