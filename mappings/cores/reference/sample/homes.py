"""Turn tables of defects into kinds: where in an export they live and what they break."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mappings.cores.reference.sample.bad import BadKind, add, put

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mappings.cores.reference.sample.bad import Change

PI, BI = "personal_identifications", "business_identifications"
PQ, BQ = "personal_qualifications", "business_qualifications"
PF, BF = "personal_financial_relations", "business_financial_relations"
OF_PERSON, OF_COMPANY = (PI, PQ, PF), (BI, BQ, BF)

NO_DATE, NO_TIMESTAMP, FOREIGN_DATE = "31/02/2015", "31/02/2015 08:00:00", "1990-05-17"
NO_NUMBER = "mil reais"
_NO_NATIVE_VALUE = {NO_DATE, NO_TIMESTAMP, FOREIGN_DATE, NO_NUMBER}

# How much of a value the name of a kind shows.
_SHOWN = 24

# Leaf of the list or object, keywords broken (blanks between them), what the row then holds.
Defect = tuple[str, str, dict[str, str]]


class Home(NamedTuple):
    """Say where defects live: structure, registers that can have them, table, list of the document."""

    structure: str
    among: str
    table: str
    path: str = ""


def kind_at(home: Home, leaf: str, keywords: str, apply: Change, values: dict[str, str]) -> BadKind:
    """Describe a defect that breaks schema rules of one leaf; ``values`` only tell what it is."""
    path = f"{home.path}/{leaf}".strip("/")
    shown = " ".join(f"{column}={value[:_SHOWN]!r}" for column, value in values.items())
    return BadKind(
        name=f"{home.structure}: {path} {keywords} {shown}".strip(),
        breaks=tuple((home.structure, f"S-{keyword}:/data/{path}") for keyword in keywords.split()),
        kind="F" if home.structure in OF_PERSON else "J",
        among=home.among,
        apply=apply,
        text_only=not _NO_NATIVE_VALUE.isdisjoint(values.values()),
    )


def put_each(home: Home, good: dict[str, str], defects: Iterable[Defect]) -> list[BadKind]:
    """Describe defects of rows that the register has: ``good`` values are written first, then the defect."""
    return [
        kind_at(home, leaf, keywords, put(home.table, **{**good, **values}), values)
        for leaf, keywords, values in defects
    ]


def add_each(home: Home, good: dict[str, str], defects: Iterable[Defect]) -> list[BadKind]:
    """Describe defects of a row that is added: the ``good`` row with the defect."""
    return [
        kind_at(home, leaf, keywords, add(home.table, **{**good, **values}), values)
        for leaf, keywords, values in defects
    ]
