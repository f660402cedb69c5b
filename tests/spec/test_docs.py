"""The generated pages are those that the code would write."""

from __future__ import annotations

from tests.spec.write_docs import RULES_PAGE, rules_page


def test_the_page_of_the_rules_is_up_to_date() -> None:
    """If this fails: ``python3 dev.py docs``."""
    assert RULES_PAGE.read_text(encoding="utf-8") == rules_page()


def test_every_rule_has_an_example_but_those_of_the_list_of_documents() -> None:
    without = [
        line.split(" | ")[0] for line in rules_page().splitlines() if line.endswith("*the envelope* |")
    ]
    kinds = {line.strip("|` ").partition(":")[0] for line in without}
    assert kinds == {"S-required", "S-type", "D-null", "S-minItems"}
    assert {line.strip("|` ").partition(":")[2] for line in without} == {"/data"}
