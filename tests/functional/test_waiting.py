"""Exports are taken from their folder complete, in order, each once; the ledger alone remembers which were."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest

from customers.errors import Busy, ExportLate, ExportRefused, UnreadableInput
from flows.breaker import Thresholds
from flows.nightly import run_job
from flows.pipeline import Job
from flows.waiting import Place, look, take_all, take_newest
from sql.lock import hold
from sql.rollback import rollback
from sql.store import open_store
from tests.bank import CORE, PI, SECRET
from tests.exports import age, cpf, natural_person, write_export

if TYPE_CHECKING:
    from pathlib import Path

    from flows.outcome import Report

HOUR = timedelta(hours=1)
DAY = "2026-11-20"


class Incoming:
    """A folder of exports and the database that they are published to."""

    def __init__(self, folder: Path, url: str) -> None:
        self.root, self.url = folder / "exports", url
        self.root.mkdir()
        self.told: list[str] = []

    def place(self, kind: str = "delta", patience: timedelta = HOUR) -> Place:
        """Return where exports of a kind are looked for."""
        return Place(self.root, kind, "reference", self.url, patience)

    def export(
        self, name: str, at: str, social_name: str, kind: Literal["full", "delta"] = "delta", **row: str
    ) -> Path:
        """Write an export of one person, generated at a time of day."""
        tables: dict[str, Any] = {"pessoas_fisicas": {"nome_social": social_name, **row}}
        person = natural_person("F1", cpf(100000001), **tables)
        return write_export(self.root / name, person, kind=kind, day=DAY, generated_at=f"{DAY}T{at}:00-03:00")

    def publish(self, folder: Path) -> Report:
        """Run one export, with a breaker that judges the smallest counts."""
        return run_job(Job(CORE, folder, self.url, SECRET, flow="intraday", thresholds=Thresholds(least=1)))

    def take(self, patience: timedelta = HOUR) -> list[str]:
        """Take all deltas and return what came of them; a fresh look each time, as after a restart."""
        taken = take_all(self.place(patience=patience), self.publish)
        self.told = taken.awaited
        return [*(report.state for report in taken.reports), *sorted(taken.refused)]

    def exports(self) -> list[str]:
        """Return the folders of the runs, in the order in which they were published."""
        with open_store(self.url) as store:
            rows = store.query("SELECT export FROM runs WHERE state = 'published' ORDER BY run_seq")
        return [str(row["export"]).rpartition("/")[2] for row in rows]

    def served(self) -> str:
        """Return the one document of personal identification."""
        with open_store(self.url) as store:
            return str(store.query(f"SELECT document FROM {PI}")[0]["document"])


@pytest.fixture
def incoming(tmp_path: Path, sqlite_url: str) -> Incoming:
    return Incoming(tmp_path, sqlite_url)


def test_deltas_are_taken_in_order_each_once_whatever_their_folders_are_called(incoming: Incoming) -> None:
    incoming.export("c", "09:00", "Ana")
    incoming.export("a", "09:15", "Bia")
    incoming.export("b", "09:30", "Ana")  # the content of the first one, but later: it takes a change back
    incoming.export("again", "09:15", "Bia")  # delivered twice
    incoming.export("_writing", "09:45", "Cy")
    assert incoming.take() == ["published"] * 3
    assert incoming.exports()[0] == "c"
    assert incoming.exports()[2] == "b"
    assert '"Ana"' in incoming.served()
    assert incoming.take() == []


def test_an_export_being_written_holds_up_those_after_it(incoming: Incoming) -> None:
    first = incoming.export("1", "09:00", "Ana")
    incoming.export("2", "09:15", "Bia")
    bare = incoming.export("3", "09:30", "Cy")
    (bare / "_controle.json").unlink()
    whole = (first / "emails.csv").read_bytes()
    (first / "emails.csv").write_bytes(whole[:-5])
    assert incoming.take() == []
    assert "3: no _controle.json yet" in incoming.told[0]
    assert "1: not complete yet" in incoming.told[1]
    assert "emails.csv" in incoming.told[1]
    (first / "emails.csv").write_bytes(whole)
    assert incoming.take() == ["published", "published"]
    assert incoming.exports() == ["1", "2"]


def test_an_export_that_stays_broken_is_refused_and_passed_over(incoming: Incoming) -> None:
    broken = incoming.export("1", "09:00", "Ana")
    (broken / "emails.csv").unlink()
    age(broken)
    incoming.export("2", "09:15", "Bia")
    assert incoming.take() == ["published", "1"]
    assert incoming.exports() == ["2"]


def test_the_newest_full_export_is_taken_and_what_it_supersedes_is_not(incoming: Incoming) -> None:
    incoming.export("monday", "01:00", "Ana", "full")
    incoming.export("early", "00:30", "Bia")
    incoming.export("tuesday", "02:00", "Cy", "full")
    newest = incoming.place("full")
    assert take_newest(newest, incoming.publish, wait=timedelta(0), tell=incoming.told.append).state == (
        "published"
    )
    assert incoming.exports() == ["tuesday"]
    assert incoming.take() == []
    with pytest.raises(ExportLate, match="not taken yet"):
        take_newest(newest, incoming.publish, wait=timedelta(0), tell=incoming.told.append)


def test_a_late_export_is_waited_for(incoming: Incoming, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.waiting.POLL_SECONDS", 0.01)

    def tell(message: str) -> None:
        incoming.told.append(message)
        incoming.export("late", "02:00", "Ana", "full")

    report = take_newest(incoming.place("full"), incoming.publish, wait=HOUR, tell=tell)
    assert report.state == "published"
    assert len(incoming.told) == 1


def test_a_run_in_the_way_and_a_broken_export_are_told_for_what_they_are(incoming: Incoming) -> None:
    full = incoming.export("full", "02:00", "Ana", "full")
    place, now = incoming.place("full"), timedelta(0)
    with open_store(incoming.url) as store, hold(store, "another"), pytest.raises(Busy):
        take_newest(place, incoming.publish, wait=now, tell=incoming.told.append)
    (full / "emails.csv").unlink()
    with pytest.raises(ExportLate, match=r"full: not complete yet \(emails is missing\)"):
        take_newest(place, incoming.publish, wait=now, tell=incoming.told.append)
    age(full)
    with pytest.raises(ExportRefused):
        take_newest(place, incoming.publish, wait=HOUR, tell=incoming.told.append)


def test_a_held_run_holds_up_the_line_while_it_may_be_released(incoming: Incoming) -> None:
    incoming.export("1", "09:00", "Ana")
    incoming.export("2", "09:15", "Bia", sexo="??")
    incoming.export("3", "09:30", "Cy")
    assert incoming.take() == ["published", "held"]
    assert incoming.take() == []
    assert "is held: release it by" in incoming.told[0]
    assert incoming.told[1] == "3: behind the held run"
    assert incoming.take(patience=timedelta(0)) == ["published"]
    assert incoming.exports() == ["1", "3"]
    assert incoming.take() == []


def test_what_was_rolled_back_is_not_taken_again(incoming: Incoming) -> None:
    incoming.export("1", "09:00", "Ana")
    incoming.export("2", "09:15", "Bia")
    assert incoming.take() == ["published", "published"]
    with open_store(incoming.url) as store, hold(store, "undo"):
        rollback(store, "undo", str(store.runs(1)[0]["run_id"]), None)
    assert '"Ana"' in incoming.served()
    assert incoming.take() == []


def test_a_folder_that_is_not_there_is_said(incoming: Incoming) -> None:
    incoming.root.rmdir()
    with pytest.raises(UnreadableInput, match="no folder of exports"):
        look(incoming.place())
