"""Follow every value of one mapped document back to its cell in the export, and forward to its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customers.blocks import ROOT
from customers.dictionary import DEFAULT_VERSION, effective_fields
from customers.findings import shapes
from customers.structures import STRUCTURES
from customers.unread import UNREAD
from flows.explanation import Document, Found, Source, Value, rule_names
from mappings.lineage import mapping_lines, place_of, raw_column
from mappings.profile import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from customers.blocks import Documents, Rows
    from flows.explanation import ValueStatus
    from mappings.assembly import Mapped
    from mappings.core import Core
    from mappings.extract import Export
    from mappings.staging import Bucket, Staged
    from mappings.structure_map import BlockMap, Context, StructureMap


# A required list without elements is published as ``[]``.
_REQUIRED_LISTS = {
    structure.name: frozenset(
        field.xpath
        for field in effective_fields(structure.name, DEFAULT_VERSION)
        if field.type == "array" and field.obligation == "required"
    )
    for structure in STRUCTURES
}


@dataclass(slots=True)
class Origins:
    """Answer from an excerpt of the export: which cell, which shape."""

    export: Export
    core: Core
    bucket: Bucket
    _texts: list[tuple[Source, str]] = field(default_factory=list)

    def staged(self, name: str, file: str, line: int) -> str | None:
        """Return the staged text of ``table.column`` on a line, None if it is missing."""
        table, _, column = name.partition(".")
        staged = self.bucket.tables[TABLES[table]]
        rows = np.flatnonzero((staged.lines == line) & (staged.file == file))
        if column == "core_key":
            return "" if len(rows) else None
        text: str | None = staged.columns[column][int(rows[0])].as_py() if len(rows) else None
        return text

    def source(self, columns: Iterable[str], main: str, file: str | None, line: int | None) -> Source:
        """Describe the cell of the main column on a line, and name the other columns that take part."""
        first = raw_column(self.core, main)
        named = [raw_column(self.core, name) for name in columns if name != main]
        others = [raw.column if raw.table == first.table else f"{raw.table}.{raw.column}" for raw in named]
        source = Source(first.table, [first.column, *others])
        raw = self.export.tables.get(first.table)
        if raw is None or raw.file != file or line not in raw.lines:
            return source
        source.file, source.line = raw.file, line
        cell = raw.columns[first.column][int(np.flatnonzero(raw.lines == line)[0])].as_py()
        if cell is not None:
            self._texts.append((source, str(cell)))
        return source

    def row_of(self, name: str, file: str, line: int) -> tuple[str, int]:
        """Return the row of the table of ``table.column``: the one given, else the first that there is."""
        staged = self.bucket.tables[TABLES[name.partition(".")[0]]]
        return (
            (file, line) if staged.file == file or len(staged) == 0 else (staged.file, int(staged.lines[0]))
        )

    def main_column(
        self, column: str, columns: tuple[str, ...], file: str, line: int, value: str | None
    ) -> str:
        """Return the staged column that a value came from, where the mapping line leaves a choice."""
        if column == "customers.customer_id":
            return "customers.core_key"
        if not column.startswith("subject."):
            return column
        here = [name for name in columns if self.bucket.tables[TABLES[name.partition(".")[0]]].file == file]
        same = [name for name in here if self.staged(name, file, line) == value]
        return (same or here or list(columns))[0]

    def fill_shapes(self) -> None:
        """Give every cell asked for its shape, all at once."""
        texts = pa.array([text for _, text in self._texts], pa.string())
        for (source, _), shape in zip(self._texts, shapes(texts).to_pylist(), strict=True):
            source.shape = shape
        self._texts.clear()


@dataclass(frozen=True, slots=True)
class Follow:
    """Follow the values of one document; ``wanted`` chooses xpaths, None all of them."""

    origins: Origins
    structure_map: StructureMap
    mapped: Mapped
    number: int
    document: Document
    context: Context
    rules: dict[str, list[str]]
    left_out: dict[str, frozenset[int]]  # of each list, the lines whose elements were omitted
    wanted: frozenset[str] | None

    @property
    def _documents(self) -> Documents:
        return self.mapped.documents

    def values(self) -> Iterator[Value]:
        """Yield the values in dictionary order, missing ones included."""
        paths: dict[str, dict[int, str | None]] = {}
        for path, rows in self._documents.blocks.items():
            paths[path] = self._elements(path, rows, paths)
            xpaths = [name for name in rows.block.xpaths if self.wanted is None or name in self.wanted]
            for row, element in paths[path].items():
                for xpath in xpaths:
                    yield self._value(rows, row, xpath, element)
            if path != ROOT and xpaths:
                around = [element for element in paths[rows.block.parent or ROOT].values() if element]
                empty = bool(around) and path in _REQUIRED_LISTS[self.document.structure]
                yield from self._unsent(path, rows, xpaths, any_sent=bool(paths[path]), empty=empty)

    def _elements(
        self, path: str, rows: Rows, paths: dict[str, dict[int, str | None]]
    ) -> dict[int, str | None]:
        """Return the path of each row of the document, as numbered in what was published; None if it was omitted."""
        own = np.flatnonzero(rows.document == self.number).tolist()
        parent = rows.block.parent
        if parent is None:
            return dict.fromkeys(own, "$")
        step = path.removeprefix(parent).replace("/", ".")
        lines = next(iter(rows.origins.values())).lines if rows.origins else np.zeros(len(rows), np.int64)
        elements: dict[int, str | None] = {}
        counts: dict[int, int] = {}
        for row in own:
            above = paths[parent].get(int(rows.parent[row]))
            if above is None or int(lines[row]) in self.left_out.get(path, frozenset()):
                elements[row] = None
                continue
            place = counts.get(int(rows.parent[row]), 0)
            counts[int(rows.parent[row])] = place + 1
            elements[row] = f"{above}{step}[{place}]"
        return elements

    def _value(self, rows: Rows, row: int, xpath: str, element: str | None) -> Value:
        mapping = mapping_lines(self.document.structure).get(xpath)
        inside = xpath.removeprefix(rows.block.path).replace("/", ".")
        occurrence = _without_place(rows.block.path) + inside if element is None else element + inside
        if mapping is None or xpath not in rows.columns:
            return Value(
                self.document.structure, xpath, occurrence, "not sent", "no mapping line names it", None, None
            )
        origin = rows.origins[xpath].at(np.array([row]))
        file = origin.file if isinstance(origin.file, str) else origin.file[0].as_py()
        line = int(origin.lines[0])
        text = rows.columns[xpath][row].as_py()
        main = self.origins.main_column(
            origin.column or mapping.columns[0], mapping.columns, file, line, text
        )
        file, line = self.origins.row_of(main, file, line)
        source = self.origins.source(mapping.columns, main, file, line)
        failed = [
            finding for finding in self.document.findings if _speaks_of(finding, xpath, rows, file, line)
        ]
        status, why = self._verdict(text, failed, omitted=element is None)
        if text is None and status != "omitted":
            status, why = self._missing(main, file, line, source, failed)
        passed = [] if text is None or text.startswith(UNREAD) else self.rules.get(xpath, [])
        broken = {finding.rule for finding in failed}
        return Value(
            self.document.structure,
            xpath,
            occurrence,
            status,
            why,
            source,
            mapping,
            [rule for rule in passed if rule not in broken],
            failed,
        )

    def _verdict(self, text: str | None, failed: list[Found], *, omitted: bool) -> tuple[ValueStatus, str]:
        """Say what became of a value that the mapping made."""
        state = self.document.state
        refusals = [finding for finding in failed if finding in self.document.refusals]
        omissions = [finding for finding in failed if finding.severity == "omit"]
        if omitted or (omissions and text is not None):
            found = omissions or [finding for finding in self.document.findings if finding.severity == "omit"]
            return "omitted", f"left out by {rule_names(found)}"
        if state == "served":
            return "served", ""
        if refusals:
            return "rejected", f"{rule_names(refusals)}{self._since()}"
        if state in {"rejected", "stale"}:
            return (
                "rejected",
                f"its document is refused by {rule_names(self.document.refusals)}{self._since()}",
            )
        if state == "withdrawn":
            return "withdrawn", f"by run {self.document.since_run}"
        return "not published", self.document.why

    def _since(self) -> str:
        document = self.document
        return f", since run {document.since_run} ({document.since})" if document.since_run else ""

    def _missing(
        self, main: str, file: str, line: int, source: Source, failed: list[Found]
    ) -> tuple[ValueStatus, str]:
        """Say why the mapping made no value."""
        refused = [finding for finding in failed if finding in self.document.refusals]
        tail = f"; refused by {rule_names(refused)}{self._since()}" if refused else ""
        if source.line is None:
            return "never sent", f"the core sent no row in {source.table}{tail}"
        if self.origins.staged(main, file, line) is not None:
            return "not sent", f"the condition of the mapping line is not met{tail}"
        return "never sent", f"the core sent nothing in {source.table}.{source.columns[0]}{tail}"

    def _unsent(
        self, path: str, rows: Rows, xpaths: list[str], *, any_sent: bool, empty: bool
    ) -> Iterator[Value]:
        """Yield what stands on the lines of a list that the mapping left out; a line for a list without any.

        ``empty``: without elements it is published as ``[]``.
        """
        block_map = self.structure_map.blocks[path]
        left = self._lines_left_out(block_map, rows)
        lines = mapping_lines(self.document.structure)
        occurrence = _without_place(path)
        structure = self.document.structure
        if not left and not any_sent:
            named = xpaths if self.wanted is not None else xpaths[:1]
            for xpath in named:
                mapping = lines[xpath]
                source = self.origins.source(mapping.columns, mapping.columns[0], None, None)
                shown = xpath if self.wanted is not None else path
                inside = shown.removeprefix(path).replace("/", ".")
                missing = [finding for finding in self.document.findings if finding.xpath in {path, xpath}]
                tail = f"; {rule_names(missing)}" if missing else ""
                why = f"the core sent no row in {source.table}{', so the list is empty' * empty}{tail}"
                status: ValueStatus = "never sent"
                if empty and shown == path and self.document.state == "served":
                    status = "served"
                yield Value(structure, shown, occurrence + inside, status, why, source, mapping, [], missing)
        for line, file, why in left:
            for xpath in xpaths:
                mapping = lines[xpath]
                if self.wanted is None and self.origins.staged(mapping.columns[0], file, line) is None:
                    continue
                source = self.origins.source(mapping.columns, mapping.columns[0], file, line)
                inside = xpath.removeprefix(path).replace("/", ".")
                yield Value(structure, xpath, occurrence + inside, "not sent", why, source, mapping)

    def _lines_left_out(self, block_map: BlockMap, rows: Rows) -> list[tuple[int, str, str]]:
        """Return (line, file, why) of the staged rows of a list that are not in the document."""
        bucket = self.origins.bucket
        staged = bucket.tables[block_map.table]
        origin = next(iter(rows.origins.values()), None)
        sent = set() if origin is None else set(origin.lines[rows.document == self.number].tolist())
        keys = bucket.registers.core_keys.take(pa.array(staged.register)).to_pylist() if len(staged) else []
        own_register = self.structure_map.structure.grain == "register"
        lead = self.mapped.core_keys[self.number].as_py()
        left = [
            row
            for row, line in enumerate(staged.lines.tolist())
            if line not in sent and (keys[row] == lead or not own_register)
        ]
        refused = self._refused_rows(block_map, staged, left)
        sends, refine = block_map.sends, self.structure_map.refine if not sent else None
        return [
            (
                int(staged.lines[row]),
                staged.file,
                _why(
                    self.structure_map, block_map, bucket, int(staged.register[row]), sends if no else refine
                ),
            )
            for row, no in zip(left, refused, strict=True)
        ]

    def _refused_rows(self, block_map: BlockMap, staged: Staged, rows: list[int]) -> list[bool]:
        if block_map.sends is None:
            return [False] * len(rows)
        view = staged.view(np.array(rows, np.int64))
        sent = pa.chunked_array(block_map.sends(view, self.context).array.__arrow_array__())
        return [answer is False for answer in sent.to_pylist()]


def _why(
    structure_map: StructureMap,
    block_map: BlockMap,
    bucket: Bucket,
    register: int,
    condition: Callable[..., object] | None,
) -> str:
    """Say why a row of a list is not in the document; ``condition`` is the function that may have decided so."""
    status = bucket.registers.status
    if block_map.belongs_to is not None:
        return "no element of the list around it has the same value"
    if status[register] == "E" and structure_map.structure.grain == "person" and (status != "E").any():
        return "its register is closed"
    if structure_map.structure.subject == "qualifications":
        return "another register of the person was updated later"
    if condition is not None:
        file, line = place_of(condition)
        return f"the row is left out by {condition.__name__} ({file}:{line})"
    return "an equal element is sent already"


def _speaks_of(finding: Found, xpath: str, rows: Rows, file: str, line: int) -> bool:
    if finding.xpath != xpath:
        return False
    return rows.block.path == ROOT or finding.line is None or (finding.file, finding.line) == (file, line)


def _without_place(path: str) -> str:
    """Return the path of a list's element that has no place in the document."""
    return "$" + path.removeprefix(ROOT).replace("/", ".") + "[]" * (path != ROOT)
