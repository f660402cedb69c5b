"""The verbs of the data dictionaries: take an official one over, tell what changed between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import AsJson  # noqa: TC001 (typer reads it at run time)

if TYPE_CHECKING:
    from customers.dictionary_diff import Change, Fact

verbs = typer.Typer(no_args_is_help=True, help="The data dictionaries as data.")
_MOST_SHOWN = 60


@verbs.command("import")
def dictionary_import(
    file: Annotated[Path, typer.Argument(help="Official dictionary CSV.")],
    version: Annotated[str, typer.Option(help="Version that the file states.")],
    structure: Annotated[
        str | None, typer.Option(help="Structure, if the file's name does not tell.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of dictionaries; default: the shipped ones.")
    ] = None,
) -> None:
    """Turn an official dictionary CSV into facts only."""
    import customers  # noqa: PLC0415
    from customers.dictionary_import import import_dictionary, write_dictionary  # noqa: PLC0415
    from flows.reporting import say  # noqa: PLC0415

    name, fields = import_dictionary(file, structure)
    folder = (out or Path(customers.__file__).parent / "dictionaries") / version
    folder.mkdir(parents=True, exist_ok=True)
    write_dictionary(fields, folder / f"{name}.csv")
    say(f"{folder / f'{name}.csv'}: {len(fields)} xpaths")


@verbs.command("diff")
def dictionary_diff(
    old: Annotated[str, typer.Argument(help="Version, such as 2.0.0.")],
    new: Annotated[str, typer.Argument(help="Version to hold against it.")],
    structure: Annotated[str | None, typer.Option(help="Only this structure.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say which xpaths a version added and removed, and which facts about the others it changed."""
    from dataclasses import asdict  # noqa: PLC0415

    from customers.dictionary_diff import changes  # noqa: PLC0415
    from customers.structures import STRUCTURES  # noqa: PLC0415
    from flows.reporting import say, show_json  # noqa: PLC0415

    names = [each.name for each in STRUCTURES] if structure is None else [structure.replace("-", "_")]
    found = [change for name in names for change in changes(name, old, new)]
    if as_json:
        show_json([asdict(change) for change in found])
        return
    for name in names:
        own = [change for change in found if change.structure == name]
        say(f"{name}: {_summary(own)}")
        for change in own:
            say(f"  {_told(change)}")


def _summary(found: list[Change]) -> str:
    kinds = [change.change for change in found]
    counts = [f"{kinds.count(kind)} {kind}" for kind in ("added", "removed", "changed") if kind in kinds]
    return ", ".join(counts) or "the same"


def _told(change: Change) -> str:
    sign = {"added": "+", "removed": "-", "changed": "~"}[change.change]
    if change.change != "changed":
        return f"{sign} {change.xpath}"
    facts = "; ".join(f"{name} {_pair(*pair)}" for name, pair in change.facts.items())
    return f"{sign} {change.xpath}: {facts}"


def _pair(old: Fact, new: Fact) -> str:
    if isinstance(old, tuple) and isinstance(new, tuple):
        signs = [
            *(f"+{code}" for code in new if code not in old),
            *(f"-{code}" for code in old if code not in new),
        ]
        return _short(" ".join(signs)) if signs else "in another order"
    return f"{_text(old)} → {_text(new)}"


def _text(fact: Fact) -> str:
    if isinstance(fact, tuple):
        return f"{len(fact)} codes"
    return "none" if fact is None else _short(str(fact))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
