"""What a delta reads of the serving database: all that its registers can touch, and no stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from customers.structures import STRUCTURES
from sql.store import RunStart, Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "2.2.1"
ONE, OTHER = STRUCTURES[0].name, STRUCTURES[1].name
# Register, and the person that it belonged to on each of two days.
REGISTERS = {
    "moved": ("1", "2"),
    "left behind": ("1", "1"),
    "sibling": ("2", "2"),
    "stranger": ("3", "3"),
    "nameless": (None, None),
}


@pytest.fixture
def store(any_database: str) -> Iterator[Store]:
    with open_store(any_database) as opened:
        for day in (1, 2):
            publish(opened, day)
        yield opened


def publish(store: Store, day: int) -> None:
    """Serve every register under the person of a day, in two structures, and remember it."""
    stamp = f"2026-11-0{day}T00:00:00Z"
    run_seq = store.begin_run(RunStart(f"run-{day}", "nightly", "reference", "full", stamp))
    tax_ids = pa.array([persons[day - 1] for persons in REGISTERS.values()], pa.string())
    keys, many = pa.array(list(REGISTERS)), len(REGISTERS)
    for structure in (ONE, OTHER):
        store.retire(run_seq, store.served(structure, VERSION).select(["document_id", "opened_run_seq"]))
        columns = {
            "structure": pa.repeat(structure, many),
            "version": pa.repeat(VERSION, many),
            "customer_id": pa.array([f"id of {key}" for key in REGISTERS]),
            "core_key": keys,
            "tax_id": tax_ids,
            "content_hash": pa.repeat(f"hash {day}", many),
            "update_date_time": pa.repeat(stamp, many),
            "document": pa.repeat("{}", many),
        }
        store.write_documents(run_seq, pa.table(columns))
    persons = [*sorted({tax_id for tax_id in tax_ids.to_pylist() if tax_id}), None]
    states = {
        "person_id": pa.array([f"person {tax_id or 'nameless'}" for tax_id in persons]),
        "tax_id": pa.array(persons, pa.string()),
        "kind": pa.repeat("F", len(persons)),
        "availability": pa.repeat("AVAILABLE", len(persons)),
        "since": pa.repeat(stamp, len(persons)),
    }
    store.write_customer_states(run_seq, pa.table(states))
    marks = {
        "core_key": keys,
        "fingerprint": pa.array(range(many), pa.int64()),
        "excluded": pa.repeat("", many),
        "availability": pa.repeat("AVAILABLE", many),
    }
    store.write_fingerprints(run_seq, pa.table(marks))
    store.publish(run_seq, finished_at=stamp, counts={})


def near(store: Store, keys: list[str], tax_ids: list[str], person_ids: list[str]) -> dict[str, set[object]]:
    """Return the registers of documents, the persons and the registers remembered that are near."""
    ids = [f"id of {key}" for key in keys]
    wanted = (pa.array(values, pa.string()) for values in (keys, ids, tax_ids, person_ids))
    with store.near(*wanted) as found:
        served = pa.concat_tables(found.each_served(VERSION)).to_pylist()
        states = pa.concat_tables(found.each_customer_state()).to_pylist()
        remembered = pa.concat_tables(found.each_fingerprint()).to_pylist()
    assert {row["content_hash"] for row in served} == {"hash 2"}
    return {
        "served": {(row["structure"], row["core_key"]) for row in served},
        "persons": {row["person_id"] for row in states},
        "remembered": {(row["core_key"], row["run_seq"]) for row in remembered},
    }


def in_both(*keys: str) -> set[tuple[str, str]]:
    return {(structure, key) for structure in (ONE, OTHER) for key in keys}


def test_a_register_is_found_with_the_persons_that_it_has_and_had(store: Store) -> None:
    assert near(store, ["moved"], [], []) == {
        "served": in_both("moved", "left behind", "sibling"),
        "persons": {"person 1", "person 2"},
        "remembered": {("moved", 2)},
    }


def test_the_person_that_a_delta_names_is_found_whoever_it_had(store: Store) -> None:
    found = near(store, ["nameless"], ["3"], ["person nameless"])

    assert found["served"] == in_both("nameless", "stranger")
    assert found["persons"] == {"person 3", "person nameless"}
    assert found["remembered"] == {("nameless", 2)}


def test_one_who_looks_twice_finds_the_same(store: Store) -> None:
    assert near(store, ["stranger", "stranger"], ["3"], []) == near(store, ["stranger"], ["3"], [])


def test_who_is_served_is_told_from_who_is_not(store: Store) -> None:
    asked = pa.array(["id of sibling", "id of nobody", "id of moved"])

    assert sorted(store.served_among(asked).to_pylist()) == ["id of moved", "id of sibling"]
    assert store.served_among(asked.slice(0, 0)).to_pylist() == []


def test_what_is_served_is_counted_by_structure(store: Store) -> None:
    assert store.served_counts(VERSION) == {ONE: len(REGISTERS), OTHER: len(REGISTERS)}
    assert store.served_counts("9.9.9") == {}
