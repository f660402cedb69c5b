"""Judge again what is served, by the present rules and without exports: what would be refused if it came today.

Documents are judged one by one by the engine of ``cadastra check``. The run that is recorded changes nothing of what is
served; it counts documents, not values, and only the rules that failed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import product
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.brazil.day import today
from customers.dictionary import versions
from customers.errors import Busy
from customers.findings import FINDINGS_SCHEMA, RULE_RESULTS_SCHEMA
from customers.judge_documents import judge_document
from customers.pseudonyms import customer_refs
from customers.structures import STRUCTURES
from expectations.severity import severities
from flows.check import REFUSES, Scale
from flows.ledger_views import show_table
from flows.memory import rules_version
from flows.opening import check_secret
from flows.outcome import worst_first
from flows.pipeline import new_run_id, now
from flows.reporting import MOST_RULES, say, show_json
from flows.settings import load_settings, secret_of
from sql.ledger import RunStart
from sql.lock import hold
from sql.store import open_store

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from sql.store import Store

_BATCH = 20_000
_PATIENCE_SECONDS, _POLL_SECONDS = 600.0, 1.0
_LAST = "SELECT counts FROM runs WHERE flow = 'quality' AND state = 'judged' ORDER BY run_seq DESC LIMIT 1"


@dataclass(slots=True)
class Judgement:
    """Say what became of judging what is served; ``state`` is judged, or skipped where the rules are those of before.

    ``rules`` are counted by document, the gravest first; ``structures`` has the documents judged and those that would
    be refused.
    """

    state: str
    rules_version: str
    run_id: str | None = None
    structures: dict[str, dict[str, int]] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def refused(self) -> int:
        """Count the documents that would be refused."""
        return sum(counts["refused"] for counts in self.structures.values())


@dataclass(slots=True)
class _Found:
    """Collect what was found in the documents of one structure."""

    structure: str
    scale: Scale
    day: dt.date
    version: str
    refused: int = 0
    judged: int = 0
    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def judge(self, core_key: str, text: str) -> None:
        """Judge one document."""
        problems = judge_document(
            self.structure, json.loads(text), version=self.version, reference_date=self.day
        )
        self.judged += 1
        if not problems:
            return
        weighed = [(problem, self.scale.weigh(problem)) for problem in problems]
        self.refused += any(severity in REFUSES for _, severity in weighed)
        self.failed.update({(problem.xpath, problem.rule, severity) for problem, severity in weighed})
        self.rows += [
            {
                "structure": self.structure,
                "customer_ref": core_key,
                "occurrence": problem.occurrence,
                "rule": problem.rule,
                "severity": severity,
                "shape": problem.shape,
            }
            for problem, severity in weighed
        ]

    def findings(self, secret: str) -> pa.Table:
        """Return the findings, of pseudonyms instead of core keys."""
        found = pa.Table.from_pylist(self.rows, FINDINGS_SCHEMA)
        refs = customer_refs(found["customer_ref"].combine_chunks(), secret)
        return found.set_column(1, FINDINGS_SCHEMA.field("customer_ref"), refs)

    def results(self) -> list[dict[str, Any]]:
        """Return how many documents failed each rule."""
        return [
            {
                "structure": self.structure,
                "xpath": xpath,
                "rule": rule,
                "severity": severity,
                "applied": self.judged,
                "passed": self.judged - count,
                "failed": count,
                "unknown": 0,
            }
            for (xpath, rule, severity), count in sorted(self.failed.items())
        ]


def judge_served(
    core: str | None = None,
    database: str | None = None,
    *,
    force: bool = False,
    tell: Callable[[str], None] = say,
) -> Judgement:
    """Judge every document being served, unless the last judgement was by these very rules, or ``force``."""
    settings, day, began = load_settings(database), today(), perf_counter()
    by = hashlib.sha256(repr((rules_version(), severities(day).expired)).encode()).hexdigest()[:16]
    secret = secret_of(settings, say)
    with open_store(settings.database_url) as store:
        check_secret(store, secret)
        if not force and _judged_by(store) == by:
            return Judgement("skipped", by)
        found = []
        for structure, version in product(STRUCTURES, versions()):
            found.append(_judge(store, structure.name, version, day))
            judged, refused = found[-1].judged, found[-1].refused
            if judged:
                tell(f"{structure.name} {version}: {judged:,} judged, {refused:,} would be refused")
        judgement = Judgement("judged", by, new_run_id(), _counts(found))
        judgement.rules = sorted((row for each in found for row in each.results()), key=worst_first)
        judgement.seconds = round(perf_counter() - began, 3)
        _record(store, core or settings.core, judgement, [each.findings(secret) for each in found])
    return judgement


def _counts(found: list[_Found]) -> dict[str, dict[str, int]]:
    """Count by structure, all versions together."""
    counts = {structure.name: {"judged": 0, "refused": 0} for structure in STRUCTURES}
    for each in found:
        counts[each.structure]["judged"] += each.judged
        counts[each.structure]["refused"] += each.refused
    return counts


def _judged_by(store: Store) -> str | None:
    rows = store.query(_LAST)
    return None if not rows else str(json.loads(str(rows[0]["counts"]))["rules_version"])


def _judge(store: Store, structure: str, version: str, day: dt.date) -> _Found:
    """Judge the documents of a structure, batch by batch; a stored document stays as it is while runs are published."""
    found = _Found(structure, Scale(structure, version, severities(day)), day, version)
    numbers = store.served(structure, version)["document_id"].combine_chunks().sort()
    for start in range(0, len(numbers), _BATCH):
        batch = store.texts(numbers.slice(start, _BATCH))
        for core_key, text in zip(batch["core_key"].to_pylist(), batch["document"].to_pylist(), strict=True):
            found.judge(core_key, text)
    return found


def _record(store: Store, core: str, judgement: Judgement, findings: list[pa.Table]) -> None:
    """Write the judgement as a run, with the database held only as long as that takes.

    Raises Busy where another run holds it for more than ten minutes.
    """
    run_id, moment = str(judgement.run_id), now()
    with ExitStack() as stack:
        _hold(stack, store, run_id)
        start = RunStart(run_id, "quality", core, "quality", moment, mapping_version=judgement.rules_version)
        run_seq = store.begin_run(start)
        for table in findings:
            store.write_findings(run_seq, table)
        store.write_rule_results(run_seq, pa.Table.from_pylist(judgement.rules, RULE_RESULTS_SCHEMA))
        counts = {name: value for name, value in asdict(judgement).items() if name not in {"rules", "state"}}
        store.finish_run(run_seq, "judged", now(), {**counts, "refused": judgement.refused})


def _hold(stack: ExitStack, store: Store, run_id: str) -> None:
    deadline = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            stack.enter_context(hold(store, run_id))
        except Busy:
            if monotonic() > deadline:
                raise
            sleep(_POLL_SECONDS)
        else:
            return


def show_judgement(judgement: Judgement, *, as_json: bool) -> None:
    """Tell a person or a machine what was found."""
    if as_json:
        show_json({**asdict(judgement), "refused": judgement.refused})
        return
    if judgement.state == "skipped":
        say("the rules are those of the last judgement; --force judges all the same")
        return
    columns = ("failed", "severity", "rule", "structure")
    if judgement.rules:
        rows = [[rule[name] for name in columns] for rule in judgement.rules[:MOST_RULES]]
        show_table("documents by rule", columns, rows)
    say(f"run {judgement.run_id}: {judgement.refused:,} documents would be refused now")
    if judgement.rules:
        say(f"which they are: cadastra findings --run {judgement.run_id} --rule RULE")
