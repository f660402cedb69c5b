"""One field of a data dictionary, and the form in which this project keeps one: a CSV line of facts."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

JsonType = Literal["string", "boolean", "number", "object", "array"]
ItemType = Literal["object", "string"]
Obligation = Literal["required", "conditional", "optional"]


@dataclass(frozen=True, slots=True)
class Field:
    """State what a dictionary says about one xpath.

    In a list, lengths, pattern and domain speak of the elements, ``min_items`` and ``max_items`` of the list
    (None: unbounded). ``pattern`` is the published text in ``fields`` and the safe reading in
    ``effective_fields``.
    """

    xpath: str
    type: JsonType
    items: ItemType | None
    obligation: Obligation
    min_length: int | None
    max_length: int | None
    pattern: str | None
    format: str | None
    domain: tuple[str, ...]
    min_items: int | None
    max_items: int | None
    maximum: int | None

    @property
    def name(self) -> str:
        """Return the property name: the last step of the xpath."""
        return self.xpath.rsplit("/", 1)[1]

    @property
    def parent(self) -> str | None:
        """Return the xpath of the list or object around this one; ``/data`` has none."""
        return self.xpath.rsplit("/", 1)[0] or None

    @property
    def is_leaf(self) -> bool:
        """Say whether this is a scalar or a list of scalars."""
        return self.type not in {"object", "array"} or self.items == "string"


COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Field))


def _number(text: str) -> int | None:
    return int(text) if text else None


def read_dictionary(path: Traversable) -> tuple[Field, ...]:
    """Read one dictionary in this project's form, in published order."""
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return tuple(
        Field(
            xpath=row["xpath"],
            type=cast("JsonType", row["type"]),
            items=cast("ItemType | None", row["items"] or None),
            obligation=cast("Obligation", row["obligation"]),
            min_length=_number(row["min_length"]),
            max_length=_number(row["max_length"]),
            pattern=row["pattern"] or None,
            format=row["format"] or None,
            domain=tuple(row["domain"].split()),
            min_items=_number(row["min_items"]),
            max_items=_number(row["max_items"]),
            maximum=_number(row["maximum"]),
        )
        for row in rows
    )
