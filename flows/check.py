"""The verb ``check``: JSON documents judged by the same rules as the batch, one finding after another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from customers.brazil.day import today
from customers.dictionary import DEFAULT_VERSION
from customers.judge_documents import Problem, documents_of, judge_document, judge_envelope
from expectations.catalogue import catalogue
from expectations.masks import RuleKey
from expectations.severity import Severities, severities
from flows.json_documents import values

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from customers.rule_kinds import Severity
    from expectations.catalogue import Judged

CLEAN, VIOLATED = 0, 1

_NO_DOCUMENT = object()
_ENVELOPE = frozenset({"data", "links", "meta"})
REFUSES: frozenset[Severity] = frozenset({"halt", "reject"})


@dataclass(frozen=True, slots=True)
class Checked:
    """State one problem of one document, or that it has none; ``document`` is its 1-based number in the file.

    The problems of an envelope have the number of its first document.
    """

    file: str
    document: int
    problem: Problem | None
    severity: Severity | None

    def record(self) -> dict[str, Any]:
        """Return a finding as ``--json`` shows it; only for one that has a problem."""
        if self.problem is None:
            raise ValueError("a document without a problem is no finding")
        return {
            "file": self.file,
            "document": self.document,
            "rule": self.problem.rule,
            "occurrence": self.problem.occurrence,
            "severity": self.severity,
            "message": self.problem.message,
            "shape": self.problem.shape,
        }


@cache
def _rules(structure: str, version: str) -> dict[RuleKey, Judged]:
    return {judged.key: judged for judged in catalogue(structure, version)}


class Scale:
    """Weigh the problems of one structure by the severity table; the envelope's rules by their class alone."""

    def __init__(self, structure: str, version: str, table: Severities) -> None:
        self._structure, self._table = structure, table
        self._rules = _rules(structure, version)
        self._known: dict[RuleKey, Severity] = {}

    def weigh(self, problem: Problem) -> Severity:
        """Return how severe a problem is; nothing is left out of a document that is only checked."""
        key = RuleKey(problem.rule, problem.xpath)
        if key not in self._known:
            judged = self._rules.get(key)
            of_class = self._table.classes[problem.klass]
            self._known[key] = of_class if judged is None else self._table.of(judged, self._structure)
        return self._known[key]


def check_files(
    structure: str,
    files: Sequence[str],
    version: str = DEFAULT_VERSION,
    *,
    reference_date: dt.date | None = None,
    severity_table: Path | None = None,
) -> Iterator[Checked]:
    """Judge every document of every file, ``-`` being the standard input; one item for each problem, one if none.

    A file is JSON or JSON lines; a value is a document (data element), a list of them, or an envelope. Rules on
    time ask about ``reference_date`` (default: today in Brazil). Raises UsageError for an unknown structure or
    version, UnreadableInput for a file, naming the place; what comes before the place was judged.
    """
    day = reference_date or today()
    scale = Scale(structure, version, severities(day, severity_table))
    judge = partial(judge_document, structure, version=version, reference_date=day)
    for file in files:
        number = 0
        for found in values(file):
            around, documents = _opened(structure, found, version)
            for document in documents or (_NO_DOCUMENT,):
                number += 1
                judged = [] if document is _NO_DOCUMENT else judge(document)
                problems, around = [*around, *judged], []
                if not problems:
                    yield Checked(file, number, None, None)
                for problem in problems:
                    yield Checked(file, number, problem, scale.weigh(problem))


def _opened(structure: str, found: object, version: str) -> tuple[list[Problem], list[object]]:
    """Take an envelope off, if there is one; a data element has no property that an envelope has."""
    if isinstance(found, dict) and _ENVELOPE & found.keys():
        return judge_envelope(structure, found, version=version), documents_of(structure, found, version)
    return [], [found]


def exit_code(severities_seen: Iterable[Severity | None]) -> int:
    """Return 1 if anything would be refused, 0 for nothing or warnings alone; what cannot be read raises its own 2.

    >>> exit_code(["warn", None]), exit_code(["warn", "reject"])
    (0, 1)
    """
    return VIOLATED if any(severity in REFUSES for severity in severities_seen) else CLEAN
