"""The check stage: leave out what may be left out, judge the rest by every rule, and say what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from expectations.masking import masks_of
from expectations.omit import Omission, omit
from expectations.report import Failure, Outcome, findings, results
from expectations.scope import Scope
from expectations.severity import Severities, severities
from expectations.verdict import Verdict, verdicts, verdicts_on_nothing

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from customers.blocks import Documents
    from customers.rule_kinds import Severity

_REFUSES: frozenset[Severity] = frozenset({"halt", "reject"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """State what the rules say of the documents of one bucket.

    ``documents`` are those that were judged: after the omissions, to be nested. ``repeated`` has those of their columns
    that have few distinct values, and none unread, by these. ``refused`` says which of them
    are not to be published. ``findings`` (``FINDINGS_SCHEMA``) name every failing rule, ``results``
    (``RULE_RESULTS_SCHEMA``) every rule, also one that applied to nothing. ``omitted`` counts what was left
    out, by xpath and rule. ``halted`` names the rules of severity halt that failed, ``expired`` the exceptions
    of the severity table that no longer hold.
    """

    documents: Documents
    repeated: dict[str, pa.DictionaryArray]
    refused: NDArray[np.bool_]
    findings: pa.Table
    results: pa.Table
    omitted: pa.Table
    halted: tuple[str, ...]
    expired: tuple[str, ...]


def judge(
    documents: Documents, *, refs: pa.Array, reference_date: dt.date, severity_table: Path | None = None
) -> Judgement:
    """Judge documents by all rules of their structure.

    ``refs`` has the customer's pseudonym for each document; ``reference_date`` is the business date that
    rules on time refer to. Raises UnreadableInput for a severity table that cannot be used.
    """
    table = severities(reference_date, severity_table)
    omission = omit(documents, table, refs=refs, day=reference_date)
    left = omission.documents
    scope = Scope(left, reference_date)
    if len(left):
        judged = verdicts(masks_of(scope), left.structure, left.version)
    else:
        judged = verdicts_on_nothing(left.structure, left.version)
    return _conclude(omission, judged, table, refs, scope.repeated())


def _conclude(
    omission: Omission,
    judged: list[Verdict],
    table: Severities,
    refs: pa.Array,
    repeated: dict[str, pa.DictionaryArray],
) -> Judgement:
    left = omission.documents
    failures = [
        Failure(verdict.judged, verdict.mask.failed, table.of(verdict.judged, left.structure))
        for verdict in judged
        if not verdict.success
    ]
    refused = np.zeros(len(left), dtype=np.bool_)
    for failure in failures:
        if failure.severity in _REFUSES:
            refused[left.blocks[failure.judged.block].document[failure.rows]] = True
    return Judgement(
        documents=left,
        repeated=repeated,
        refused=refused,
        findings=pa.concat_tables([omission.findings, findings(failures, left, refs)]),
        results=results(_outcomes(omission, judged, table), left.structure),
        omitted=omission.counts,
        halted=tuple(sorted({failure.judged.key.rule for failure in failures if failure.severity == "halt"})),
        expired=tuple(waiver.rule for waiver in table.expired),
    )


def _outcomes(omission: Omission, judged: list[Verdict], table: Severities) -> Iterator[Outcome]:
    """Count what was left out as failed; a rule that failed only there has the severity omit."""
    for verdict in judged:
        key, mask = verdict.judged.key, verdict.mask
        severity, left_out = (
            table.of(verdict.judged, omission.documents.structure),
            omission.failed.get(key, 0),
        )
        yield Outcome(
            key,
            "omit" if left_out and verdict.success else severity,
            mask.applied + left_out,
            len(mask.failed) + left_out,
            mask.unknown,
        )
