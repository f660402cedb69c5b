"""The command line: ``cadastra <verb>``. Heavy libraries are imported by the verbs that need them."""

from __future__ import annotations

import gc
import sys
import traceback
from datetime import datetime
from pathlib import Path  # noqa: TC003 (typer reads it at run time)
from typing import Annotated, Literal

import typer

from customers.errors import CadastraError, Interrupted
from flows.backfill_verb import verbs as backfill_verbs
from flows.core_verbs import verbs as core_verbs
from flows.dictionary_verbs import verbs as dictionary_verbs
from flows.line_verbs import verbs as line_verbs
from flows.options import AsJson, Database  # noqa: TC001 (typer reads them at run time)
from flows.run_verbs import verbs as run_verbs
from flows.steward_verbs import verbs as steward_verbs
from flows.undo_verbs import verbs as undo_verbs

HELP = """
Make the documents of the Open Finance Brasil Customers API from the exports of a bank's core system: read, mapped, \
checked against the data dictionary, and published at once into a serving database. Begin with `cadastra sample` for \
an invented export and `cadastra run --export FOLDER` to publish one.

JSON goes to standard output alone, everything else to standard error. Settings are CADASTRA_... in the environment \
or in a file .env.

Exit codes: 0 published or clean, 1 findings (`check`) or another error, 2 usage or unreadable input, 3 held, \
4 export refused, 5 published with rejects under --strict, 6 another run holds the database, 7 accounting does not \
add up, 8 no export came in time, 130 or 143 ended by SIGINT or SIGTERM.
"""
app = typer.Typer(
    name="cadastra",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
database_verbs = typer.Typer(no_args_is_help=True, help="The serving database.")
app.add_typer(core_verbs, name="cores")
app.add_typer(dictionary_verbs, name="dictionary")
app.add_typer(database_verbs, name="db")
consent_verbs = typer.Typer(no_args_is_help=True, help="The consents that the API asks for.")
app.add_typer(consent_verbs, name="consents")
app.add_typer(run_verbs)
app.add_typer(backfill_verbs)
app.add_typer(line_verbs)
app.add_typer(steward_verbs)
app.add_typer(undo_verbs)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 (only this option needs it)

        typer.echo(f"cadastra {version('cadastra')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end."),
    ] = False,
) -> None:
    pass


# Big libraries make objects by the hundred thousand, and none of them is garbage.
_GARBAGE = 100_000
_SAMPLE_DATE = datetime(2026, 11, 20)  # noqa: DTZ001 (a day, which has no zone)


def main() -> None:
    """Run the command line; an error of the operator's is one line and an exit code."""
    gc.set_threshold(_GARBAGE)
    try:
        app()
    except CadastraError as problem:
        sys.stderr.write(f"cadastra: {problem}\n")
        sys.exit(problem.exit_code)
    except SystemExit as end:
        if end.code == Interrupted.exit_code:  # Ctrl-C in a verb that has nothing to put in order
            sys.stderr.write("cadastra: interrupted\n")
        raise
    except Exception as defect:  # noqa: BLE001 (the last place: whatever comes here is a defect of this program)
        failure = _database_failure(defect)
        if failure is not None:
            sys.stderr.write(f"cadastra: {failure}\n")
            sys.exit(1)
        # The text of an unforeseen error may quote a customer's value: say where it happened, not what it says.
        sys.stderr.writelines(traceback.format_tb(defect.__traceback__))
        name = type(defect).__name__
        sys.stderr.write(f"cadastra: defect: {name} (its text is withheld: it may hold customer data)\n")
        sys.exit(1)
    finally:
        gc.freeze()  # or the interpreter looks at every one of them once more before it ends


def _database_failure(defect: Exception) -> str | None:
    """Say what the database said, where it is the database that failed and not this program."""
    from sql.failures import told  # noqa: PLC0415 (heavy)

    return told(defect)


@app.command()
def check(
    structure: Annotated[str, typer.Argument(help="Structure, such as personal_identifications.")],
    files: Annotated[list[str], typer.Argument(help="JSON or JSON lines; - is standard input.")],
    version: Annotated[str, typer.Option(help="Version of the Customers API.")] = "2.2.1",
    as_json: AsJson = False,
) -> None:
    """Judge documents by the rules: bare, in a list, or in their envelope; one finding a line."""
    from flows.check_verb import check_documents  # noqa: PLC0415 (heavy)

    raise typer.Exit(check_documents(structure.replace("-", "_"), files, version, as_json=as_json))


@app.command()
def sample(
    customers: Annotated[int, typer.Option(min=1, help="Registers to invent.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    bad: Annotated[float, typer.Option(min=0, max=1, help="Share of registers with one defect each.")] = 0.0,
    date: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Business date.")] = _SAMPLE_DATE,
    format_: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="File format.")] = "csv",
    delta_of: Annotated[Path | None, typer.Option(help="Earlier sample to write a delta against.")] = None,
    changed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of persons that change in a delta.")
    ] = 0.01,
    as_json: AsJson = False,
) -> None:
    """Write an invented export of the reference core, of any size."""
    from dataclasses import asdict  # noqa: PLC0415

    from flows.reporting import say, show_json  # noqa: PLC0415
    from flows.sampling import sampled  # noqa: PLC0415 (heavy)

    summary = sampled(
        out,
        customers=customers,
        seed=seed,
        bad=bad,
        date=date.date(),
        format=format_,
        delta_of=delta_of,
        changed=0.0 if delta_of is None else changed,
    )
    if as_json:
        show_json(asdict(summary))
    else:
        registers, rows = summary.rows["clientes"], sum(summary.rows.values())
        say(f"{out}: {registers:,} registers, {rows:,} rows, {summary.bad_registers:,} bad")


@app.command()
def runs(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the runs and what became of them."""
    from flows.ledger_views import show_runs  # noqa: PLC0415 (heavy)

    show_runs(database, limit, as_json=as_json)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    database: Database = None,
) -> None:
    """Serve the Customers API from the serving database; further settings are CADASTRA_API_…."""
    from flows.serving import serve as start  # noqa: PLC0415 (heavy)

    start(host, port, workers, database)


@consent_verbs.command("import")
def consents_import(
    file: Annotated[Path, typer.Argument(help="CSV, or JSON lines (.jsonl, .ndjson, .json).")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take over consents: new and changed ones are written; those that cannot be used are reported, and exit 1."""
    from flows.serving import take_over_consents  # noqa: PLC0415 (heavy)

    take_over_consents(file, database, as_json=as_json)


@database_verbs.command("upgrade")
def db_upgrade(database: Database = None) -> None:
    """Bring the tables of the serving database up to date."""
    from flows.reporting import say  # noqa: PLC0415
    from flows.settings import load_settings  # noqa: PLC0415 (heavy)
    from sql.migrate import upgrade  # noqa: PLC0415

    upgrade(load_settings(database).database_url)
    say("the serving database is up to date")


@database_verbs.command("roles")
def db_roles(database: Database = None) -> None:
    """Make the roles cadastra_etl, cadastra_api and cadastra_quality on PostgreSQL and give each its rights."""
    from flows.reporting import say  # noqa: PLC0415
    from flows.settings import load_settings  # noqa: PLC0415 (heavy)
    from sql.migrate import upgrade  # noqa: PLC0415
    from sql.roles import ROLES, apply_roles  # noqa: PLC0415

    url = load_settings(database).database_url
    upgrade(url)
    apply_roles(url)
    say(f"{', '.join(ROLES)}: none can log in until ALTER ROLE ... LOGIN, or through a member role")


if __name__ == "__main__":
    main()
