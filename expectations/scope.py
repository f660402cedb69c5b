"""A structure's blocks as rules see them: columns by xpath, what is present, how blocks lie in each other."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from customers.blocks import block_of
from customers.brazil.day import end_of_day
from customers.dictionary import effective_fields
from expectations.cells import Cells

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa
    from numpy.typing import NDArray

    from customers.blocks import Documents, Rows
    from customers.field import Field
    from expectations.cells import Booleans


class Scope:
    """Answer the questions of all rules about the blocks of one bucket; nothing is computed twice.

    ``day`` is what "in the future" and "years ago" refer to in dates, ``moment`` its end in Brazil, as an instant
    in UTC, what "in the future" refers to in date-times: the core's evening is the next day in UTC.
    """

    def __init__(self, documents: Documents, day: dt.date) -> None:
        self.documents = documents
        self.day = day
        self.moment = end_of_day(day)
        self._cells: dict[str, Cells] = {}
        self._present: dict[str, Booleans] = {}

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Return the dictionary's fields by xpath."""
        return {
            item.xpath: item for item in effective_fields(self.documents.structure, self.documents.version)
        }

    def rows(self, path: str) -> Rows:
        """Return the rows of a block."""
        return self.documents.blocks[path]

    def is_block(self, xpath: str) -> bool:
        """Say whether an xpath is a list (or the root), which has rows of its own."""
        return xpath in self.documents.blocks

    def home(self, xpath: str) -> str:
        """Return the block whose rows hold an xpath: a list lies in the rows of the block around it."""
        if self.is_block(xpath):
            return self.rows(xpath).block.parent or xpath
        if self.fields[xpath].is_leaf:
            return self.leaf_block(xpath)
        above = xpath
        while not self.is_block(above):
            above = above.rsplit("/", 1)[0]
        return above

    def leaf_block(self, xpath: str) -> str:
        """Return the block that has a leaf as a column; a list of scalars is its own."""
        return block_of(self.documents.structure, xpath, self.documents.version).path

    def cells(self, xpath: str) -> Cells:
        """Return the column of a leaf, in the rows of ``leaf_block``; raises KeyError for one not mapped."""
        if xpath not in self._cells:
            self._cells[xpath] = Cells(self.rows(self.leaf_block(xpath)).columns[xpath])
        return self._cells[xpath]

    def repeated(self) -> dict[str, pa.DictionaryArray]:
        """Return the columns that were seen to have few distinct values, all of them read."""
        found = {xpath: cells.repeated() for xpath, cells in self._cells.items()}
        return {xpath: values for xpath, values in found.items() if values is not None}

    def children(self, path: str) -> NDArray[np.int64]:
        """Count the rows of a list for each row of the block around it."""
        rows = self.rows(path)
        around = self.rows(self.home(path))
        return np.bincount(rows.parent, minlength=len(around))

    def climb(self, path: str, to: str) -> NDArray[np.int32]:
        """Return, for each row of a block, its row in a block further out."""
        if path == to:
            return np.arange(len(self.rows(path)), dtype=np.int32)
        rows = self.rows(path)
        if rows.block.parent is None:
            message = f"{path} does not lie in {to}"
            raise ValueError(message)
        return self.climb(rows.block.parent, to)[rows.parent]

    def unread(self, xpath: str, block: str) -> Booleans:
        """Say which rows of a block an unread value concerns: its own, those around it, or its document's."""
        found = np.zeros(len(self.rows(block)), dtype=np.bool_)
        cells, inside = self.cells(xpath), self.leaf_block(xpath)
        if not len(cells.unread):
            return found
        if block == inside or self._encloses(block, inside):
            found[self.climb(inside, block)[cells.unread]] = True
            return found
        return np.isin(self.rows(block).document, self.rows(inside).document[cells.unread])

    def _encloses(self, block: str, inside: str) -> bool:
        parent = self.rows(inside).block.parent
        return parent is not None and (parent == block or self._encloses(block, parent))

    def present(self, xpath: str) -> Booleans:
        """Say in which rows of its home an xpath holds anything: a value, a leaf below, an element.

        A required object that holds lists is always there, because required lists are sent even when empty.
        """
        if xpath not in self._present:
            self._present[xpath] = self._find_present(xpath)
        return self._present[xpath]

    def _find_present(self, xpath: str) -> Booleans:
        home = self.rows(self.home(xpath))
        if xpath == home.block.path:
            return np.ones(len(home), dtype=np.bool_)
        if self.is_block(xpath):
            return np.asarray(self.children(xpath) > 0)
        if self.fields[xpath].is_leaf:
            return self.cells(xpath).present
        inside = [item for item in self.fields if item.startswith(f"{xpath}/") and self._lies_in(item, home)]
        lists = [item for item in inside if self.is_block(item)]
        if any(self.fields[item].obligation == "required" for item in lists):
            return np.ones(len(home), dtype=np.bool_)
        found = np.zeros(len(home), dtype=np.bool_)
        for item in inside:
            if self.is_block(item) or self.fields[item].is_leaf:
                found |= self.present(item)
        return found

    def _lies_in(self, xpath: str, home: Rows) -> bool:
        return self.home(xpath) == home.block.path
