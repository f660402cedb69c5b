"""Decide which documents a bucket owes: one per register or per person, who leads them, who is left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mappings.dating import row_seconds
from mappings.profile import EconomicActivities
from mappings.staging import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from customers.structures import Structure
    from mappings.profile import Table
    from mappings.staging import Bucket, Registers


@dataclass(frozen=True, slots=True)
class Scope:
    """Say which register feeds which document of one structure.

    ``lead`` is, for each document, the register whose core key the document carries (the smallest of the person);
    ``document`` is, for each register of the bucket, the document that its rows go to, or -1. ``read`` counts
    registers; ``excluded`` counts, by reason, those that made no document of their own; ``closed`` and ``sourceless``
    are all registers of persons without a document.
    """

    lead: NDArray[np.int64]
    document: NDArray[np.int64]
    read: int
    excluded: dict[str, int]
    closed: NDArray[np.int64]
    sourceless: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the documents."""
        return len(self.lead)


def identification_scope(bucket: Bucket, structure: Structure) -> Scope:
    """Every register of the kind makes one identification, whatever its state."""
    own = np.flatnonzero(bucket.registers.kind == structure.kind)
    nobody = np.empty(0, np.int64)
    return Scope(own, _numbered(len(bucket.registers), own), len(own), {}, nobody, nobody)


def _numbered(registers: int, leads: NDArray[np.int64]) -> NDArray[np.int64]:
    document = np.full(registers, -1, np.int64)
    document[leads] = np.arange(len(leads))
    return document


@dataclass(frozen=True, slots=True)
class _Persons:
    """Hold the persons of a kind: their registers, their leads, and which registers count."""

    own: NDArray[np.int64]
    person: NDArray[np.int64]  # of each register in ``own``, numbered in order of lead
    lead: NDArray[np.int64]
    counts: NDArray[np.bool_]  # of each register in ``own``: not in state E beside an open one
    has_open: NDArray[np.bool_]


def _persons(registers: Registers, kind: str) -> _Persons:
    own = np.flatnonzero(registers.kind == kind)
    _, first, person = np.unique(registers.person[own], return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    person = rank[person]
    is_open = registers.status[own] != "E"
    has_open = np.zeros(len(first), bool)
    has_open[person[is_open]] = True
    return _Persons(own, person, own[np.sort(first)], is_open | ~has_open[person], has_open)


def relation_scope(bucket: Bucket, structure: Structure) -> Scope:
    """Return one financial relation for each person with an open register; who has none is ``closed``."""
    persons = _persons(bucket.registers, structure.kind)
    number = np.where(persons.has_open, np.cumsum(persons.has_open) - 1, -1)
    document = np.full(len(bucket.registers), -1, np.int64)
    document[persons.own] = np.where(persons.counts, number[persons.person], -1)
    nobody = np.empty(0, np.int64)
    closed = persons.own[~persons.has_open[persons.person]]
    excluded = {"merged": len(persons.own) - len(persons.lead), "closed": int((~persons.has_open).sum())}
    return Scope(persons.lead[persons.has_open], document, len(persons.own), excluded, closed, nobody)


def qualification_scope(bucket: Bucket, structure: Structure, sources: tuple[type[Table], ...]) -> Scope:
    """Return one qualification per person, made by the register updated last among those that have a row for it.

    Without any qualification row there is no document (``no-source``). Registers updated at the same time are told
    apart by the time of their qualification row, then by core key, the smallest first.
    """
    registers = bucket.registers
    persons = _persons(registers, structure.kind)
    has_row = np.zeros(len(registers), bool)
    row_time = np.full(len(registers), NO_TIME)
    for table in sources:
        staged = bucket.tables[table]
        has_row[staged.register] = True
        if table is not EconomicActivities:
            row_time[staged.register] = row_seconds(bucket, staged)
    candidate = persons.counts & has_row[persons.own]
    own, person = persons.own[candidate], persons.person[candidate]
    order = np.lexsort((-own, row_time[own], registers.updated[own], person))
    last = np.append(person[order][1:] != person[order][:-1], np.ones(min(len(order), 1), bool))
    chosen, whose = own[order][last], person[order][last]
    has_source = np.zeros(len(persons.lead), bool)
    has_source[whose] = True
    nobody = np.empty(0, np.int64)
    sourceless = persons.own[~has_source[persons.person]]
    excluded = {"merged": len(persons.own) - len(persons.lead), "no-source": int((~has_source).sum())}
    return Scope(
        persons.lead[whose], _numbered(len(registers), chosen), len(persons.own), excluded, nobody, sourceless
    )
