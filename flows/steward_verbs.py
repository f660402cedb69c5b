"""The steward's verbs: where a value came from, what was refused, the Data Docs; heavy libraries are imported late."""

from __future__ import annotations

import gc
from pathlib import Path  # noqa: TC003 (typer reads it at run time)
from typing import Annotated

import typer

from flows.options import AsJson, Database  # noqa: TC001 (as above)

verbs = typer.Typer()


@verbs.command()
def explain(  # noqa: PLR0913 (a verb has as many parameters as its options)
    key: Annotated[str, typer.Argument(help="Core key, customer_id or tax id.")],
    xpath: Annotated[
        str | None, typer.Argument(help="Xpath, or occurrence such as $.contacts.phones[0].areaCode.")
    ] = None,
    structure: Annotated[str | None, typer.Option(help="Only this structure.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Export folder, no database, where a run's own is elsewhere by now.")
    ] = None,
    database: Database = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say where a customer's values came from, or why they are missing; shapes only, never a value."""
    # Of the one second that there is, collecting what the imports made would take a tenth, most of it at exit.
    gc.disable()
    try:
        from flows.explain_verb import explain_verb  # noqa: PLC0415 (heavy)

        explain_verb(key, xpath, structure, database, export, as_json=as_json)
    finally:
        gc.enable()
        gc.freeze()


@verbs.command()
def findings(  # noqa: PLR0913, PLR0917 (as above)
    rule: Annotated[str | None, typer.Option(help="Only this rule, and list its findings.")] = None,
    structure: Annotated[str | None, typer.Option(help="Only this structure.")] = None,
    run: Annotated[str | None, typer.Option(help="Run; default the latest.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what this earlier run did not find.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most findings listed with --rule.")] = 50,
    database: Database = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what a run refused or doubted, by rule, worst first."""
    from flows.findings import show_findings  # noqa: PLC0415 (heavy)

    show_findings(
        database, run=run, since=since, rule=rule, structure=structure, limit=limit, as_json=as_json
    )


@verbs.command()
def docs(
    run: Annotated[str, typer.Argument(help="Run whose verdicts are shown.")],
    database: Database = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write the Data Docs of a run again, from the stored verdicts."""
    from flows.data_docs import rebuild_docs  # noqa: PLC0415 (heavy)

    rebuild_docs(run, database, as_json=as_json)
