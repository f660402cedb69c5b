"""Assemble the documents of one structure from a staged bucket: root, lists, and where every value came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.blocks import ROOT, Block, Documents, Origin, Rows, blocks
from mappings.columns import arrow, column
from mappings.dating import started_at, updated_at
from mappings.profile import NAMES
from mappings.rows import positions, united
from mappings.scope import Scope, identification_scope, qualification_scope, relation_scope
from mappings.structure_map import Context, Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mappings.dating import Times
    from mappings.staging import Bucket, Registers, Staged
    from mappings.structure_map import BlockMap, StructureMap


@dataclass(frozen=True, slots=True)
class Refusal:
    """Name what was found of a document before any rule is judged; with ``reject`` it cannot be published."""

    document: int
    rule: str
    file: str
    line: int
    severity: Literal["reject", "warn"] = "reject"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Hold the mapped documents of one structure and bucket, and who they are about.

    All arrays have one entry per document. ``gone`` has the registers (customer_id, tax_id) of persons without a
    document whose earlier one is withdrawn (no source), ``kept`` of those whose earlier one goes on being served
    (closed).
    """

    documents: Documents
    core_keys: pa.Array
    customer_ids: pa.Array
    refs: pa.Array
    tax_ids: pa.Array
    updated_at: pa.Array
    refusals: list[Refusal]
    read: int
    excluded: dict[str, int]
    gone: pa.Table
    kept: pa.Table

    def __len__(self) -> int:
        """Count the documents."""
        return len(self.documents)


def map_structure(structure_map: StructureMap, bucket: Bucket, context: Context) -> Mapped:
    """Map one structure of a bucket."""
    scope = _scope(structure_map, bucket)
    registers, structure = bucket.registers, structure_map.structure
    lead = pa.array(scope.lead)
    core_keys = registers.core_keys.take(lead)
    ids, refs = (names.take(lead) for names in registers.named(context.secret))
    times = updated_at(bucket, scope.document, len(scope), structure_map.dated_by)
    starts = started_at(bucket, scope.document, len(scope))
    subject = Subject(
        column(ids, "customers.customer_id"),
        column(times.text, "subject.updated_at"),
        column(starts.text, "subject.started_at"),
    )
    root = _root(
        structure_map, bucket, scope, subject, {"subject.updated_at": times, "subject.started_at": starts}
    )
    documents = Documents(structure.name, context.version, {ROOT: root})
    refusals = _refusals(bucket, scope)
    for block in blocks(structure.name, context.version)[1:]:
        block_map = structure_map.blocks[block.path]
        documents.blocks[block.path], lost = _rows(block, block_map, bucket, scope, documents, context)
        refusals += lost
    if structure.subject == "financial_relations":
        documents.blocks = {path: united(rows) for path, rows in documents.blocks.items()}
    if structure_map.refine is not None:
        structure_map.refine(documents)
    return Mapped(
        documents,
        core_keys,
        ids,
        refs,
        registers.tax_ids.take(lead),
        times.text,
        refusals,
        scope.read,
        scope.excluded,
        _people(registers, scope.sourceless, context),
        _people(registers, scope.closed, context),
    )


def _people(registers: Registers, chosen: NDArray[np.int64], context: Context) -> pa.Table:
    rows = pa.array(chosen)
    ids, _ = registers.named(context.secret)
    return pa.table({"customer_id": ids.take(rows), "tax_id": registers.tax_ids.take(rows)})


def _scope(structure_map: StructureMap, bucket: Bucket) -> Scope:
    structure = structure_map.structure
    match structure.subject:
        case "identifications":
            return identification_scope(bucket, structure)
        case "qualifications":
            lists = tuple(block.table for block in structure_map.blocks.values())
            return qualification_scope(bucket, structure, (*structure_map.joined, *lists))
        case "financial_relations":
            return relation_scope(bucket, structure)


def _refusals(bucket: Bucket, scope: Scope) -> list[Refusal]:
    found = [
        Refusal(int(scope.document[again.register]), "X-DUPLICATE-KEY", again.file, again.line)
        for again in bucket.duplicates
    ]
    customers = bucket.registers.customers
    unknown = np.flatnonzero(bucket.registers.status == "?")
    found += [
        Refusal(int(scope.document[register]), "X-UNMAPPED", customers.file, int(customers.lines[register]))
        for register in unknown
    ]
    return [refusal for refusal in found if refusal.document >= 0]


def _root(
    structure_map: StructureMap, bucket: Bucket, scope: Scope, subject: Subject, times: dict[str, Times]
) -> Rows:
    count = len(scope)
    joined, lines = [], {}
    for table in structure_map.joined:
        staged = bucket.tables[table]
        rows = _joined_rows(structure_map, bucket, scope, staged)
        joined.append(staged.view(rows))
        lines[NAMES[table]] = (staged.file, np.append(staged.lines, 0)[rows])
    columns = structure_map.root(subject, *joined)
    customers = bucket.registers.customers
    spare = customers.lines[scope.lead]
    origins = {ROOT: Origin(customers.file, spare)}
    known = {name: _origin(said.files, said.lines, customers.file, spare) for name, said in times.items()}
    known |= {name: _origin(file, found, customers.file, spare) for name, (file, found) in lines.items()}
    for xpath, values in columns.items():
        name = str(values.name)
        found = known.get(name) or known.get(name.split(".", maxsplit=1)[0]) or origins[ROOT]
        origins[xpath] = replace(found, column=name)
    everyone = np.arange(count, dtype=np.int32)
    block = blocks(structure_map.structure.name)[0]
    nothing = np.zeros(count, np.int32)
    mapped = {xpath: arrow(values) for xpath, values in columns.items()}
    return Rows(block, mapped, everyone, everyone, nothing, origins)


def _origin(files: str | pa.Array, lines: NDArray[np.int64], other: str, spare: NDArray[np.int64]) -> Origin:
    """Return where values stand; where that is nowhere (line 0), other lines of another file stand for it."""
    there = lines > 0
    if there.all():
        return Origin(files, lines)
    return Origin(pc.if_else(pa.array(there), files, other), np.where(there, lines, spare))


def _joined_rows(
    structure_map: StructureMap, bucket: Bucket, scope: Scope, staged: Staged
) -> NDArray[np.int64]:
    """Return for each document its row in a one-row table, or -1."""
    row_of = staged.first_rows(len(bucket.registers))
    if structure_map.structure.subject == "financial_relations":
        return _last_with_text(bucket, scope, staged)
    register = np.full(len(scope), -1, np.int64)
    fed = np.flatnonzero(scope.document >= 0)
    register[scope.document[fed]] = fed
    return row_of[register]


def _last_with_text(bucket: Bucket, scope: Scope, staged: Staged) -> NDArray[np.int64]:
    """Return for each document the row of the register updated last that has a text on other products."""
    text = staged.columns["products_services_type_additional_info"]
    rows = np.flatnonzero(pc.is_valid(text).to_numpy(zero_copy_only=False))
    owner = scope.document[staged.register[rows]]
    rows, owner = rows[owner >= 0], owner[owner >= 0]
    order = np.lexsort((-staged.register[rows], bucket.registers.updated[staged.register[rows]], owner))
    best = np.full(len(scope), -1, np.int64)
    best[owner[order]] = rows[order]
    return best


def _rows(  # noqa: PLR0913, PLR0917 (everything that a list is made of)
    block: Block, block_map: BlockMap, bucket: Bucket, scope: Scope, documents: Documents, context: Context
) -> tuple[Rows, list[Refusal]]:
    """Map the rows of one list, in the order in which they are sent, and name those whose parent is not there."""
    staged = bucket.tables[block_map.table]
    document = scope.document[staged.register] if len(staged) else np.empty(0, np.int64)
    rows = np.flatnonzero(document >= 0)
    rows = rows[np.argsort(document[rows], kind="stable")]
    view = staged.view(rows)
    columns = block_map.map(view)
    mapped = {xpath: arrow(values) for xpath, values in columns.items()}
    if block_map.sends is not None:
        sent = pc.fill_null(arrow(block_map.sends(view, context)), True)  # noqa: FBT003
        rows = rows[sent.to_numpy(zero_copy_only=False)]
        mapped = {xpath: values.filter(sent) for xpath, values in mapped.items()}
    owner = document[rows]
    origin = Origin(staged.file, staged.lines[rows])
    parent, lost = owner, []
    if block_map.belongs_to is not None:
        parent = _parents(block, block_map, staged, rows, owner, documents)
        lost = [
            Refusal(int(owner[row]), "X-ORPHAN", staged.file, int(origin.lines[row]), "warn")
            for row in np.flatnonzero(parent < 0)
        ]
        kept = np.flatnonzero(parent >= 0)
        kept = kept[np.argsort(parent[kept], kind="stable")]
        owner, parent = owner[kept], parent[kept]
        origin = Origin(staged.file, origin.lines[kept])
        mapped = {xpath: values.take(pa.array(kept)) for xpath, values in mapped.items()}
    origins = {xpath: replace(origin, column=str(columns[xpath].name)) for xpath in mapped}
    return Rows(
        block, mapped, owner.astype(np.int32), parent.astype(np.int32), positions(parent), origins
    ), lost


def _parents(  # noqa: PLR0913, PLR0917 (as above)
    block: Block,
    block_map: BlockMap,
    staged: Staged,
    rows: NDArray[np.int64],
    owner: NDArray[np.int64],
    documents: Documents,
) -> NDArray[np.int64]:
    """Return for each row of a list inside a list the first parent of its document with the same value, or -1."""
    own, parents = block_map.belongs_to or ("", ""), documents.blocks[block.parent or ROOT]
    above = next(iter(parents.columns.values()))
    wanted = _keyed(owner, staged.columns[own[0]].take(pa.array(rows)))
    found = pc.index_in(wanted, _keyed(parents.document, above), skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def _keyed(owner: NDArray[np.int64] | NDArray[np.int32], values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.array(owner).cast(pa.string()), values, ":")
