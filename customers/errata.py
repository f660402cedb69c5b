"""Errata: where a dictionary says less, more or something else than it means, and the safe reading.

Two files, both data: ``dictionaries/errata.toml`` for every version, ``dictionaries/<version>/errata.toml``
for one. Identifiers (N.., R..) are those of the rule catalogue; O.. are facts that only the OpenAPI document
states.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from customers.errors import UnreadableInput
from customers.text import BLANKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from customers.field import Field

Class = Literal["violation", "suspect", "advice"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Read one published pattern, wherever it stands, in another way; ``read_as`` None means no constraint.

    ``free_text`` marks a pattern that lets nearly any text through.
    """

    id: str
    pattern: str
    read_as: str | None
    free_text: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """Set attributes of fields; a failure is reported under ``rule``, if it is given."""

    id: str
    where: dict[str, tuple[str, ...]]
    set: dict[str, Any]
    rule: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """Add one rule to fields; keyword and argument are those of ``customers.rule_kinds.FieldRule``."""

    id: str
    where: dict[str, tuple[str, ...]]
    rule: str
    keyword: str
    argument: object
    klass: Class
    reason: str


@dataclass(frozen=True, slots=True)
class Errata:
    """Hold the errata that apply to one version."""

    readings: dict[str, Reading]
    amendments: tuple[Amendment, ...]
    checks: tuple[Check, ...]

    def lets_any_text_through(self, pattern: str | None) -> bool:
        """Say whether a published pattern, or none, lets nearly any text through."""
        return pattern is None or (pattern in self.readings and self.readings[pattern].free_text)


def _places(entry: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {structure: tuple(xpaths) for structure, xpaths in entry["where"].items()}


def _frozen(argument: object) -> object:
    return tuple(argument) if isinstance(argument, list) else argument


def _documents(version: str) -> Iterator[dict[str, Any]]:
    folder = files("customers") / "dictionaries"
    yield tomllib.loads((folder / "errata.toml").read_text(encoding="utf-8"))
    own = folder / version / "errata.toml"
    if own.is_file():
        yield tomllib.loads(own.read_text(encoding="utf-8"))


@cache
def errata(version: str) -> Errata:
    """Return the errata of a version: those of every version, then its own."""
    readings: dict[str, Reading] = {}
    amendments: list[Amendment] = []
    checks: list[Check] = []
    for document in _documents(version):
        for entry in document.get("reading", ()):
            read_as = entry.get("read_as")
            text = read_as.replace("{blanks}", BLANKS) if read_as else None
            for pattern in entry["patterns"]:
                readings[pattern] = Reading(
                    entry["id"], pattern, text, entry.get("free_text", False), entry["reason"]
                )
        amendments += [
            Amendment(entry["id"], _places(entry), entry["set"], entry.get("rule"), entry["reason"])
            for entry in document.get("amendment", ())
        ]
        for entry in document.get("check", ()):
            klass, argument = entry.get("class", "violation"), _frozen(entry.get("argument"))
            checks.append(
                Check(
                    entry["id"],
                    _places(entry),
                    entry["rule"],
                    entry["keyword"],
                    argument,
                    klass,
                    entry["reason"],
                )
            )
    return Errata(readings, tuple(amendments), tuple(checks))


def ascii_pattern(published: str) -> str:
    r"""Spell the shorthand classes as ECMA-262 means them, so that every engine agrees (R10).

    Raises UnreadableInput for a pattern that is not anchored at both ends, or for which this is not enough:
    it needs a reading of its own.

    >>> ascii_pattern(r"^\d{1,15}\.\d{2,4}$")
    '^[0-9]{1,15}\\.[0-9]{2,4}$'
    >>> ascii_pattern(r"^(?!x)\d$")
    Traceback (most recent call last):
    customers.errors.UnreadableInput: the pattern ^(?!x)\d$ needs a reading in errata.toml
    """
    text = published.replace(r"[\w\W\s]", r"[\s\S]").replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]")
    bare = text.replace(r"[\s\S]", "").replace(r"\.", "")
    anchored = (
        bare.startswith("^")
        and bare.endswith("$")
        and bare.count("^") - bare.count("[^") == bare.count("$") == 1
    )
    if not anchored or "\\" in bare or re.search(r"\(\?[^:]|\[[^]]*\[", bare):
        msg = f"the pattern {published} needs a reading in errata.toml"
        raise UnreadableInput(msg)
    return text


def _read(field: Field, known: Errata) -> Field:
    if field.pattern is None:
        return field
    if field.pattern in known.readings:
        return replace(field, pattern=known.readings[field.pattern].read_as)
    return replace(field, pattern=ascii_pattern(field.pattern))


def apply(known: Errata, structure: str, published: tuple[Field, ...], version: str) -> tuple[Field, ...]:
    """Return the fields of a structure after the errata.

    Raises UnreadableInput for an erratum that names an xpath which the version does not have.
    """
    amended = {field.xpath: _read(field, known) for field in published}
    entries: tuple[Amendment | Check, ...] = (*known.amendments, *known.checks)
    for entry in entries:
        unknown = [xpath for xpath in entry.where.get(structure, ()) if xpath not in amended]
        if unknown:
            msg = f"errata.toml: {entry.id} names {unknown[0]}, which {structure} {version} does not have"
            raise UnreadableInput(msg)
    for amendment in known.amendments:
        for xpath in amendment.where.get(structure, ()):
            amended[xpath] = replace(amended[xpath], **amendment.set)
    return tuple(amended.values())
