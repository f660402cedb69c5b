"""A number for everything that the core sent about a person: the same number, the same documents.

The rows of a register count with their order in each table, and the registers of a person together: when one of them
changes, comes or goes, all of them have another number.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.digests import digests, mixed
from mappings.profile import NAMES, Customers
from mappings.rows import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mappings.core import Core
    from mappings.extract import RawTable
    from mappings.partition import Partition

    Words = NDArray[np.uint64]

_BETWEEN, _MISSING = "\x1f", "\x00"


def fingerprints(plan: Partition, version: str) -> NDArray[np.int64]:
    """Return the fingerprint of each register of a partition; ``version`` names all else that decides."""
    content = np.zeros(len(plan.keys), np.uint64)
    customers = plan.export.tables.get(plan.core.stage_of(NAMES[Customers]).name)
    if customers is None:
        return content.view(np.int64)
    content += mixed(_hashes(customers, plan.core, plan.row) + _salt(customers.name))
    content += mixed(digests(plan.keys) + _salt(version))
    for name, member in plan.members.items():
        rows = np.flatnonzero(member >= 0)
        rows = rows[np.argsort(member[rows], kind="stable")]
        if len(rows):
            owner = member[rows]
            place = positions(owner).astype(np.uint64)
            words = mixed(_hashes(plan.export.tables[name], plan.core, rows) + _salt(name) + mixed(place))
            _add(content, owner, words)
    person = plan.person_numbers
    together = np.zeros(int(person.max(initial=-1)) + 1, np.uint64)
    order = np.argsort(person, kind="stable")
    _add(together, person[order], mixed(content[order]))
    return mixed(together)[person].view(np.int64)


def _add(totals: Words, owner: NDArray[np.int64], words: Words) -> None:
    """Add words to the totals of their owners, who are ascending; sums wrap around."""
    owners, first = np.unique(owner, return_index=True)
    if len(owners):
        totals[owners] += np.add.reduceat(words, first)


def _hashes(raw: RawTable, core: Core, rows: NDArray[np.int64]) -> Words:
    """Hash chosen rows of a raw table, whatever its columns' types, by the columns that are staged."""
    names = dict.fromkeys(source.column for source in core.tables[raw.name].columns.values())
    columns = [raw.columns[name].combine_chunks() for name in names]
    if not np.array_equal(rows, np.arange(len(raw.lines))):
        chosen = pa.array(rows)
        columns = [values.take(chosen) for values in columns]
    cells = [values.cast(pa.string()) for values in columns]
    texts = pc.binary_join_element_wise(*cells, _BETWEEN, null_handling="replace", null_replacement=_MISSING)
    return digests(texts)


def _salt(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))
