"""Persons are known again by their fingerprints alone only where that says all that their rows would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.recognising import recognise
from mappings.census import Census
from mappings.word_index import WordIndex
from sql.fingerprints import GROUPS

# Registers 1 and 2 are of one person, all others of their own.
PERSON = [0, 1, 1, 2, 3, 4]
MARKS = [11, -22, -22, 33, 44, 55]


def census() -> Census:
    numbers = np.arange(len(PERSON), dtype=np.int32)
    index, nobody = WordIndex(numbers.astype(np.uint64)), np.zeros(len(PERSON), bool)
    persons = WordIndex(np.arange(max(PERSON) + 1, dtype=np.uint64))
    marks = np.array(MARKS, np.int64)
    return Census(index, numbers, nobody, nobody, np.array(PERSON, np.int32), persons, marks, {})


def group(run_seq: int, *fingerprints: int, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (of GROUPS)
    said = {"business_date": "2026-11-20", "valid_until": None, "excluded": ""}
    return said | {"run_seq": run_seq, "fingerprints": list(fingerprints)} | more


def test_who_has_a_fingerprint_that_is_remembered_is_known_again() -> None:
    parts = [
        [group(1, 11, -22, 99), group(1, -22)],
        [group(2, 33, excluded="closed", valid_until="2026-11-21")],
    ]
    known = recognise(census(), [pa.Table.from_pylist(part, GROUPS) for part in parts], "2026-11-21")
    assert known.run_seq.tolist() == [1, 1, 1, 2, 0, 0]
    assert known.holds.tolist() == [True, True, True, True, False, False]
    assert [known.texts[code] for code in known.excluded[:4]] == ["", "", "", "closed"]
    assert known.others.tolist() == [99]


def test_what_ended_or_is_of_a_later_day_does_not_hold() -> None:
    parts = [group(1, 11, valid_until="2026-11-20"), group(2, 33, business_date="2026-11-22"), group(3, 44)]
    known = recognise(census(), [pa.Table.from_pylist(parts, GROUPS)], "2026-11-21")
    assert known.holds.tolist() == [False, False, False, False, True, False]
    assert known.run_seq.tolist() == [1, 0, 0, 2, 3, 0]


def test_rows_are_looked_at_where_fingerprints_do_not_say_all() -> None:
    # One register of two; remembered twice; two registers for other reasons.
    parts = [group(1, -22, 33, 11), group(2, 33), group(2, 44, 44, 55)]
    known = recognise(census(), [pa.Table.from_pylist(parts, GROUPS)], "2026-11-21")
    assert known.run_seq.tolist() == [1, 0, 0, 0, 0, 2]
    assert known.others.tolist() == [-22, 33, 44]
    parts = [group(1, -22), group(1, -22, excluded="closed")]
    known = recognise(census(), [pa.Table.from_pylist(parts, GROUPS)], "2026-11-21")
    assert not known.holds.any()
    assert known.others.tolist() == [-22]
