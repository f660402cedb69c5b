"""What the severity ``omit`` leaves out of documents before they are judged: elements, optional leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.blocks import Documents, Rows
from customers.conditions import ALWAYS, Condition, xpaths
from expectations.cells import Booleans, positions
from expectations.masking import mask
from expectations.report import Failure, findings
from expectations.scope import Scope
from expectations.truths import truth

if TYPE_CHECKING:
    import datetime as dt

    from numpy.typing import NDArray

    from expectations.masks import RuleKey
    from expectations.severity import Severities

OMITTED_SCHEMA = pa.schema(
    [
        pa.field("xpath", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Omission:
    """Hold documents after the omissions, and what was left out.

    ``findings`` have the occurrences that the documents had before; ``counts`` (of ``OMITTED_SCHEMA``) say how
    often an xpath was left out for a rule, ``failed`` how many values of each rule that were.
    """

    documents: Documents
    findings: pa.Table
    counts: pa.Table
    failed: dict[RuleKey, int]


def omit(documents: Documents, severities: Severities, *, refs: pa.Array, day: dt.date) -> Omission:
    """Leave out what the severity table says, each omission judged on the documents as they came.

    Positions are numbered anew, rows below one that is left out go with it; ``documents`` stays as it is.
    """
    scope = Scope(documents, day)
    failures: list[Failure] = []
    dropped: dict[str, Booleans] = {}
    emptied: dict[str, Booleans] = {}
    counts: list[dict[str, object]] = []
    for waiver, judged in severities.omissions(documents.structure, documents.version):
        rows = mask(judged, scope).failed
        rows = rows[_due(waiver.when, scope, judged.block)[rows]]
        target = dropped if waiver.leave_out == judged.block else emptied
        place = judged.block if waiver.leave_out == judged.block else judged.key.xpath
        chosen = target.setdefault(place, np.zeros(len(scope.rows(judged.block)), dtype=np.bool_))
        chosen[rows] = True
        failures.append(Failure(judged, rows, "omit"))
        counts.append({"xpath": waiver.leave_out, "rule": judged.key.rule, "count": len(rows)})
    left = (
        _without(documents, scope, dropped, emptied)
        if any(len(found.rows) for found in failures)
        else documents
    )
    return Omission(
        left,
        findings(failures, documents, refs),
        pa.Table.from_pylist(counts, OMITTED_SCHEMA),
        {failure.judged.key: len(failure.rows) for failure in failures},
    )


def _due(when: Condition, scope: Scope, block: str) -> Booleans:
    """Say for which rows of a block a condition on the same row, or on one around it, is true."""
    if when == ALWAYS:
        return np.ones(len(scope.rows(block)), dtype=np.bool_)
    (xpath,) = xpaths(when)
    place = scope.leaf_block(xpath)
    return truth(when, scope, place).true[scope.climb(block, place)]


def _without(
    documents: Documents, scope: Scope, dropped: dict[str, Booleans], emptied: dict[str, Booleans]
) -> Documents:
    kept: dict[str, Booleans] = {}
    made: dict[str, Rows] = {}
    for path, rows in documents.blocks.items():
        parent = rows.block.parent
        keep = ~dropped[path] if path in dropped else np.ones(len(rows), dtype=np.bool_)
        if parent is not None:
            keep &= kept[parent][rows.parent]
        kept[path] = keep
        leaves = {xpath: chosen for xpath, chosen in emptied.items() if scope.leaf_block(xpath) == path}
        made[path] = _kept(_emptied(rows, leaves), keep, keep if parent is None else kept[parent])
    return replace(documents, blocks=made)


def _emptied(rows: Rows, leaves: dict[str, Booleans]) -> Rows:
    columns = dict(rows.columns)
    for xpath, chosen in leaves.items():
        columns[xpath] = pc.if_else(pa.array(chosen), None, columns[xpath])
    return replace(rows, columns=columns)


def _kept(rows: Rows, keep: Booleans, parent_kept: Booleans) -> Rows:
    """Keep some rows of a block; parents are renumbered to the rows that are left of them."""
    if keep.all() and parent_kept.all():
        return rows
    parent = (np.cumsum(parent_kept) - 1).astype(np.int32)[rows.parent[keep]]
    return Rows(
        rows.block,
        {xpath: column.filter(pa.array(keep)) for xpath, column in rows.columns.items()},
        rows.document[keep],
        parent,
        _renumbered(parent, rows.position[keep]),
        {xpath: origin.at(positions(keep)) for xpath, origin in rows.origins.items()},
    )


def _renumbered(parent: NDArray[np.int32], position: NDArray[np.int32]) -> NDArray[np.int32]:
    """Count the rows of each parent from 0, in their order."""
    order = np.lexsort((position, parent))
    ordered = parent[order]
    starts = np.searchsorted(ordered, ordered)
    numbered = np.empty_like(position)
    numbered[order] = np.arange(len(order)) - starts
    return numbered
