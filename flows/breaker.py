"""The circuit breaker: a run that is far from usual is held, its documents stored and unseen, until a person looks.

A structure's refused share is judged where at least ``least`` registers were read, its withdrawn and changed shares
where at least so many documents were served. A first publication is judged by the share refused alone: there is
nothing usual yet. A delta says itself what changed, so its changed share is not judged. Rules of severity ``halt``
hold a run whatever the counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from flows.settling import Tally
    from sql.store import Store

_USUAL_RUNS = 10
# A rule that hardly ever failed is taken to fail this often.
_RARE = 0.002
_USUAL = f"""
    SELECT c.structure, SUM(c.read - c.excluded) AS judged, SUM(c.rejected_stale + c.rejected_unserved) AS rejected
    FROM run_counts AS c
    WHERE c.run_id IN (SELECT r.run_id FROM runs AS r WHERE r.state = 'published' AND r.kind IN ('full', 'delta')
                       ORDER BY r.run_seq DESC LIMIT {_USUAL_RUNS})
    GROUP BY c.structure
"""  # noqa: S608 (a number of ours)
_FAILED = f"""
    SELECT t.structure, t.xpath, t.rule, SUM(t.failed) AS failed
    FROM rule_results AS t
    WHERE t.failed > 0
      AND t.run_id IN (SELECT r.run_id FROM runs AS r WHERE r.state = 'published' AND r.kind IN ('full', 'delta')
                       ORDER BY r.run_seq DESC LIMIT {_USUAL_RUNS})
    GROUP BY t.structure, t.xpath, t.rule
"""  # noqa: S608 (as above)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Say when a run is not believable; shares are of 1.

    ``rejected``: so much more is refused than usual; ``first_rejected``: of a first publication; ``withdrawn`` and
    ``changed``: of the documents served before; ``rule_factor``: a rule refuses so many times its usual share.
    """

    first_rejected: float = 0.75
    rejected: float = 0.10
    withdrawn: float = 0.05
    changed: float = 0.50
    rule_factor: float = 5.0
    least: int = 100


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run came to, before anything of it is shown; ``served`` counts the documents before, by structure."""

    kind: str
    tallies: Mapping[str, Tally]
    served: Mapping[str, int]
    results: pa.Table
    halted: frozenset[str]


def breaches(store: Store, run: Finished, thresholds: Thresholds) -> list[str]:
    """Say of each threshold that a run is past its structure, its name and both figures."""
    usual = {str(row["structure"]): row for row in store.query(_USUAL)}
    found = [f"rule {rule} of severity halt failed" for rule in sorted(run.halted)]
    for structure, tally in run.tallies.items():
        before = usual.get(structure, {})
        judged, rejected = int(str(before.get("judged") or 0)), int(str(before.get("rejected") or 0))
        if tally.read >= thresholds.least:
            if judged == 0 and run.served[structure] == 0:
                found += _first(structure, tally, thresholds)
            else:
                found += _rejected(structure, tally, rejected / max(judged, 1), thresholds)
        if (
            _is_suspicious(run.kind, tally, thresholds)
            and (served := run.served[structure]) >= thresholds.least
        ):
            found += _past(f"{structure}: withdrawn share", tally.withdrawn, served, thresholds.withdrawn)
            if run.kind == "full":
                found += _past(
                    f"{structure}: changed share", tally.published_changed, served, thresholds.changed
                )
    return [*found, *_rules(store, run, usual, thresholds)]


def _is_suspicious(kind: str, tally: Tally, thresholds: Thresholds) -> bool:
    """Say whether too much may have been withdrawn or changed: to count what is served, to be sure, is dear."""
    told = tally.unchanged + tally.published_changed + tally.rejected_stale + tally.withdrawn
    least = max(told, thresholds.least)  # so many at least were served
    changed = tally.published_changed if kind == "full" else 0
    return tally.withdrawn > thresholds.withdrawn * least or changed > thresholds.changed * least


def _first(structure: str, tally: Tally, thresholds: Thresholds) -> Iterator[str]:
    judged = tally.read - sum(tally.excluded.values())
    rejected = tally.rejected_stale + tally.rejected_unserved
    yield from _past(
        f"{structure}: rejected share of a first publication", rejected, judged, thresholds.first_rejected
    )


def _rejected(structure: str, tally: Tally, usual: float, thresholds: Thresholds) -> Iterator[str]:
    judged = tally.read - sum(tally.excluded.values())
    rejected = tally.rejected_stale + tally.rejected_unserved
    yield from _past(
        f"{structure}: rejected share (usual {usual:.2%})", rejected, judged, usual + thresholds.rejected
    )


def _rules(
    store: Store, run: Finished, usual: Mapping[str, Mapping[str, object]], thresholds: Thresholds
) -> Iterator[str]:
    before = {
        (row["structure"], row["xpath"], row["rule"]): int(str(row["failed"])) for row in store.query(_FAILED)
    }
    for row in run.results.select(["structure", "xpath", "rule", "severity", "failed"]).to_pylist():
        structure, tally = row["structure"], run.tallies[row["structure"]]
        past = int(str(usual.get(structure, {}).get("judged") or 0))
        if row["severity"] == "warn" or row["failed"] < thresholds.least or not past:
            continue
        share = max(before.get((structure, row["xpath"], row["rule"]), 0) / past, _RARE)
        judged = tally.read - sum(tally.excluded.values())
        limit = share * thresholds.rule_factor
        yield from _past(
            f"{structure}: share refused by {row['rule']} at {row['xpath']}", row["failed"], judged, limit
        )


def _past(name: str, part: int, whole: int, limit: float) -> Iterator[str]:
    if whole and part / whole > limit:
        yield f"{name} is {part / whole:.2%} ({part:,} of {whole:,}), more than {limit:.2%}"
