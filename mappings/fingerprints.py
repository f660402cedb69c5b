"""A number for everything that the core sent about a person: the same number, the same documents.

The rows of a register count with their order in each table, and the registers of a person together: when one of them
changes, comes or goes, all of them have another number. A row of a file counts as the line that it is, unless the core
ignores some of its columns by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.digests import digests, mixed, of_stretches, salt
from mappings.octets import octets
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
    content += of_customers(row_words(customers, plan.core)[plan.row], customers.name)
    content += of_keys(digests(plan.keys), version)
    for name, member in plan.members.items():
        rows = np.flatnonzero(member >= 0)
        rows = rows[np.argsort(member[rows], kind="stable")]
        if len(rows):
            owner = member[rows]
            words = of_rows(row_words(plan.export.tables[name], plan.core)[rows], name, positions(owner))
            add(content, owner, words)
    return of_persons(content, plan.person_numbers).view(np.int64)


def row_words(raw: RawTable, core: Core) -> Words:
    """Hash the rows of a raw table, whatever its columns' types, unless that was done when it was read."""
    if raw.words is not None:
        return raw.words
    names = dict.fromkeys(source.column for source in core.tables[raw.name].columns.values())
    cells = [raw.columns[name].combine_chunks().cast(pa.string()) for name in names]
    texts = pc.binary_join_element_wise(*cells, _BETWEEN, null_handling="replace", null_replacement=_MISSING)
    data, edges = octets(texts)
    return of_stretches(data, edges[:-1].astype(np.int64), np.diff(edges).astype(np.int64))


def of_customers(words: Words, table: str) -> Words:
    """Say what the rows that make registers add to their content."""
    return mixed(words + salt(table))


def of_keys(words: Words, version: str) -> Words:
    """Say what the hashes of registers' keys add to their content, with all else that decides."""
    return mixed(words + salt(version))


def of_rows(words: Words, table: str, place: NDArray[np.int32] | NDArray[np.int64]) -> Words:
    """Say what other rows add to their register's content; ``place`` is that among its rows in the table, from 0."""
    return mixed(words + salt(table) + mixed(place.astype(np.uint64)))


def of_persons(content: Words, person: NDArray[np.int64] | NDArray[np.int32]) -> Words:
    """Return the fingerprint of each register, given its content and the number of its person."""
    words = mixed(content)
    together = np.zeros(int(person.max(initial=-1)) + 1, np.uint64)
    together[person] = words  # that is all for the many who have one register
    several = np.flatnonzero(np.bincount(person, minlength=1)[person] > 1)
    if len(several):
        several = several[np.argsort(person[several], kind="stable")]
        together[person[several]] = 0
        add(together, person[several], words[several])
    return mixed(together)[person]


def add(totals: Words, owner: NDArray[np.int64] | NDArray[np.int32], words: Words) -> None:
    """Add words to the totals of their owners; those of an owner stand together, and sums wrap around."""
    if len(owner) == 0:
        return
    first = np.flatnonzero(np.append([True], owner[1:] != owner[:-1]))
    if len(first) == len(owner):
        totals[owner] += words
    else:
        totals[owner[first]] += np.add.reduceat(words, first)
