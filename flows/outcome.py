"""What a run came to, for the closing table, the artifact, the ledger and ``--json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.findings import FINDINGS_SCHEMA
from customers.pseudonyms import customer_refs
from sql.store import RunCount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.settling import Tally
    from mappings.partition import Stray

# The worst first.
SEVERITIES = ("halt", "reject", "omit", "warn")
# A customer's kind of person is a code without a field of its own.
_STRAY_RULES = {
    "orphan": "X-ORPHAN",
    "no-key": "X-NO-KEY",
    "no-kind": "X-UNMAPPED",
    "wrong-kind": "X-WRONG-KIND",
}


@dataclass(slots=True)
class Report:
    """What a run came to: for the closing table, the artifact and ``--json``.

    ``resumed`` of the ``buckets`` were finished by a process that died; all of them read ``bytes_read`` from the spill
    and wrote ``bytes_written``; ``held`` says why a circuit breaker held the run; ``freshness`` how long what it
    published had waited since the core changed it, and ``late`` where that was too long; ``differences`` are what
    ``plan`` adds.
    """

    run_id: str
    state: str
    business_date: str
    kind: str
    tallies: dict[str, Tally]
    orphans: dict[str, int]
    rules: list[dict[str, Any]]
    seconds: dict[str, float]
    customers: int
    wall_seconds: float = 0.0
    skipped: int = 0
    buckets: int = 1
    resumed: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    held: list[str] = field(default_factory=list)
    freshness: list[dict[str, Any]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    differences: dict[str, Any] | None = None
    docs: str | None = None
    docs_problem: str | None = None

    @property
    def rejected(self) -> int:
        """Count the documents that were refused."""
        return sum(tally.rejected_stale + tally.rejected_unserved for tally in self.tallies.values())


def run_count(structure: str, tally: Tally) -> RunCount:
    """Return what the ledger keeps of one structure."""
    return RunCount(
        structure,
        tally.read,
        tally.published_new,
        tally.published_changed,
        tally.unchanged,
        tally.rejected_stale,
        tally.rejected_unserved,
        sum(tally.excluded.values()),
        tally.withdrawn,
        dict(tally.excluded),
        tally.skipped,
    )


def late(freshness: Iterable[dict[str, Any]], minutes: int) -> list[str]:
    """Say of which structures a document waited longer than it may; a first load waited for the bank to begin.

    >>> late([{"structure": "s", "documents": 9, "p95_seconds": 60, "max_seconds": 3661, "first_load": 0}], 60)
    ['s: of 9 documents one was served 61 min after the core changed it, 95 % within 1 min; the limit is 60 min']
    """
    return [
        f"{row['structure']}: of {row['documents']:,} documents one was served {row['max_seconds'] // 60:,} min after"
        f" the core changed it, 95 % within {row['p95_seconds'] // 60:,} min; the limit is {minutes} min"
        for row in freshness
        if row["max_seconds"] > minutes * 60 and not row["first_load"]
    ]


def worst_first(rule: dict[str, Any]) -> tuple[int, int, str]:
    """Order rules by severity, then by how often they failed."""
    return SEVERITIES.index(rule["severity"]), -rule["failed"], rule["rule"]


def summary(report: Report) -> dict[str, Any]:
    """Return the counts that the run's record keeps."""
    told = {
        "registers": report.customers,
        "skipped": report.skipped,
        "rejected": report.rejected,
        "orphans": report.orphans,
        "seconds": report.seconds,
        "wall_seconds": report.wall_seconds,
        "published": sum(tally.published_new + tally.published_changed for tally in report.tallies.values()),
    }
    return {**told, "held": report.held} if report.held else told


def stray_findings(strays: Iterable[Stray], secret: str) -> pa.Table:
    """Return a finding for each row that belongs to no register."""
    strays = list(strays)
    refs = customer_refs(pa.array([stray.core_key for stray in strays], pa.string()), secret)
    rows = [
        {
            "structure": "",
            "customer_ref": ref,
            "occurrence": "$",
            "rule": _STRAY_RULES[stray.reason],
            "severity": "reject" if stray.reason == "no-kind" else "warn",
            "shape": None,
            "source_file": stray.file,
            "source_line": stray.line,
        }
        for stray, ref in zip(strays, refs.to_pylist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, FINDINGS_SCHEMA)
