"""What one bucket, or all buckets of a run together, came to."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from customers.findings import RULE_RESULTS_SCHEMA
from customers.structures import STRUCTURES
from flows.judging import add_results
from flows.settling import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold counts, and the results of every rule; ``seconds`` are those that processes spent on each stage.

    ``bytes_read`` were spilled, ``bytes_written`` are all that goes to the database, as Arrow counts them.
    """

    tallies: dict[str, Tally]
    results: pa.Table
    halted: frozenset[str]
    customers: int
    skipped: int
    orphans: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    bytes_read: int = 0
    bytes_written: int = 0

    def as_json(self) -> str:
        """Write it as the ledger keeps it."""
        return json.dumps(
            {
                "tallies": {name: asdict(tally) for name, tally in self.tallies.items()},
                "results": self.results.to_pydict(),
                "halted": sorted(self.halted),
                "customers": self.customers,
                "skipped": self.skipped,
                "orphans": self.orphans,
                "bytes_read": self.bytes_read,
                "bytes_written": self.bytes_written,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``as_json`` wrote; the seconds were another process's."""
        said = json.loads(text)
        return cls(
            tallies={name: Tally(**tally) for name, tally in said["tallies"].items()},
            results=pa.table(said["results"], RULE_RESULTS_SCHEMA),
            halted=frozenset(said["halted"]),
            customers=said["customers"],
            skipped=said["skipped"],
            orphans=said["orphans"],
            bytes_read=said.get("bytes_read", 0),
            bytes_written=said.get("bytes_written", 0),
        )


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Add up the outcomes of buckets."""
    outcomes = list(outcomes)
    orphans: Counter[str] = Counter()
    for outcome in outcomes:
        orphans.update(outcome.orphans)
    return Outcome(
        tallies={
            structure.name: _sum(outcome.tallies[structure.name] for outcome in outcomes)
            for structure in STRUCTURES
        },
        results=add_results([outcome.results for outcome in outcomes]),
        halted=frozenset().union(*(outcome.halted for outcome in outcomes)),
        customers=sum(outcome.customers for outcome in outcomes),
        skipped=sum(outcome.skipped for outcome in outcomes),
        orphans=dict(orphans),
        bytes_read=sum(outcome.bytes_read for outcome in outcomes),
        bytes_written=sum(outcome.bytes_written for outcome in outcomes),
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        for name, count in asdict(tally).items():
            if name == "excluded":
                for reason, registers in count.items():
                    total.exclude(reason, registers)
            else:
                setattr(total, name, getattr(total, name) + count)
    return total
