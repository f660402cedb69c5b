"""The two kinds of rules: of one field, read from the dictionary; and of several, written as conditions.

Both are data. Two interpreters judge by them: the check stage on blocks, the models on documents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from customers.conditions import ALWAYS, Condition, Not, Present, absent, xpaths
from customers.sentences import sentence

if TYPE_CHECKING:
    from customers.errata import Class

Severity = Literal["halt", "reject", "omit", "warn"]
Keyword = Literal[
    "required",
    "type",
    "null",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "enum",
    "minItems",
    "maxItems",
    "maximum",
    "knownProperties",
    "notBlank",
    "notFiller",
    "yearRange",
    "utcDateTime",
    "isoCountry",
    "checkDigits",
]

SEVERITY_OF_CLASS: dict[Class, Severity] = {"violation": "reject", "suspect": "warn", "advice": "warn"}


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Ask one thing of one field, or of the elements of a list (``on_items``; the id then ends with ``[]``).

    ======================  ==========================================================================
    keyword                 argument, and what holds (a missing value only fails ``required``)
    ======================  ==========================================================================
    required                None: wherever the object around it is present, the field is
    type                    the JSON type
    null                    None: the value is not null
    minLength, maxLength    characters (code points)
    pattern, utcDateTime    a pattern that the whole text matches
    format                  a key of ``customers.formats.FORMATS``
    enum                    the domain
    minItems, maxItems      elements of the list
    maximum                 the largest number
    knownProperties         the names of the object; others only as ``EXTENSION`` in ``customers.rules``
    notBlank                None: something is left once ``customers.text.BLANKS`` are trimmed at both ends
    notFiller               words that the text, so trimmed and in upper case, is not
    yearRange               (low, high): a JSON number without fraction or exponent, both ends included
    isoCountry              a table of ``customers.reference`` that has the value as a key
    checkDigits             ``cpf``, ``cnpj`` or ``cpf-or-cnpj`` (as ``customers.conditions.CheckDigits``)
    ======================  ==========================================================================
    """

    id: str
    keyword: Keyword
    xpath: str
    on_items: bool
    argument: object
    klass: Class = "violation"

    @property
    def severity(self) -> Severity:
        """Return the default severity of the rule's class."""
        return SEVERITY_OF_CLASS[self.klass]

    @property
    def english(self) -> str:
        """Say what must hold, in English."""
        return sentence("en", self.keyword, self.argument)

    @property
    def portuguese(self) -> str:
        """Say what must hold, in Portuguese."""
        return sentence("pt", self.keyword, self.argument)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProseRule(ABC):
    """Ask that ``must`` holds wherever ``when`` does, for each row of the block around ``field``.

    A failure is reported at ``field``: a leaf, object or list. The rule does not apply to a row where
    ``when`` or ``must`` is unknown or ``when`` is false; it fails where ``when`` is true and ``must`` false.
    """

    id: str
    on: tuple[str, ...]
    field: str
    english: str
    portuguese: str
    klass: Class = "violation"
    when: Condition = ALWAYS

    @property
    @abstractmethod
    def must(self) -> Condition:
        """Return what has to hold."""

    @property
    def xpath(self) -> str:
        """Return the xpath at which a failure is reported."""
        return self.field

    @property
    def severity(self) -> Severity:
        """Return the default severity of the rule's class."""
        return SEVERITY_OF_CLASS[self.klass]

    @property
    def xpaths(self) -> frozenset[str]:
        """Return every xpath that the rule names."""
        return xpaths(self.when) | xpaths(self.must) | {self.field}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredWhen(ProseRule):
    """Ask that the field is present."""

    @property
    def must(self) -> Condition:
        """Return: the field is present."""
        return Present(self.field)

    def forbidden_otherwise(self, rule_id: str) -> ForbiddenWhen:
        """Return the advice that goes with the duty: not sent where the condition is not met."""
        return ForbiddenWhen(
            id=rule_id,
            on=self.on,
            field=self.field,
            when=Not(self.when),
            klass="advice",
            english=f"not to be sent where its condition does not hold ({self.english})",
            portuguese=f"não deve ser enviado quando a sua condição não se cumpre ({self.portuguese})",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenWhen(ProseRule):
    """Ask that the field is absent."""

    @property
    def must(self) -> Condition:
        """Return: the field is absent."""
        return absent(self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Must(ProseRule):
    """Ask that a condition holds."""

    that: Condition

    @property
    def must(self) -> Condition:
        """Return the condition."""
        return self.that
