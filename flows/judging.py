"""One bucket, one structure: map, check, nest. Plain functions of data; nothing here opens or waits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import pyarrow as pa

from customers.findings import FINDINGS_SCHEMA, RULE_RESULTS_SCHEMA
from customers.structures import STRUCTURES
from expectations.judge import judge
from mappings.assembly import map_structure
from mappings.nest import content_hashes, nest
from mappings.structure_maps import MAPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from mappings.assembly import Mapped
    from mappings.staging import Bucket
    from mappings.structure_map import Context


@dataclass(slots=True)
class Stopwatch:
    """Add up wall seconds by stage, those of several processes together; ``wall`` are those since it began."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _began: float = field(default_factory=perf_counter)
    _since: float = field(default_factory=perf_counter)

    @property
    def wall(self) -> float:
        """Return the seconds since it began."""
        return perf_counter() - self._began

    def lap(self, stage: str) -> None:
        """Give the time since the last lap to a stage."""
        now = perf_counter()
        self.seconds[stage] += now - self._since
        self._since = now

    def skip(self) -> None:
        """Give the time since the last lap to no stage."""
        self._since = perf_counter()

    def told(self) -> dict[str, float]:
        """Return the seconds so far, rounded to be shown."""
        return {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}


@dataclass(frozen=True, slots=True)
class Judged:
    """Hold what one structure of one bucket came to.

    ``accepted`` has the columns of the store's documents; ``refused`` has customer_id, tax_id and customer_ref of the
    documents that may not be published, ``gone`` and ``kept`` the first two of the registers of persons without one.
    ``results`` has the counts of every rule.
    """

    structure: str
    accepted: pa.Table
    refused: pa.Table
    findings: pa.Table
    results: pa.Table
    read: int
    excluded: dict[str, int]
    gone: pa.Table
    kept: pa.Table
    halted: tuple[str, ...]


def judge_bucket(bucket: Bucket, context: Context, watch: Stopwatch) -> Iterator[Judged]:
    """Map, check and nest each structure of a staged bucket."""
    for structure in STRUCTURES:
        yield _judged(structure.name, bucket, context, watch)


def _judged(structure: str, bucket: Bucket, context: Context, watch: Stopwatch) -> Judged:
    """Map, check and nest one structure; what only this takes is gone before the next one begins."""
    mapped = map_structure(MAPS[structure], bucket, context)
    watch.lap("map")
    verdict = judge(mapped.documents, refs=mapped.refs, reference_date=context.business_date)
    refused, extra = _refused_before(mapped, verdict.refused)
    watch.lap("check")
    accepted = _documents(mapped, nest(verdict.documents, verdict.repeated), ~refused, context.version)
    watch.lap("nest")
    return Judged(
        structure,
        accepted,
        _people(mapped, refused),
        pa.concat_tables([verdict.findings, extra]),
        pa.concat_tables([verdict.results, _results_before(mapped)]),
        mapped.read,
        mapped.excluded,
        mapped.gone,
        mapped.kept,
        verdict.halted,
    )


def _refused_before(mapped: Mapped, refused: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], pa.Table]:
    """Add the documents that staging or mapping already refused, with one finding each."""
    if not mapped.refusals:
        return refused, FINDINGS_SCHEMA.empty_table()
    refused = refused.copy()
    refused[[refusal.document for refusal in mapped.refusals if refusal.severity == "reject"]] = True
    rows = [
        {
            "structure": mapped.documents.structure,
            "customer_ref": mapped.refs[refusal.document].as_py(),
            "occurrence": "$",
            "rule": refusal.rule,
            "severity": refusal.severity,
            "shape": None,
            "source_file": refusal.file,
            "source_line": refusal.line,
        }
        for refusal in mapped.refusals
    ]
    return refused, pa.Table.from_pylist(rows, FINDINGS_SCHEMA)


def _results_before(mapped: Mapped) -> pa.Table:
    """Count the refusals of staging and mapping like those of a rule: of every document of the structure."""
    if not mapped.refusals:
        return RULE_RESULTS_SCHEMA.empty_table()
    failed: dict[tuple[str, str], set[int]] = {}
    for refusal in mapped.refusals:
        failed.setdefault((refusal.rule, refusal.severity), set()).add(refusal.document)
    rows = [
        {
            "structure": mapped.documents.structure,
            "xpath": "/data",
            "rule": rule,
            "severity": severity,
            "applied": len(mapped),
            "passed": len(mapped) - len(documents),
            "failed": len(documents),
            "unknown": 0,
        }
        for (rule, severity), documents in failed.items()
    ]
    return pa.Table.from_pylist(rows, RULE_RESULTS_SCHEMA)


def _documents(mapped: Mapped, texts: pa.Array, kept: NDArray[np.bool_], version: str) -> pa.Table:
    columns = {
        "customer_id": mapped.customer_ids,
        "core_key": mapped.core_keys,
        "tax_id": mapped.tax_ids,
        "update_date_time": mapped.updated_at,
        "document": texts,
    }
    if not kept.all():
        columns = {name: values.filter(pa.array(kept)) for name, values in columns.items()}
    documents = columns["document"]
    same = {"structure": mapped.documents.structure, "version": version}
    return pa.table(
        {name: pa.repeat(pa.scalar(text), len(documents)) for name, text in same.items()}
        | columns
        | {"content_hash": content_hashes(documents)}
    )


def _people(mapped: Mapped, chosen: NDArray[np.bool_]) -> pa.Table:
    mask = pa.array(chosen)
    columns = {"customer_id": mapped.customer_ids, "tax_id": mapped.tax_ids, "customer_ref": mapped.refs}
    return pa.table({name: values.filter(mask) for name, values in columns.items()})


def add_results(parts: list[pa.Table]) -> pa.Table:
    """Add up the rule results of several buckets: one row per structure, xpath, rule and severity."""
    keys = ["structure", "xpath", "rule", "severity"]
    counts = ["applied", "passed", "failed", "unknown"]
    together = pa.concat_tables([RULE_RESULTS_SCHEMA.empty_table(), *parts])
    grouped = together.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in counts])
    added = grouped.select(keys + [f"{name}_sum" for name in counts]).rename_columns(keys + counts)
    return added.cast(RULE_RESULTS_SCHEMA)
