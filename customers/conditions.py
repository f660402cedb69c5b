"""Conditions: what a rule may ask of a document, as data.

A condition is judged once for each row of the rule's block (``customers.rules.block_path``) and is true,
false or *unknown*. Logic is Kleene's: ``And`` is false if one part is false, ``Or`` true if one part is true,
``Not`` of unknown is unknown. A rule fails only where its ``when`` is true and its ``must`` is false, so a
missing operand never fails a rule.

Three families, and no condition beyond them:

* **presence** (``Present``, ``Always``) is always known. A scalar is present if it has a value, readable or
  not, an object if one of its leaves is, a list if it has an element.
* **values** speak of leaves of the row itself and are unknown where an operand is missing, could not be read
  or has the wrong JSON type. Values are compared as canonical text (``true``, ``2021``).
* **lists** (``Count``, ``ListedIn``, ``Distinct``) speak of the rows of a list; a missing list counts as an
  empty one, elements without a value are not counted.

A full match is meant wherever a pattern stands; patterns are anchored and compile in Python, RE2 and Rust.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal

    from customers.reference import TableName

NumberKind = Literal["cpf", "cnpj", "cpf-or-cnpj"]


@dataclass(frozen=True, slots=True)
class Always:
    """True."""


@dataclass(frozen=True, slots=True)
class Present:
    """True if the scalar, object or list is there, else false."""

    xpath: str


@dataclass(frozen=True, slots=True)
class Is:
    """The value is one of these."""

    xpath: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InTable:
    """The value, or its first ``prefix`` characters, is a key of ``customers.reference.table(table)``."""

    xpath: str
    table: TableName
    prefix: int | None = None


@dataclass(frozen=True, slots=True)
class CodesIn:
    """The value holds at least one code, and every run of ASCII letters in it is a key of the table."""

    xpath: str
    table: TableName


@dataclass(frozen=True, slots=True)
class TableGives:
    """What the table gives for the first ``prefix`` characters equals the value of ``other``.

    Unknown where the table does not have the prefix.
    """

    xpath: str
    table: TableName
    prefix: int
    other: str


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole value matches the pattern."""

    xpath: str
    pattern: str


@dataclass(frozen=True, slots=True)
class InRange:
    """The value lies between the bounds, both included; unknown if it is no decimal number."""

    xpath: str
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Includes:
    """The value, without the characters of ``ignoring``, contains the value of ``other``."""

    xpath: str
    other: str
    ignoring: str = ""


@dataclass(frozen=True, slots=True)
class CheckDigits:
    """The value has right check digits; ``cpf-or-cnpj`` decides by the length (11: CPF, else CNPJ)."""

    xpath: str
    number: NumberKind


@dataclass(frozen=True, slots=True)
class NotInFuture:
    """The date or date-time is not after the reference, a day given from outside.

    A date is compared with the day itself, a date-time with its end in Brazil (``customers.brazil.day``): the
    core's evening is the next day in UTC. Unknown without a reference and for a value that is no date.
    """

    xpath: str


@dataclass(frozen=True, slots=True)
class NotOlderThan:
    """The date is not before the reference's day so many years ago (29 February: the 28th).

    Unknown as in ``NotInFuture``.
    """

    xpath: str
    years: int


@dataclass(frozen=True, slots=True)
class Count:
    """So many elements of a list of this row have one of the values; ``at_most`` None: any number.

    ``xpath`` is a leaf of the list's elements, or a list of scalars itself.
    """

    xpath: str
    values: tuple[str, ...]
    at_least: int
    at_most: int | None


@dataclass(frozen=True, slots=True)
class Distinct:
    """No value stands twice in a list of this row; ``xpath`` as in ``Count``."""

    xpath: str


@dataclass(frozen=True, slots=True)
class ListedIn:
    """The value is an element of the list of scalars ``other`` that the row's document has.

    Unknown where the value is missing, false where the list is empty.
    """

    xpath: str
    other: str


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: Condition


@dataclass(frozen=True, slots=True)
class And:
    """Every part is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = (
    Always
    | Present
    | Is
    | InTable
    | CodesIn
    | TableGives
    | Matches
    | InRange
    | Includes
    | CheckDigits
    | NotInFuture
    | NotOlderThan
    | Count
    | Distinct
    | ListedIn
    | Not
    | And
    | Or
)

ALWAYS = Always()


def absent(xpath: str) -> Condition:
    """Build the opposite of ``Present``."""
    return Not(Present(xpath))


def contains(xpath: str, *values: str) -> Condition:
    """Build: some element of the list has one of the values."""
    return Count(xpath, values, at_least=1, at_most=None)


def equals(xpath: str, *values: str) -> Condition:
    """Build: the value is one of these."""
    return Is(xpath, values)


def xpaths(condition: Condition) -> frozenset[str]:
    """Return every xpath that a condition names.

    >>> sorted(xpaths(Not(Includes("/data/a", "/data/b"))))
    ['/data/a', '/data/b']
    """
    match condition:
        case Not(part):
            return xpaths(part)
        case And(parts) | Or(parts):
            return frozenset().union(*(xpaths(part) for part in parts))
        case _:
            named = {item.name for item in fields(condition)} & {"xpath", "other"}
            return frozenset(getattr(condition, name) for name in named)
