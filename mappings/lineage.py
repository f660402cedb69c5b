"""Where each xpath is mapped: the line of a mapping file, and the staged and raw columns that the line names."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mappings import profile
from mappings.profile import NAMES
from mappings.structure_map import Subject
from mappings.structure_maps import MAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mappings.core import Core
    from mappings.structure_map import Columns

_ROOT = Path(__file__).parents[1]
_SUBJECT = {
    "customer_id": ("customers.core_key",),
    "started_at": ("customers.start_in_3040", "customers.start_in_ccs"),
}


@dataclass(frozen=True, slots=True)
class MappedBy:
    """Name the line that maps an xpath, and the staged ``table.column`` that it reads, the one it is about first."""

    file: str
    line: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawColumn:
    """Name a column of the export."""

    table: str
    column: str


@cache
def mapping_lines(structure: str) -> dict[str, MappedBy]:
    """Return the mapping line of every xpath that a structure maps."""
    structure_map = MAPS[structure]
    maps = (structure_map.root, *(block.map for block in structure_map.blocks.values()))
    dated_by = tuple(f"{NAMES[table]}.updated_at" for table in structure_map.dated_by)
    subject = {**_SUBJECT, "updated_at": (*dated_by, "customers.updated_at")}
    return {xpath: line for map_ in maps for xpath, line in _lines(map_, subject)}


def place_of(function: Callable[..., object]) -> tuple[str, int]:
    """Return the file, from the project's folder on, and the first line of a function."""
    return _shown(function.__code__.co_filename), function.__code__.co_firstlineno


def raw_column(core: Core, staged: str) -> RawColumn:
    """Return the column of the export that feeds a staged ``table.column``.

    >>> from mappings.core import load_core
    >>> raw_column(load_core("reference"), "phones.area_code")
    RawColumn(table='telefones', column='ddd')
    """
    table, _, column = staged.partition(".")
    source = core.stage_of(table)
    return RawColumn(source.name, core.key if column == "core_key" else source.columns[column].column)


def _shown(filename: str) -> str:
    path = Path(filename)
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else path.name


@cache
def _parsed(filename: str) -> ast.Module:
    return ast.parse(Path(filename).read_text(encoding="utf-8"))


def _lines(
    function: Callable[..., Columns], subject: dict[str, tuple[str, ...]]
) -> Iterator[tuple[str, MappedBy]]:
    """Yield the entries of the dictionary that a mapping function returns."""
    code = function.__code__
    found = next(
        node
        for node in ast.walk(_parsed(code.co_filename))
        if isinstance(node, ast.FunctionDef)
        and node.name == code.co_name
        and node.lineno >= code.co_firstlineno
    )
    tables = {argument.arg: _table(argument.annotation) for argument in found.args.args}
    file = _shown(code.co_filename)
    for node in ast.walk(found):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                columns = tuple(dict.fromkeys(_columns(value, tables, subject)))
                yield key.value, MappedBy(file, key.lineno, columns)


def _table(annotation: ast.expr | None) -> str:
    """Return the staging table of a parameter, empty for the Subject."""
    name = annotation.id if isinstance(annotation, ast.Name) else ""
    return "" if name == Subject.__name__ else NAMES[getattr(profile, name)]


def _columns(value: ast.expr, tables: dict[str, str], subject: dict[str, tuple[str, ...]]) -> Iterator[str]:
    named = [
        node
        for node in ast.walk(value)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in tables
    ]
    for node in sorted(named, key=lambda node: (node.lineno, node.col_offset)):
        table = tables[node.value.id] if isinstance(node.value, ast.Name) else ""
        if table:
            yield f"{table}.{node.attr}"
        else:
            yield from subject[node.attr]
