"""What ``cadastra explain`` answers: who, which documents, which values, and what became of them; never a value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mappings.lineage import MappedBy

DocumentState = Literal["served", "stale", "rejected", "withdrawn", "excluded", "not published"]
ValueStatus = Literal[
    "served", "rejected", "omitted", "never sent", "not sent", "withdrawn", "not published", "unknown"
]
REFUSING = frozenset({"reject", "halt"})
_INDEX = re.compile(r"\[\d*\]")


def xpath_of(occurrence: str) -> str:
    """Return the xpath of an occurrence path.

    >>> xpath_of("$.contacts.phones[2].areaCode"), xpath_of("$")
    ('/data/contacts/phones/areaCode', '/data')
    """
    return "/data" + _INDEX.sub("", occurrence).removeprefix("$").replace(".", "/")


@dataclass(frozen=True, slots=True)
class Found:
    """One finding of a run about the customer."""

    structure: str
    xpath: str
    occurrence: str
    rule: str
    severity: str
    shape: str | None
    file: str | None
    line: int | None


@dataclass(slots=True)
class Source:
    """Where a value stands in the export; ``shape`` is that of the raw cell, None for an empty one.

    Without ``line`` the table has no row for the customer, or the export is gone.
    """

    table: str
    columns: list[str]
    file: str | None = None
    line: int | None = None
    shape: str | None = None


@dataclass(slots=True)
class Value:
    """One xpath, one occurrence: where it came from and what became of it, or why it is missing."""

    structure: str
    xpath: str
    occurrence: str
    status: ValueStatus
    why: str
    source: Source | None
    mapping: MappedBy | None
    rules_passed: list[str] = field(default_factory=list)
    rules_failed: list[Found] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """One document of the customer and its present state.

    ``run_id`` and ``published_at`` are those of the document being served; ``since`` and ``since_run`` say when, and
    by which run, the state changed for the worse. ``customer_ref`` is by what findings name the customer.
    """

    structure: str
    customer_id: str
    state: DocumentState
    why: str = ""
    run_id: str | None = None
    published_at: str | None = None
    since: str | None = None
    since_run: str | None = None
    customer_ref: str = ""
    findings: list[Found] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    @property
    def refusals(self) -> list[Found]:
        """Return the findings that refuse the document."""
        return [finding for finding in self.findings if finding.severity in REFUSING]


@dataclass(slots=True)
class Explanation:
    """The answer about one customer. ``read_in`` is the run whose export the lines belong to."""

    found_by: str
    read_in: str | None
    export: str | None
    documents: list[Document]
    notes: list[str]


def found(row: dict[str, Any]) -> Found:
    """Read a row of the relation ``findings``."""
    return Found(
        row["structure"],
        xpath_of(row["occurrence"]),
        row["occurrence"],
        row["rule"],
        row["severity"],
        row["shape"],
        row["source_file"],
        row["source_line"],
    )


def rule_names(findings: list[Found]) -> str:
    """Name rules, each once."""
    return ", ".join(dict.fromkeys(finding.rule for finding in findings))
