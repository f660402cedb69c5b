"""The verbs that undo, look back, clean up and erase; heavy libraries are imported when one is called."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import AsJson, Database  # noqa: TC001 (typer reads them at run time)
from flows.signals import stoppable

verbs = typer.Typer()


@verbs.command()
def rollback(
    run: Annotated[
        str,
        typer.Argument(help="Run to undo, with every later one; of a release, the run it published."),
    ],
    reason: Annotated[str | None, typer.Option(help="Kept in the rollback's own record.")] = None,
    database: Database = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Serve again what was served before a run, all structures and customers at once; recorded as a run."""
    with stoppable():
        from flows.undo import roll_back  # noqa: PLC0415 (heavy)

        roll_back(database, run, reason, as_json=as_json)


@verbs.command()
def release(
    run: Annotated[str, typer.Argument(help="Run that the circuit breaker held.")],
    reason: Annotated[
        str, typer.Option(help="Why it is believed after all; kept in the release's own record.")
    ],
    database: Database = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Publish a held run, unless anything was published since; recorded as a run."""
    with stoppable():
        from flows.undo import release_run  # noqa: PLC0415 (heavy)

        release_run(database, run, reason, as_json=as_json)


@verbs.command()
def history(  # noqa: PLR0913 (a verb has as many parameters as its options)
    key: Annotated[str, typer.Argument(help="Core key, customer_id or tax id.")],
    at: Annotated[
        str | None, typer.Option(help="Only what was served at this time (UTC without an offset).")
    ] = None,
    structure: Annotated[str | None, typer.Option(help="Only this structure.")] = None,
    database: Database = None,
    *,
    document: Annotated[
        bool, typer.Option("--document", help="Print the documents served then (default: now), one a line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say when which documents of a customer were served; no content of theirs without --document."""
    from flows.undo import show_history  # noqa: PLC0415 (heavy)

    show_history(database, key, at, structure, document=document, as_json=as_json)


@verbs.command()
def purge(
    older_than: Annotated[int, typer.Option(min=1, help="Days to keep.")],
    database: Database = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete documents not served for so many days, findings of older runs and what dead runs left.

    Never what is served. What these days need for a rollback stays; rolling back further is refused afterwards.
    """
    with stoppable():
        from flows.undo import clean_up  # noqa: PLC0415 (heavy)

        clean_up(database, older_than, dry_run=dry_run, as_json=as_json)


@verbs.command()
def erase(
    tax_id: Annotated[
        str, typer.Argument(help="CPF or CNPJ, masked or not; - reads it from standard input.")
    ],
    core_key: Annotated[
        list[str] | None, typer.Option(help="A further register, of which no document was ever stored.")
    ] = None,
    database: Database = None,
    *,
    lift: Annotated[
        bool, typer.Option("--lift", help="Erase nothing: let the next export serve the person again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Erase every copy of a person's data, history included (LGPD), and never serve the person again.

    What stays is a keyed hash of the tax id, the time and the number of rows.
    """
    with stoppable():
        from flows.undo import erase_person, lift_erasure  # noqa: PLC0415 (heavy)

        if lift:
            lift_erasure(database, tax_id)
        else:
            erase_person(database, tax_id, core_key or [], as_json=as_json)
