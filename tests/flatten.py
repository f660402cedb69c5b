"""Make blocks of documents, for tests: the inverse of nesting, row by row, because test data is small."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from customers.blocks import ROOT, Block, Documents, Origin, Rows, blocks
from customers.dictionary import DEFAULT_VERSION


def text(value: Any) -> str | None:  # noqa: ANN401 (any JSON scalar)
    """Write a JSON scalar as the canonical text of a cell."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _below(item: Any, path: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Follow a relative path such as ``/contacts/phones``; None where it ends early."""
    for name in path.strip("/").split("/") if path.strip("/") else []:
        item = item.get(name) if isinstance(item, dict) else None
    return item


def _cells(block: Block, items: list[Any]) -> dict[str, pa.Array]:
    return {
        xpath: pa.array([text(_below(item, xpath.removeprefix(block.path))) for item in items], pa.string())
        for xpath in block.xpaths
    }


def _rows(block: Block, items: list[tuple[int, int, int, Any]], file: str | None) -> Rows:
    """Make the rows of a block of (document, parent, position, item)."""
    columns = _cells(block, [item for *_, item in items])
    document, parent, position = (np.array([row[i] for row in items], np.int32) for i in range(3))
    lines = np.arange(2, 2 + len(items), dtype=np.int64)
    origins = {} if file is None else {xpath: Origin(file, lines) for xpath in columns}
    return Rows(block, columns, document, parent, position, origins)


def flatten(
    structure: str,
    documents: list[dict[str, Any]],
    version: str = DEFAULT_VERSION,
    file: str | None = "test.csv",
) -> Documents:
    """Turn documents (the data element of a structure each) into blocks.

    None is an absent value; a text that starts with the mark of ``customers.unread`` is unread. With ``file``
    every column has an origin: row *n* of a block comes from line *n* + 2.
    """
    items: dict[str, list[tuple[int, int, int, Any]]] = {
        ROOT: [(row, row, 0, document) for row, document in enumerate(documents)]
    }
    made: dict[str, Rows] = {}
    for block in blocks(structure, version):
        if block.parent is not None:
            relative = block.path.removeprefix(block.parent)
            items[block.path] = [
                (document, row, position, child)
                for row, (document, _, _, item) in enumerate(items[block.parent])
                for position, child in enumerate(_below(item, relative) or [])
            ]
        made[block.path] = _rows(block, items[block.path], file)
    return Documents(structure, version, made)
