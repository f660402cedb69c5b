"""Hold the tables of a database schema against a core: what files and their control file say is here a schema's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.control import refuse
from mappings.extract import check_header

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mappings.core import Core


def wanted_columns(
    found: Mapping[str, Sequence[str]], core: Core, shown: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return which columns of which table to read, the key first; ``shown`` is what a message calls each table.

    Every table of the core must be there, if only empty, and no other; a name that starts with ``_`` is no table.
    Raises ExportRefused naming table and column.
    """
    tables = {name: list(columns) for name, columns in found.items() if not name.startswith("_")}
    missing = [f"table {name} is missing" for name in core.tables if name not in tables]
    unknown = [f"core {core.name} knows no table {name}" for name in tables if name not in core.tables]
    if missing or unknown:
        msg = f"the schema has {len(tables)} tables, core {core.name} wants {len(core.tables)}: "
        raise refuse(msg + "; ".join([*missing, *unknown]))
    for name, columns in tables.items():
        check_header(shown[name], columns, core.tables[name], core)
    return {
        name: list(dict.fromkeys([core.key, *(source.column for source in table.columns.values())]))
        for name, table in core.tables.items()
    }
