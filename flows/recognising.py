"""Know persons again by their fingerprints alone: whoever has one that is remembered is as that run left him.

A fingerprint is of all registers of a person and all their rows, so that who has it need not be asked for. Where that
does not say all (registers of a person remembered by several runs or with other reasons, or not all of them), and where
nobody of the export has it, the rows themselves have to be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.word_index import NOWHERE, WordIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from mappings.census import Census

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recognised:
    """Say for each register whether it was known again and still ``holds``, since which run, and what was left out.

    ``excluded`` are numbers of ``texts``; ``run_seq`` is 0 of who was not known again. ``others`` are the fingerprints
    that are to be looked at.
    """

    holds: Mask
    run_seq: Numbers
    excluded: NDArray[np.int16]
    texts: list[str]
    others: Numbers


def recognise(census: Census, groups: Iterable[pa.Table], day: str) -> Recognised:
    """Look for the persons of a census among remembered fingerprints (``sql.fingerprints.GROUPS``)."""
    persons = _Persons(census)
    kinds = _Kinds(day)
    parts = [(persons.of(numbers), kind, numbers) for table in groups for kind, numbers in [kinds.of(table)]]
    person, kind, numbers = (np.concatenate(part) for part in zip(*parts, strict=True))
    found = np.flatnonzero(person != NOWHERE)
    own, own_kind = person[found], kind[found]
    kind_of = np.full(len(census.persons), NOWHERE, np.int32)
    kind_of[own] = own_kind
    sure = np.bincount(own, minlength=len(kind_of)) == np.bincount(census.person, minlength=len(kind_of))
    sure[own[own_kind != kind_of[own]]] = False
    known = np.zeros(len(person), bool)
    known[found] = sure[own]
    of_register = np.where(sure, kind_of, NOWHERE)[census.person]
    return Recognised(*kinds.told(of_register), np.unique(numbers[~known]))


class _Persons:
    """Find the persons of a census by their fingerprints."""

    def __init__(self, census: Census) -> None:
        marks = np.zeros(len(census.persons), np.uint64)
        marks[census.person] = census.fingerprints.view(np.uint64)
        self._order = np.argsort(marks).astype(np.int32)
        self._index = WordIndex(marks[self._order])

    def of(self, numbers: Numbers) -> NDArray[np.int32]:
        place = self._index.places(numbers.view(np.uint64))
        return np.append(self._order, np.int32(NOWHERE))[place]


class _Kinds:
    """Number the runs and reasons with which fingerprints are remembered, and whether they still hold."""

    def __init__(self, day: str) -> None:
        self._day = day
        self._numbers: dict[tuple[int, str, bool], int] = {}

    def of(self, groups: pa.Table) -> tuple[NDArray[np.int32], Numbers]:
        """Return the number of each fingerprint's kind, and the fingerprints."""
        lists = groups["fingerprints"].combine_chunks()
        holds = holding(groups, self._day).tolist()
        kinds = zip(groups["run_seq"].to_pylist(), groups["excluded"].to_pylist(), holds, strict=True)
        each = np.array([self._numbers.setdefault(kind, len(self._numbers)) for kind in kinds], np.int32)
        return np.repeat(each, pc.list_value_length(lists)), lists.flatten().to_numpy()

    def told(self, kinds: NDArray[np.int32]) -> tuple[Mask, Numbers, NDArray[np.int16], list[str]]:
        """Spread what the kinds of registers say; NOWHERE is not remembered."""
        texts = list(dict.fromkeys(text for _, text, _ in self._numbers))
        nothing = (0, texts[0], False)
        run_seqs, excluded, holds = zip(*self._numbers, nothing, strict=True)
        codes = np.array([texts.index(text) for text in excluded], np.int16)
        return np.array(holds)[kinds], np.array(run_seqs, np.int64)[kinds], codes[kinds], texts


def holding(rows: pa.Table, day: str) -> Mask:
    """Say of what is remembered whether it still counts on a day: it is not of a later one, nor has it ended."""
    ended = pc.fill_null(pc.less(rows["valid_until"], day), False)  # noqa: FBT003 (Arrow's)
    holds = pc.and_(pc.less_equal(rows["business_date"], day), pc.invert(ended))
    return np.asarray(pc.fill_null(holds, False), bool)  # noqa: FBT003 (Arrow's)
