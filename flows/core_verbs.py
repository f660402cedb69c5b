"""The verbs of the cores."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.options import AsJson  # noqa: TC001 (typer reads it at run time)

verbs = typer.Typer(no_args_is_help=True, help="The cores whose exports can be read.")


@verbs.callback()
def _cores() -> None:
    """Keep the verbs below the word ``cores``, though there is one alone."""


@verbs.command("check")
def cores_check(
    name: Annotated[str, typer.Argument(help="Core, in CADASTRA_CORES_PATH or shipped.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Hold a core.toml against the profile and the dictionary's domains, without an export; exit 1 where it misfits."""
    from flows.reporting import say, show_json  # noqa: PLC0415 (heavy)
    from flows.settings import load_settings  # noqa: PLC0415
    from mappings.core import load_core  # noqa: PLC0415
    from mappings.core_check import complaints  # noqa: PLC0415

    core = load_core(name, tuple(load_settings().cores_path))
    found = complaints(core)
    columns = sum(len(table.columns) for table in core.tables.values())
    if as_json:
        show_json({"core": core.name, "tables": len(core.tables), "columns": columns, "complaints": found})
    else:
        for complaint in found:
            say(complaint)
        verdict = "fits the profile" if not found else f"{len(found)} complaints"
        say(f"core {core.name}: {len(core.tables)} tables, {columns} columns: {verdict}")
    raise typer.Exit(1 if found else 0)
