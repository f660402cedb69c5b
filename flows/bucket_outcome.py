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
    """Hold counts, and the results of every rule; ``seconds`` are those that processes spent on each stage."""

    tallies: dict[str, Tally]
    results: pa.Table
    halted: frozenset[str]
    customers: int
    skipped: int
    orphans: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

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
