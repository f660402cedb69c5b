"""The same batch again changes nothing; whatever the order in which batches came, the end is the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.exports import cpf, natural_person, write_export
from tests.reliability.batches import BUCKET_SIZE, PEOPLE, firm, person, whole_bank
from tests.reliability.databases import SERVED, assert_sound, fingerprint
from tests.reliability.launching import two_at_a_time
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.exports import Register
    from tests.reliability.databases import Databases
    from tests.reliability.launching import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]


def run(launcher: Launcher, export: Path, url: str, *options: str) -> dict[str, Any]:
    done = launcher.run(export, url, *options, CADASTRA_BUCKET_SIZE=BUCKET_SIZE)
    assert done.code == 0, done.said
    return done.told


@pytest.mark.parametrize("options", [(), ("--full-remap",)])
def test_the_same_batch_three_times_changes_nothing(
    databases: Databases, launcher: Launcher, tmp_path: Path, options: tuple[str, ...]
) -> None:
    url, export = databases.fresh(), whole_bank(tmp_path / "bank", 1)
    run(launcher, export, url, *options)
    first = served(databases, url)
    stored = databases.rows(url, "SELECT count(*) AS n FROM documents")
    for _ in range(2):
        told = run(launcher, export, url, *options)
        for structure in told["structures"].values():
            changes = (
                "published_new",
                "published_changed",
                "rejected_stale",
                "rejected_unserved",
                "withdrawn",
            )
            assert [structure[name] for name in changes] == [0] * len(changes)
            assert structure["unchanged"] == structure["read"]
        assert served(databases, url) == first
    assert databases.rows(url, "SELECT count(*) AS n FROM documents") == stored
    assert_sound(databases, url)
    databases.drop(url)


def served(databases: Databases, url: str) -> list[dict[str, Any]]:
    """Return every served row, documents byte for byte."""
    return sorted(databases.rows(url, SERVED), key=lambda row: (row["structure"], row["customer_id"]))


def batches(folder: Path) -> list[Path]:
    """Write overlapping batches, oldest first: full, delta, delta of the same day, full, delta.

    Everything in them passes. F3 leaves with the second full batch; F8 comes with a delta and stays.
    """
    return [
        write_export(folder / "0", *people(1, range(PEOPLE)), firm(0, 1), firm(1, 1), day="2026-11-16"),
        write_export(folder / "1", *people(2, (0, 1, 8)), firm(0, 2), kind="delta", day="2026-11-17"),
        write_export(
            folder / "2",
            *people(3, (1, 2)),
            kind="delta",
            day="2026-11-17",
            generated_at="2026-11-17T23:30:00-03:00",
        ),
        write_export(
            folder / "3",
            *people(4, (0, 1, 4, 5)),
            *people(1, (2, 6, 7, 8)),
            firm(0, 4),
            firm(1, 1),
            day="2026-11-18",
        ),
        write_export(folder / "4", *people(5, (4, 6)), firm(1, 5), kind="delta", day="2026-11-19"),
    ]


def people(edition: int, numbers: Iterable[int]) -> list[Register]:
    return [person(number, edition) for number in numbers]


def in_order(databases: Databases, launcher: Launcher, exports: list[Path], *, gone: bool) -> str:
    """Run batches as they were made and return the hash of what is served then."""
    url = databases.fresh()
    for export in exports:
        run(launcher, export, url)
    return fingerprint(databases, url, gone=gone)


def drawn_orders(databases: Databases, of: int) -> list[list[int]]:
    """Draw as many orders as the profile wants."""
    return orders(PROFILE.orders if databases.name == "sqlite" else PROFILE.server_orders, of)


def orders(count: int, of: int) -> list[list[int]]:
    """Draw different orders, none of them the right one."""
    drawn = random.Random(9)
    found: list[list[int]] = []
    while len(found) < count:
        order = drawn.sample(range(of), of)
        if order != sorted(order) and order not in found:
            found.append(order)
    return found


def test_replayed_in_order_at_the_end_every_past_comes_to_the_same(
    databases: Databases, launcher: Launcher, tmp_path: Path
) -> None:
    """``--replay`` lets any batch have the last word: so batches replayed in order undo any disorder before."""
    exports = batches(tmp_path)
    right = in_order(databases, launcher, exports, gone=True)

    def check(order: list[int]) -> None:
        url = databases.fresh()
        for number in (*order, *range(len(exports))):
            run(launcher, exports[number], url, "--replay")
        assert fingerprint(databases, url) == right, order
        assert_sound(databases, url)
        databases.drop(url)

    two_at_a_time(check, drawn_orders(databases, len(exports)))


def test_without_replay_batches_come_to_the_same_in_any_order(
    databases: Databases, launcher: Launcher, tmp_path: Path
) -> None:
    """Nothing older than what is served is taken: a late batch fills in what is missing, and changes no newer word.

    Of a person who left before the first batch that arrived, nothing was ever served, and no row says so.
    """
    exports = batches(tmp_path)
    right = in_order(databases, launcher, exports, gone=False)

    def check(order: list[int]) -> None:
        url = databases.fresh()
        for number in order:
            run(launcher, exports[number], url)
        assert fingerprint(databases, url, gone=False) == right, order
        assert_sound(databases, url)
        databases.drop(url)

    two_at_a_time(check, drawn_orders(databases, len(exports)))


def test_a_tax_id_that_is_corrected_twice_is_the_last_one(
    databases: Databases, launcher: Launcher, tmp_path: Path
) -> None:
    """The text of a relation does not tell the tax id: the same text under another one is another document."""
    url = databases.fresh()
    for day, number in enumerate((11, 12, 13), 1):
        export = write_export(tmp_path / str(day), natural_person("F1", cpf(number)), day=f"2026-11-1{day}")
        run(launcher, export, url)
        rows = databases.rows(url, "SELECT tax_id FROM personal_financial_relations")
        assert rows == [{"tax_id": cpf(number)}]
