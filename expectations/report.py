"""Findings and results as tables, made of failing rows; its shape is all that is said of a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.findings import FINDINGS_SCHEMA, RULE_RESULTS_SCHEMA, shapes
from expectations.cells import text_array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from customers.blocks import Documents, Origin, Rows
    from customers.rule_kinds import Severity
    from expectations.catalogue import Judged
    from expectations.cells import Positions
    from expectations.masks import RuleKey


class Outcome(NamedTuple):
    """Count what became of the values that one rule applied to."""

    key: RuleKey
    severity: Severity
    applied: int
    failed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Name the rows of one block that break one rule, and how severe that is."""

    judged: Judged
    rows: Positions
    severity: Severity


def occurrences(documents: Documents, block: str, rows: Positions, xpath: str) -> pa.Array:
    """Return the path of an xpath for rows of a block, such as ``$.contacts.phones[2].areaCode``."""
    steps = xpath.removeprefix(block).replace("/", ".")
    return pc.binary_join_element_wise(_elements(documents, block, rows), steps, "")


def _elements(documents: Documents, block: str, rows: NDArray[np.integer]) -> pa.Array:
    """Return the path of each row itself: ``$`` for the data element, else such as ``$.contacts.phones[2]``."""
    inside = documents.blocks[block]
    parent = inside.block.parent
    if parent is None:
        return pa.repeat("$", len(rows))
    around = _elements(documents, parent, inside.parent[rows])
    steps = block.removeprefix(parent).replace("/", ".")
    places = pa.array(inside.position[rows]).cast(pa.string())
    return pc.binary_join_element_wise(around, f"{steps}[", places, "]", "")


def _origin(rows: Rows, xpath: str) -> Origin | None:
    """Return where a column came from; what has no column comes from one below, or from its row."""
    if xpath in rows.origins:
        return rows.origins[xpath]
    below = [origin for name, origin in rows.origins.items() if name.startswith(f"{xpath}/")]
    if not below and rows.block.parent is not None:
        below = list(rows.origins.values())
    return below[0] if below else rows.origins.get(rows.block.path)


def _lines(origin: Origin | None, rows: Positions) -> tuple[pa.Array, pa.Array]:
    """Return source file and line for rows; both null where no line is known."""
    if origin is None:
        return pa.nulls(len(rows), pa.string()), pa.nulls(len(rows), pa.int64())
    chosen = origin.at(rows)
    lines = chosen.lines.astype(np.int64)
    unknown = lines == 0
    names = pa.repeat(chosen.file, len(rows)) if isinstance(chosen.file, str) else chosen.file
    return pc.if_else(pa.array(unknown), None, names), pa.array(lines, mask=unknown)


def _cells(failure: Failure, documents: Documents) -> pa.Array:
    """Return the values that a finding is about, to be reduced to their shapes; null where there is none."""
    column = documents.blocks[failure.judged.block].columns.get(failure.judged.key.xpath)
    if column is None:
        return pa.nulls(len(failure.rows), pa.string())
    return text_array(column).take(pa.array(failure.rows))


def _findings_of(failure: Failure, documents: Documents, refs: pa.Array) -> pa.RecordBatch:
    """Return the findings of one rule; ``shape`` still holds the values themselves."""
    rows, xpath = failure.rows, failure.judged.key.xpath
    inside = documents.blocks[failure.judged.block]
    file, line = _lines(_origin(inside, xpath), rows)
    texts = (documents.structure, failure.judged.key.rule, failure.severity)
    structure, rule, severity = (pa.repeat(text, len(rows)) for text in texts)
    customers = text_array(refs).take(pa.array(inside.document[rows]))
    paths = occurrences(documents, failure.judged.block, rows, xpath)
    columns = [structure, customers, paths, rule, severity, _cells(failure, documents), file, line]
    return pa.RecordBatch.from_arrays(columns, schema=FINDINGS_SCHEMA)


def findings(failures: Iterable[Failure], documents: Documents, refs: pa.Array) -> pa.Table:
    """Return one finding for each failing row of each rule.

    ``refs`` has the customer's pseudonym for each document. A column of the export whose line is 0 or that no
    mapping names has no source.
    """
    batches = [_findings_of(failure, documents, refs) for failure in failures if len(failure.rows)]
    if not batches:
        return FINDINGS_SCHEMA.empty_table()
    table = pa.Table.from_batches(batches, FINDINGS_SCHEMA).combine_chunks()
    # Shapes are made last and at once: their Unicode patterns take longer to compile than to run.
    place = FINDINGS_SCHEMA.get_field_index("shape")
    return table.set_column(place, FINDINGS_SCHEMA.field(place), shapes(text_array(table["shape"])))


def results(outcomes: Iterable[Outcome], structure: str) -> pa.Table:
    """Return the counts of each rule; applied = passed + failed + unknown."""
    rows = list(outcomes)
    columns = {
        "structure": [structure] * len(rows),
        "xpath": [row.key.xpath for row in rows],
        "rule": [row.key.rule for row in rows],
        "severity": [row.severity for row in rows],
        "applied": [row.applied for row in rows],
        "passed": [row.applied - row.failed - row.unknown for row in rows],
        "failed": [row.failed for row in rows],
        "unknown": [row.unknown for row in rows],
    }
    return pa.table(columns, RULE_RESULTS_SCHEMA)
