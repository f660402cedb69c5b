"""Turn a published data dictionary (CSV) into this project's form.

The published file is ``;``-separated UTF-8 with a byte order mark, has cells of several lines, and enum
values that carry a trailing blank. Definitions, restrictions, names and examples are sentences of the
publisher: ignored by name. ``Mínimo``/``Máximo de Ocorrências`` of a scalar or an object repeat its
obligation and are ignored as well.
"""

from __future__ import annotations

import csv
import re
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, cast

from customers.errors import UnreadableInput
from customers.field import COLUMNS, Field, ItemType, JsonType, Obligation
from customers.structures import BY_NAME, STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_OBLIGATIONS: dict[str, Obligation] = {
    "Obrigatório": "required",
    "Condicional": "conditional",
    "Opcional": "optional",
}
# Published kind of a field: the JSON type that must stand beside it, and the format that it stands for.
_KINDS: dict[str, tuple[JsonType, str | None]] = {
    "Texto": ("string", None),
    "Data": ("string", "date"),
    "Date Hora": ("string", "date-time"),
    "Número": ("number", None),
    "Booleano": ("boolean", None),
    "Lista": ("array", None),
    "Objeto": ("object", None),
}
_UNBOUNDED = "N"
_USED = (
    "Xpath",
    "Tipo de Dado",
    "Tamanho",
    "Mandatoriedade",
    "Formato",
    "Domínio",
    "Mínimo de Ocorrências",
    "Máximo de Ocorrências",
    "Nulidade",
    "Tipo de Dado Json",
    "Tamanho mínimo",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One record of the published file; knows where it stands, for the messages."""

    path: Path
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        return self.cells[column].strip()

    def number(self, column: str) -> int | None:
        text = self.text(column)
        if not text:
            return None
        if not re.fullmatch("[0-9]+", text):
            raise self.refuse(column, f"{text!r} is no number")
        return int(text)

    def refuse(self, column: str, why: str) -> UnreadableInput:
        return UnreadableInput(f"{self.path}, record ending at line {self.line}, column {column}: {why}")


def _records(path: Path) -> list[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=";", restval="", strict=True)
            missing = [column for column in _USED if column not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path}, line 1: no data dictionary, it lacks the columns {', '.join(missing)}"
                raise UnreadableInput(msg)
            return [_Row(path, reader.line_num, cells) for cells in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not readable as a data dictionary: {error}"
        raise UnreadableInput(msg) from error


def _kind(row: _Row) -> tuple[JsonType, str | None]:
    published, json_type = row.text("Tipo de Dado"), row.text("Tipo de Dado Json")
    if published not in _KINDS:
        raise row.refuse("Tipo de Dado", f"unknown type {published!r}")
    if _KINDS[published][0] != json_type:
        raise row.refuse("Tipo de Dado Json", f"{json_type!r} does not fit {published!r}")
    return _KINDS[published]


def _occurrences(row: _Row) -> tuple[int | None, int | None]:
    """Read the bounds of a list; N means unbounded."""
    unbounded = row.text("Máximo de Ocorrências") == _UNBOUNDED
    return row.number("Mínimo de Ocorrências"), None if unbounded else row.number("Máximo de Ocorrências")


def _items(row: _Row, parents: set[str]) -> ItemType:
    """Tell a list of objects from a list of texts: the second has no children."""
    return "object" if row.text("Xpath") in parents else "string"


def _field(row: _Row, parents: set[str]) -> Field:
    json_type, published_format = _kind(row)
    obligation = row.text("Mandatoriedade")
    if obligation not in _OBLIGATIONS:
        raise row.refuse("Mandatoriedade", f"unknown obligation {obligation!r}")
    if row.text("Nulidade") != "Não permitido":
        raise row.refuse("Nulidade", "a field that may be null is not supported")
    size, is_list = row.number("Tamanho"), json_type == "array"
    min_items, max_items = _occurrences(row) if is_list else (None, None)
    return Field(
        xpath=row.text("Xpath"),
        type=json_type,
        items=_items(row, parents) if is_list else None,
        obligation=_OBLIGATIONS[obligation],
        min_length=row.number("Tamanho mínimo"),
        max_length=None if json_type == "number" else size,
        pattern=row.text("Formato") or None,
        format=published_format,
        domain=tuple(row.cells["Domínio"].split()),
        min_items=min_items,
        max_items=max_items,
        maximum=size if json_type == "number" else None,
    )


def _structure(path: Path, structure: str | None) -> str:
    if structure is not None and structure in BY_NAME:
        return structure
    named = re.match(r"customersGet([A-Za-z]+)", path.name)
    by_official_name = {item.official_name: item.name for item in STRUCTURES}
    if structure is None and named and named[1] in by_official_name:
        return by_official_name[named[1]]
    asked = (
        f"no structure is called {structure!r}"
        if structure
        else "its name does not say which structure it describes"
    )
    msg = f"{path}: {asked}; known: {', '.join(BY_NAME)}"
    raise UnreadableInput(msg)


def import_dictionary(path: Path, structure: str | None = None) -> tuple[str, tuple[Field, ...]]:
    """Read a published dictionary: the structure's name and its fields in published order.

    The structure is taken from the argument, else from a file name such as
    ``customersGetPersonalIdentifications_v2.2.1.csv``. Raises UnreadableInput, naming file, line and column,
    for anything that is not such a dictionary.
    """
    name = _structure(path, structure)
    rows = _records(path)
    parents = {row.text("Xpath").rpartition("/")[0] for row in rows}
    seen: set[str] = set()
    for row in rows:
        xpath = row.text("Xpath")
        if xpath in seen:
            raise row.refuse("Xpath", f"{xpath} stands twice")
        if xpath != "/data" and xpath.rpartition("/")[0] not in seen:
            raise row.refuse("Xpath", f"nothing above holds {xpath!r}")
        seen.add(xpath)
    if not rows:
        msg = f"{path}: no field below the header"
        raise UnreadableInput(msg)
    return name, tuple(_field(row, parents) for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(cast("tuple[str, ...]", value))
    return "" if value is None else str(value)


def write_dictionary(fields: Iterable[Field], path: Path) -> None:
    """Write fields in this project's form, which ``customers.field.read_dictionary`` reads back unchanged."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_cell(value) for value in astuple(field)] for field in fields)
