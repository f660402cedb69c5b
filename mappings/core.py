"""Read a core's folder: which raw column feeds which staged column, code tables, formats."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customers.errors import UsageError
from mappings.profile import TABLES, Kind, columns_of

SHIPPED_CORES = Path(__file__).parent / "cores"


@dataclass(frozen=True, slots=True)
class Source:
    """Name the raw column of a staged column and, for a code, the code table."""

    column: str
    kind: Kind
    codes: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """Describe one raw table: what it stages, from which columns, and what is ignored by name."""

    name: str
    stages: str
    columns: dict[str, Source]
    ignored: dict[str, str]


@dataclass(frozen=True, slots=True)
class Core:
    """Describe one core: everything that a bank adds."""

    name: str
    zone: str
    key: str
    encoding: str
    separator: str
    true: str
    false: str
    fillers: tuple[str, ...]
    tables: dict[str, SourceTable] = field(default_factory=dict)

    def stage_of(self, staged: str) -> SourceTable:
        """Return the raw table that feeds a staging table."""
        return next(table for table in self.tables.values() if table.stages == staged)


def core_folder(name: str, search: tuple[Path, ...] = ()) -> Path:
    """Find the folder of a core by name, in the given folders first, then among the shipped ones.

    Raises UsageError when no folder of that name has a ``core.toml``.
    """
    for place in (*search, SHIPPED_CORES):
        if (place / name / "core.toml").is_file():
            return place / name
    known = sorted(
        path.parent.name for place in (*search, SHIPPED_CORES) for path in place.glob("*/core.toml")
    )
    msg = f"no core named {name!r}; known: {', '.join(known)}"
    raise UsageError(msg)


def load_core(name: str, search: tuple[Path, ...] = ()) -> Core:
    """Read ``core.toml`` of a core and hold it against the profile.

    Raises UsageError for a core that does not feed every staged column exactly once, or names what does not exist.
    """
    path = core_folder(name, search) / "core.toml"
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
        tables = {raw: _table(raw, spec, text["codes"]) for raw, spec in text["tables"].items()}
        head = {**text["core"], "fillers": tuple(text["core"]["fillers"])}
        core = Core(**head, tables=tables)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as problem:
        msg = f"{path.parent.name}/core.toml cannot be used: {problem}"
        raise UsageError(msg) from problem
    _hold_against_profile(core)
    return core


def _table(raw: str, spec: dict[str, Any], codes: dict[str, dict[str, str]]) -> SourceTable:
    kinds = columns_of(TABLES[spec["stages"]])
    columns = {}
    for staged, source in spec["columns"].items():
        if staged not in kinds:
            msg = f"table {raw}: {spec['stages']} has no column {staged}"
            raise ValueError(msg)
        if isinstance(source, str):
            columns[staged] = Source(source, kinds[staged], None)
        else:
            columns[staged] = Source(source["from"], kinds[staged], codes[source["codes"]])
    return SourceTable(raw, spec["stages"], columns, spec.get("ignored", {}))


def _hold_against_profile(core: Core) -> None:
    problems = []
    staged = [table.stages for table in core.tables.values()]
    problems += [f"no table stages {name}" for name in TABLES if name not in staged]
    problems += [
        f"{name} is staged twice" for name in sorted({name for name in staged if staged.count(name) > 1})
    ]
    for table in core.tables.values():
        for name, kind in columns_of(TABLES[table.stages]).items():
            source = table.columns.get(name)
            if source is None:
                problems.append(f"table {table.name}: nothing feeds {table.stages}.{name}")
            elif (kind is Kind.CODE) != (source.codes is not None):
                problems.append(f"table {table.name}: {name} and its code table do not agree")
    if problems:
        msg = f"core {core.name} does not fit the profile: " + "; ".join(problems)
        raise UsageError(msg)
