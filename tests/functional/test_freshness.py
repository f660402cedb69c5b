"""How long documents had waited when they were served, since the core changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from sql.engine import writing
from sql.lock import hold
from sql.release import release
from sql.store import RunCount, Store, open_store
from tests.bank import PF, PI, Bank
from tests.exports import cpf, natural_person
from tests.functional.test_store import ANA, BIA, CAIO, IDENTIFICATIONS, begun, documents, publish

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def store(any_database: str) -> Iterator[Store]:
    with open_store(any_database) as opened:
        yield opened


def stamped(moments: Mapping[str, str], edition: str = "1") -> pa.Table:
    """Make documents that the core changed at these moments."""
    made = documents(dict.fromkeys(moments, edition + "".join(moments.values())))
    place = made.column_names.index("update_date_time")
    return made.set_column(place, "update_date_time", pa.array(moments.values(), pa.string()))


def written(store: Store, day: int, moments: Mapping[str, str]) -> int:
    """Write documents of a run that is published at 02:00 of that day."""
    run_seq = begun(store, day)
    store.write_documents(run_seq, stamped(moments))
    count = RunCount(IDENTIFICATIONS, read=len(moments), published_new=len(moments))
    store.write_run_counts(run_seq, [count])
    return run_seq


def measured(store: Store, day: int) -> list[tuple[object, ...]]:
    names = (
        "documents",
        "p50_seconds",
        "p95_seconds",
        "max_seconds",
        "share_within_60_minutes",
        "first_load",
    )
    return [tuple(row[name] for name in names) for row in store.freshness(f"run-{day}")]


def test_percentiles_are_those_of_the_documents_by_nearest_rank(store: Store) -> None:
    stamps = {f"id-{minute}": f"2026-11-01T01:{59 - minute:02}:30Z" for minute in range(40)}
    publish(store, written(store, 1, {**stamps, "id-old": "2026-10-31T00:00:00Z"}), 1)
    assert measured(store, 1) == [(41, 20 * 60 + 30, 38 * 60 + 30, 26 * 3600, pytest.approx(40 / 41), 1)]
    (shown,) = store.query("SELECT * FROM quality_freshness")
    assert (shown["run_id"], shown["p50_minutes"], shown["max_minutes"]) == ("run-1", 20.5, 26 * 60)
    assert shown["published_at"] == "2026-11-01T02:00:00Z"


def test_only_what_the_core_stamped_anew_has_waited(store: Store) -> None:
    publish(store, written(store, 1, {ANA: "2026-11-01T01:00:00Z", BIA: "2026-11-01T01:00:00Z"}), 1)
    # Ana changed, Bia is mapped anew under the same stamp, Caio is new.
    publish(
        store,
        written(
            store,
            2,
            {ANA: "2026-11-02T01:30:00Z", BIA: "2026-11-01T01:00:00Z", CAIO: "2026-11-01T02:00:00Z"},
        ),
        2,
    )
    assert measured(store, 2) == [(2, 1800, 24 * 3600, 24 * 3600, 0.5, 0)]


def test_a_stamp_may_have_a_fraction_of_a_second(store: Store) -> None:
    publish(
        store, written(store, 1, {ANA: "2026-11-01T00:59:59.750000Z", BIA: "2026-11-01T01:00:00.000000Z"}), 1
    )
    assert measured(store, 1) == [(2, 3600, 3600, 3600, 0.5, 1)]


def test_a_run_that_changes_nothing_has_no_freshness(store: Store) -> None:
    publish(store, written(store, 1, {ANA: "2026-11-01T01:00:00Z"}), 1)
    publish(store, begun(store, 2), 2)
    assert measured(store, 2) == []


def test_a_held_run_waits_until_its_release(store: Store) -> None:
    publish(store, written(store, 1, {ANA: "2026-11-01T01:00:00Z"}), 1)
    held = written(store, 2, {ANA: "2026-11-02T01:59:00Z"})
    store.finish_run(held, "held", "2026-11-02T02:00:00Z", {})
    assert measured(store, 2) == []
    with hold(store, "run-3"):
        release(store, "run-3", "run-2", "seen")
    ((count, half, *_),) = measured(store, 2)
    assert count == 1
    assert isinstance(half, int)
    assert half > 60  # by the clock, and not 02:00 of that day
    assert [row["run_id"] for row in store.query("SELECT run_id FROM quality_freshness ORDER BY 1")] == [
        "run-1",
        "run-2",
    ]


def test_what_others_left_unseen_says_nothing(store: Store) -> None:
    """A held run with the same stamp was never served: who waits for it waits still."""
    publish(store, written(store, 1, {ANA: "2026-11-01T01:00:00Z"}), 1)
    held = written(store, 2, {ANA: "2026-11-02T01:00:00Z"})
    store.finish_run(held, "held", "2026-11-02T02:00:00Z", {})
    publish(store, written(store, 3, {ANA: "2026-11-02T01:00:00Z"}), 3)
    assert measured(store, 3) == [(1, 25 * 3600, 25 * 3600, 25 * 3600, 0.0, 0)]


def test_a_run_says_what_came_late(tmp_path: Path, any_database: str) -> None:
    bank = Bank(tmp_path, any_database)
    first = bank.run(natural_person())
    assert [row["first_load"] for row in first.freshness] == [1, 1, 1]
    assert first.late == []
    changed = {"nome_civil": "Ana Sousa", "ts_atualizacao": "20/11/2026 10:00:00"}
    again = bank.run(natural_person(pessoas_fisicas=changed), natural_person("F2", cpf(987654321)))
    by_structure = {row["structure"]: row for row in again.freshness}
    assert (by_structure[PI]["documents"], by_structure[PF]["documents"]) == (2, 1)
    assert (
        by_structure[PI]["max_seconds"] == by_structure[PF]["max_seconds"] > by_structure[PI]["p50_seconds"]
    )
    assert [message.partition(":")[0] for message in again.late] == sorted(by_structure)
    assert bank.run(natural_person(pessoas_fisicas=changed), kind="delta").freshness == []


@pytest.mark.parametrize("lacking", ["bucket < 0", "bucket = 1", "bucket >= 0"])
def test_a_first_load_is_told_by_its_buckets_or_by_its_documents(store: Store, lacking: str) -> None:
    moments = {f"id-{minute}": f"2026-11-01T01:{59 - minute:02}:30.5Z" for minute in range(40)}
    parts = [dict(list(moments.items())[start::2]) for start in (0, 1)]
    run_seq = begun(store, 1)
    for bucket, part in enumerate(parts):
        assert store.write_bucket(run_seq, bucket, {"documents": stamped(part)}, "{}")
    store.write_run_counts(run_seq, [RunCount(IDENTIFICATIONS, read=40, published_new=40)])
    assert store.query("SELECT COUNT(stamps) AS n FROM run_buckets") == [{"n": 2}]
    with writing(store.engine) as connection:
        connection.exec_driver_sql(f"UPDATE run_buckets SET stamps = NULL WHERE {lacking}")
    publish(store, run_seq, 1)
    assert measured(store, 1) == [(40, 19 * 60 + 29, 37 * 60 + 29, 39 * 60 + 29, 1.0, 1)]


def test_only_a_first_load_keeps_stamps_with_its_buckets(store: Store) -> None:
    publish(store, written(store, 1, {ANA: "2026-11-01T01:00:00Z"}), 1)
    later = stamped({ANA: "2026-11-01T01:00:00Z", BIA: "2026-11-02T01:00:00Z"}, "2")
    run_seq = begun(store, 2)
    assert store.write_bucket(run_seq, 0, {"documents": later}, "{}")
    store.write_run_counts(run_seq, [RunCount(IDENTIFICATIONS, read=2, published_new=2)])
    assert store.query("SELECT COUNT(stamps) AS n FROM run_buckets") == [{"n": 0}]
    publish(store, run_seq, 2)
    assert measured(store, 2) == [(1, 3600, 3600, 3600, 1.0, 0)]
