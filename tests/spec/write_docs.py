"""Write the generated pages: ``python -m tests.spec.write_docs``.

``docs/rules.md``: every rule of every structure, with the shape of one value that breaks it, as drawn or as made by a
mutation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from customers.dictionary import DEFAULT_VERSION, effective_fields
from customers.judge_documents import judge_document
from customers.rules import envelope_rules, rules
from customers.structures import BY_NAME
from tests.spec.drawn import DAY, examples
from tests.spec.mutations import mutations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customers.problems import Problem
    from customers.rule_kinds import FieldRule, ProseRule
    from tests.spec.drawn import Document

RULES_PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"

_INTRODUCTION = f"""# Rules

Generated from the dictionaries, the errata and the prose rules of version {DEFAULT_VERSION}; do not edit
(`python3 dev.py docs`). A violation refuses the document, a suspect and an advice warn, unless
`expectations/severity.toml` says otherwise. The example is the shape of a value that breaks the rule: digits are 9,
letters A, anything unusual ?; *missing* and *null* are meant literally. Shapes are drawn in `tests/spec/rules` or made
from the rule, and both engines are held to them.
"""
_HEADER = "| rule | at | class | what must hold | broken by |\n|---|---|---|---|---|\n"


class Row(NamedTuple):
    """Hold one line of a table."""

    rule: str
    xpath: str
    klass: str
    sentence: str
    example: str

    def __str__(self) -> str:
        cells = (f"`{self.rule}`", f"`{self.xpath}`", self.klass, self.sentence, self.example)
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _read(document: object, occurrence: str) -> str:
    """Say what kind of nothing a problem without a shape speaks of."""
    found = document
    for step in occurrence.removeprefix("$").replace("[", ".").replace("]", "").split(".")[1:]:
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list):
            found = found[int(step)]
        else:
            return "*missing*"
    match found:
        case None:
            return "*null*"
        case list():
            return f"*a list of {len(found)}*"
        case _:
            return "*an object*"


def _example(problem: Problem, document: Document) -> str:
    if problem.shape is None:
        return _read(document, problem.occurrence)
    return "*empty*" if problem.shape == "" else f"`{problem.shape}`"


def _broken(structure: str) -> dict[tuple[str, str], str]:
    """Return one example for each rule and xpath; what is drawn wins over what was made."""
    documents = [example.document for example in examples() if example.structure == structure]
    documents += [mutation.document for mutation in mutations(structure)]
    found: dict[tuple[str, str], str] = {}
    for document in documents:
        for problem in judge_document(structure, document, reference_date=DAY):
            found.setdefault((problem.rule, problem.xpath), _example(problem, document))
    return found


def _rows(structure: str) -> Iterator[Row]:
    broken = _broken(structure)
    order = {field.xpath: number for number, field in enumerate(effective_fields(structure))}
    sentences: dict[tuple[str, str], list[FieldRule | ProseRule]] = {}
    for rule in rules(structure):
        sentences.setdefault((rule.id, rule.xpath), []).append(rule)
    for (rule_id, xpath), together in sorted(sentences.items(), key=lambda item: order[item[0][1]]):
        sentence = "; ".join(dict.fromkeys(rule.english for rule in together))
        example = broken.get((rule_id, xpath), "*the envelope*")
        yield Row(rule_id, xpath, together[0].klass, sentence, example)


def rules_page() -> str:
    """Return the page of the rules."""
    parts = [_INTRODUCTION]
    for structure in BY_NAME:
        parts += [f"\n## {structure}\n\n", _HEADER, *map(str, _rows(structure))]
    envelope = (Row(rule.id, rule.xpath, rule.klass, rule.english, "") for rule in envelope_rules())
    parts += ["\n## The envelope of all six\n\n", _HEADER, *map(str, envelope)]
    return "".join(parts)


if __name__ == "__main__":
    RULES_PAGE.parent.mkdir(exist_ok=True)
    RULES_PAGE.write_text(rules_page(), encoding="utf-8")
