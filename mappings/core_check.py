"""Hold a core against the profile and the dictionary without an export; that it loads is held by ``mappings.core``."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from customers.dictionary import effective_fields
from customers.structures import STRUCTURES
from mappings.lineage import mapping_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mappings.core import Core

_MOST_SHOWN = 6
# What the profile itself asks for, of columns that no xpath shows.
_OWN = {
    "customers.person_kind": frozenset({"F", "J"}),
    "customers.status": frozenset({"A", "B", "E"}),
    "products.status": frozenset({"A", "E"}),
    "accounts.status": frozenset({"A", "E"}),
}


def complaints(core: Core) -> list[str]:
    """Say what a core that loads would do wrong on every export, each with its table and column."""
    return [*_formats(core), *_codes(core)]


def _formats(core: Core) -> Iterator[str]:
    try:
        codecs.lookup(core.encoding)
    except LookupError:
        yield f"no encoding is called {core.encoding}"
    try:
        ZoneInfo(core.zone)
    except (KeyError, ValueError, OSError):
        yield f"no time zone is called {core.zone}"
    if len(core.separator) != 1:
        yield "the separator is not one character"
    if core.true == core.false:
        yield "the same text stands for true and for false"


def _codes(core: Core) -> Iterator[str]:
    domains = _domains()
    for table in core.tables.values():
        for name, source in table.columns.items():
            wanted = domains.get(f"{table.stages}.{name}")
            if source.codes is None or wanted is None:
                continue
            for code, value in source.codes.items():
                if value not in wanted:
                    shown = ", ".join(sorted(wanted)[:_MOST_SHOWN]) + ", ..." * (len(wanted) > _MOST_SHOWN)
                    yield (
                        f"table {table.name}, column {source.column}: code {code} means {value}, which "
                        f"{table.stages}.{name} does not have (it has {shown})"
                    )


def _domains() -> dict[str, frozenset[str]]:
    """Return the values that each staged code may have; columns of free words are not there."""
    found = dict(_OWN)
    for structure in STRUCTURES:
        domain_of = {field.xpath: field.domain for field in effective_fields(structure.name)}
        for xpath, line in mapping_lines(structure.name).items():
            staged = line.columns[0] if line.columns else ""
            if domain_of.get(xpath) and staged not in _OWN:
                found[staged] = found.get(staged, frozenset()) | frozenset(domain_of[xpath])
    return found
