"""The table of scenarios, ``scenarios.toml``: which answer follows from the facts of a consent and of a person."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from customers.consents import JOINT_APPROVALS, STATUSES
from customers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABSENT = "ABSENT"
FACTS_OF_CONSENT = {
    "consent": (ABSENT, *STATUSES),
    "kind": ("RIGHT", "WRONG"),
    "permission": ("GRANTED", "MISSING"),
    "joint_approval": JOINT_APPROVALS,
}
FACTS_OF_PERSON = {
    "availability": (ABSENT, "AVAILABLE", "TEMPORARILY_UNAVAILABLE", "UNAVAILABLE"),
    "document": (ABSENT, "SERVED", "STALE"),
}
_FACTS = {**FACTS_OF_CONSENT, **FACTS_OF_PERSON}
Pairs = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire: a status, headers, and for an error its body around the time of the request."""

    name: str
    status: int
    headers: Pairs
    code: str
    title: str
    detail: str

    def body(self, moment: bytes, parameter: str | None) -> bytes:
        """Return the ResponseError; ``moment`` is UTC, ``parameter`` what the detail is about."""
        error = {"code": self.code, "title": self.title, "detail": self.detail.format(parameter=parameter)}
        text = json.dumps(
            {"errors": [error], "meta": {"requestDateTime": moment.decode()}}, ensure_ascii=False
        )
        return text.encode()


class Scenario(NamedTuple):
    """One row of the table and its answer."""

    name: str
    answer: Answer


class Scenarios:
    """The table worked out: every combination of facts has its scenario."""

    def __init__(self, data: Mapping[str, Any], codes: str) -> None:
        """Read the table; raise UsageError where a code is unknown or a combination of facts has no answer."""
        if codes not in data["codes"]:
            message = (
                f"CADASTRA_API_CODES: no set of codes is called {codes}; known: {', '.join(data['codes'])}"
            )
            raise UsageError(message)
        self.answers = {
            name: _answer(name, answer, data["codes"][codes]) for name, answer in data["answer"].items()
        }
        self._rows = [
            (row["when"], Scenario(row["id"], self.answers[row["answer"]])) for row in data["scenario"]
        ]
        self.names = tuple(row["id"] for row in data["scenario"])
        unknown = {
            fact
            for when, _ in self._rows
            for fact, values in when.items()
            if fact not in _FACTS or set(values) - set(_FACTS[fact])
        }
        if unknown:
            message = f"the table of scenarios names facts or values that there are not: {', '.join(sorted(unknown))}"
            raise UsageError(message)
        self.of_consent = self._worked_out(FACTS_OF_CONSENT)
        self.of_person = self._worked_out(FACTS_OF_PERSON)

    def _worked_out(self, facts: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, ...], Scenario]:
        return {
            values: self._first(dict(zip(facts, values, strict=True))) for values in product(*facts.values())
        }

    def _first(self, facts: Mapping[str, str]) -> Scenario:
        """Return the first scenario that holds; one about facts that are not asked for yet does not."""
        for when, scenario in self._rows:
            if all(facts.get(fact) in values for fact, values in when.items()):
                return scenario
        message = f"the table of scenarios has no row for {facts}"
        raise UsageError(message)


def load_scenarios(codes: str, file: Path | None = None) -> Scenarios:
    """Read the shipped table, or an institution's own, with one of its sets of wire codes."""
    text = (files("api") / "scenarios.toml" if file is None else file).read_text(encoding="utf-8")
    return Scenarios(tomllib.loads(text), codes)


def _answer(name: str, data: Mapping[str, Any], codes: Mapping[str, str]) -> Answer:
    code = codes[data["state"]] if "state" in data else data.get("code", "")
    headers = tuple((key.encode(), value.encode()) for key, value in data.get("headers", {}).items())
    return Answer(name, data["status"], headers, code, data.get("title", ""), data.get("detail", ""))
