"""Blocks: a response structure as tables, one row per occurrence of a list, one column per xpath.

The root block of a structure is ``/data``: one row per document. Every list of the dictionary is one more block, also
a list of scalars, whose only column is the list's own xpath. Objects need no block: they are part of the xpath.
v2.2.1 has 29 blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from customers.dictionary import DEFAULT_VERSION, Field, effective_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

ROOT = "/data"


@dataclass(frozen=True, slots=True)
class Block:
    """Describe one block: its list, the list around it, and its leaves in dictionary order.

    ``scalar`` marks a list of scalars: its one leaf has the block's own path.
    """

    structure: str
    path: str
    parent: str | None
    leaves: tuple[Field, ...]
    scalar: bool

    @property
    def xpaths(self) -> tuple[str, ...]:
        """Return the xpaths of the leaves."""
        return tuple(leaf.xpath for leaf in self.leaves)


@dataclass(frozen=True, slots=True)
class Origin:
    """Say where the cells of one column came from: a line for each row (0: none) of one file, or of one each.

    ``column`` is the staged ``table.column`` that feeds it, empty where no single one does.
    """

    file: str | pa.StringArray
    lines: NDArray[np.int64]
    column: str = ""

    def at(self, rows: NDArray[np.integer]) -> Origin:
        """Return the origin of chosen rows."""
        file = self.file if isinstance(self.file, str) else self.file.take(pa.array(rows))
        return Origin(file, self.lines[rows], self.column)


@dataclass(slots=True)
class Rows:
    """Hold the rows of one block.

    ``columns`` has one Arrow string array per xpath (see ``customers.unread`` for what a cell may be; booleans are
    ``true``/``false``, numbers their JSON text). Rows are sorted by (document, position). ``document`` is the row of
    the root block, ``parent`` the row of the parent block, ``position`` the 0-based place in the parent's list.
    """

    block: Block
    columns: dict[str, pa.Array]
    document: NDArray[np.int32]
    parent: NDArray[np.int32]
    position: NDArray[np.int32]
    origins: dict[str, Origin] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.document)


@dataclass(slots=True)
class Documents:
    """Hold the blocks of one structure for a bucket of customers, by path; ``blocks["/data"]`` is the root."""

    structure: str
    version: str
    blocks: dict[str, Rows]

    @property
    def root(self) -> Rows:
        """Return the root block: one row per document."""
        return self.blocks[ROOT]

    def __len__(self) -> int:
        """Count the documents."""
        return len(self.root)


def _list_around(xpath: str, lists: set[str]) -> str:
    """Return the nearest list (or the root) strictly above an xpath."""
    above = xpath.rsplit("/", 1)[0]
    while above not in lists:
        above = above.rsplit("/", 1)[0]
    return above


def _blocks(structure: str, version: str) -> Iterator[Block]:
    fields = effective_fields(structure, version)
    lists = {ROOT} | {item.xpath for item in fields if item.type == "array"}
    scalars = {"string", "number", "boolean"}
    for item in fields:
        if item.xpath == ROOT or item.items == "object":
            leaves = tuple(
                leaf
                for leaf in fields
                if leaf.type in scalars and _list_around(leaf.xpath, lists) == item.xpath
            )
            parent = None if item.xpath == ROOT else _list_around(item.xpath, lists)
            yield Block(structure, item.xpath, parent, leaves, scalar=False)
        elif item.type == "array":
            yield Block(structure, item.xpath, _list_around(item.xpath, lists), (item,), scalar=True)


@cache
def blocks(structure: str, version: str = DEFAULT_VERSION) -> tuple[Block, ...]:
    """Return the blocks of a structure in dictionary order, the root first and parents before children."""
    return tuple(_blocks(structure, version))


@cache
def block_of(structure: str, xpath: str, version: str = DEFAULT_VERSION) -> Block:
    """Return the block that has a leaf or list as a column; a scalar list is its own block.

    Raises KeyError for an xpath that is no leaf of the structure.
    """
    for block in blocks(structure, version):
        if xpath in block.xpaths:
            return block
    msg = f"{xpath} is no leaf of {structure} {version}"
    raise KeyError(msg)
