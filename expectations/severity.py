"""How severe a failed rule is: by its class, unless ``severity.toml`` makes an exception that still holds."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, get_args

from customers.conditions import ALWAYS, Condition, Is, Not
from customers.dictionary import effective_fields
from customers.errors import UnreadableInput
from customers.rule_kinds import SEVERITY_OF_CLASS, Severity
from customers.structures import BY_NAME
from expectations.catalogue import Judged, catalogue

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from pathlib import Path

    from expectations.masks import RuleKey

_KEYS = frozenset(
    {"rule", "xpath", "structures", "severity", "reason", "ticket", "expires", "leave_out", "when"}
)
_WHEN_KEYS = 2


@dataclass(frozen=True, slots=True)
class Waiver:
    """Give a rule another severity; ``leave_out`` and ``when`` belong to ``omit`` alone."""

    rule: str
    xpath: str | None
    structures: tuple[str, ...]
    severity: Severity
    reason: str
    ticket: str | None
    expires: dt.date | None
    leave_out: str | None
    when: Condition

    def covers(self, judged: Judged, structure: str) -> bool:
        """Say whether this speaks of a rule of a structure."""
        return (
            judged.key.rule == self.rule
            and self.xpath in {None, judged.key.xpath}
            and structure in self.structures
        )


@dataclass(frozen=True, slots=True)
class Severities:
    """Know how severe each rule is on one day; ``expired`` names the exceptions that no longer hold."""

    classes: Mapping[str, Severity]
    waivers: tuple[Waiver, ...]
    expired: tuple[Waiver, ...]
    _known: dict[tuple[RuleKey, str], Severity] = field(default_factory=dict, repr=False, compare=False)

    def of(self, judged: Judged, structure: str) -> Severity:
        """Return the severity of a failure that is still in the document; what ``omit`` removes is not."""
        of_rule = judged.key, structure
        if of_rule not in self._known:
            self._known[of_rule] = self._found(judged, structure)
        return self._known[of_rule]

    def _found(self, judged: Judged, structure: str) -> Severity:
        for waiver in self.waivers:
            if waiver.severity != "omit" and waiver.covers(judged, structure):
                return waiver.severity
        return self.classes[judged.klass]

    def omissions(self, structure: str, version: str) -> tuple[tuple[Waiver, Judged], ...]:
        """Return what may be left out of a structure, and the rule that it would break."""
        return tuple(
            (waiver, judged)
            for waiver in self.waivers
            if waiver.severity == "omit"
            for judged in catalogue(structure, version)
            if waiver.covers(judged, structure)
        )


def _condition(entry: dict[str, Any] | None) -> Condition:
    match entry:
        case None:
            return ALWAYS
        case {"xpath": str(xpath), "is": list(values)} if len(entry) == _WHEN_KEYS:
            return Is(xpath, tuple(values))
        case {"xpath": str(xpath), "is_not": list(values)} if len(entry) == _WHEN_KEYS:
            return Not(Is(xpath, tuple(values)))
        case _:
            message = "severity table: when needs xpath and either is or is_not"
            raise UnreadableInput(message)


def _waiver(entry: dict[str, Any]) -> Waiver:
    name = entry.get("rule", "an exception without rule")
    if not {"rule", "severity", "reason"} <= entry.keys() <= _KEYS:
        keys = ", ".join(sorted(_KEYS))
        message = f"severity table: {name} needs rule, severity and reason, and knows only {keys}"
        raise UnreadableInput(message)
    if entry["severity"] not in get_args(Severity):
        message = f"severity table: {name} has no severity called {entry['severity']}"
        raise UnreadableInput(message)
    return Waiver(
        rule=name,
        xpath=entry.get("xpath"),
        structures=tuple(entry.get("structures", BY_NAME)),
        severity=entry["severity"],
        reason=entry["reason"],
        ticket=entry.get("ticket"),
        expires=entry.get("expires"),
        leave_out=entry.get("leave_out"),
        when=_condition(entry.get("when")),
    )


def _check(waiver: Waiver) -> None:
    """Refuse an exception that speaks of nothing, or that would leave out what a document must have."""
    known = [
        (name, judged)
        for name in waiver.structures
        for judged in catalogue(name)
        if waiver.covers(judged, name)
    ]
    if not known:
        message = f"severity table: no structure named there has the rule {waiver.rule}"
        raise UnreadableInput(message)
    if waiver.severity != "omit":
        if waiver.leave_out is not None or waiver.when != ALWAYS:
            message = f"severity table: leave_out and when of {waiver.rule} belong to the severity omit"
            raise UnreadableInput(message)
        return
    for structure, judged in known:
        _check_omission(waiver, structure, judged)


def _check_omission(waiver: Waiver, structure: str, judged: Judged) -> None:
    obligations = {field.xpath: field.obligation for field in effective_fields(structure)}
    if waiver.leave_out == judged.block != "/data":
        return
    if waiver.leave_out != judged.key.xpath or judged.kind not in _ON_VALUES:
        message = f"severity table: {waiver.rule} can leave out the element of {judged.block} or its own leaf"
        raise UnreadableInput(message)
    if obligations[judged.key.xpath] == "required":
        message = f"severity table: {judged.key.xpath} is required and cannot be left out for {waiver.rule}"
        raise UnreadableInput(message)


# Rules that a leaf breaks by its value, so that leaving it out mends them.
_ON_VALUES = frozenset(
    {
        *("type", "minLength", "maxLength", "pattern", "format", "enum", "maximum", "notBlank", "notFiller"),
        *("yearRange", "utcDateTime", "isoCountry", "checkDigits", "mapped", "must"),
    }
)


@cache
def _read(path: Path | None) -> tuple[Mapping[str, Severity], tuple[Waiver, ...]]:
    source = files("expectations") / "severity.toml" if path is None else path
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        message = f"severity table {source.name}: {error}"
        raise UnreadableInput(message) from error
    classes = table.get("classes", {})
    unknown = [*(table.keys() - {"classes", "exception"}), *(classes.keys() - SEVERITY_OF_CLASS.keys())]
    unknown += [name for name in classes.values() if name not in get_args(Severity) or name == "omit"]
    if unknown:
        message = f"severity table {source.name}: {unknown[0]} means nothing there"
        raise UnreadableInput(message)
    waivers = tuple(_waiver(entry) for entry in table.get("exception", ()))
    for waiver in waivers:
        _check(waiver)
    return {**SEVERITY_OF_CLASS, **classes}, waivers


@cache
def severities(day: dt.date, path: Path | None = None) -> Severities:
    """Read a severity table, the shipped one by default, as it holds on a day.

    Raises UnreadableInput for a table that cannot be understood or that would leave out a required leaf.
    """
    classes, waivers = _read(path)
    expired = tuple(waiver for waiver in waivers if waiver.expires is not None and waiver.expires < day)
    return Severities(classes, tuple(waiver for waiver in waivers if waiver not in expired), expired)
