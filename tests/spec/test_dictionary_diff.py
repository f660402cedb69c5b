"""What changed between two versions of the dictionaries."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from customers.dictionary import fields
from customers.dictionary_diff import changes
from customers.errors import UsageError
from customers.structures import STRUCTURES
from flows.cli import app

PERSON = "personal_identifications"


@pytest.mark.parametrize("structure", [each.name for each in STRUCTURES])
def test_the_changes_turn_the_old_dictionary_into_the_new_one(structure: str) -> None:
    told = {field.xpath: field for field in fields(structure, "2.0.0")}
    for change in changes(structure, "2.0.0", "2.2.1"):
        assert (change.xpath in told) == (change.change != "added")
        if change.change == "removed":
            del told[change.xpath]
            continue
        new = next(field for field in fields(structure, "2.2.1") if field.xpath == change.xpath)
        for name, (old, now) in change.facts.items():
            assert (getattr(new, name) or None) == (now or None)
            assert (getattr(told.get(change.xpath), name, None) or None) == (old or None)
        told[change.xpath] = new
    assert set(told.values()) == set(fields(structure, "2.2.1"))
    assert changes(structure, "2.2.1", "2.2.1") == []


def test_there_and_back_are_opposites() -> None:
    there = {change.xpath: change for change in changes(PERSON, "2.0.0", "2.2.1")}
    back = {change.xpath: change for change in changes(PERSON, "2.2.1", "2.0.0")}
    assert there.keys() == back.keys()
    for xpath, change in there.items():
        assert {name: pair[::-1] for name, pair in change.facts.items()} == back[xpath].facts


def test_the_verb_tells_a_person_and_a_machine() -> None:
    shown = CliRunner().invoke(app, ["dictionary", "diff", "2.0.0", "2.2.1"])
    assert shown.exit_code == 0
    assert "~ /data/contacts/phones/number: max_length 11 → 13" in shown.stderr
    told = CliRunner().invoke(app, ["dictionary", "diff", "2.0.0", "2.2.1", "--structure", PERSON, "--json"])
    (phone,) = [row for row in json.loads(told.stdout) if row["xpath"] == "/data/contacts/phones/number"]
    assert phone["facts"]["max_length"] == [11, 13]
    for wrong in (["1.0.0", "2.2.1"], ["2.0.0", "2.2.1", "--structure", "phones"]):
        assert isinstance(CliRunner().invoke(app, ["dictionary", "diff", *wrong]).exception, UsageError)
