"""Where conditions find their operands in a document: readers of one element of a list, or of the data element.

A reader gets a *row*: the object whose fields the rule's block holds. Documents may be anything, so every step asks
whether it stands on an object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from customers.problems import is_number, is_text

if TYPE_CHECKING:
    from customers.field import Field

Row = dict[str, Any]
Fields = Mapping[str, "Field"]

# A place that cannot be reached, because something around it has the wrong JSON type.
UNREACHABLE: Final = object()

_BOOLEANS = {True: "true", False: "false"}


def names_below(block: str, xpath: str) -> tuple[str, ...]:
    """Return the property names from a block's row to an xpath.

    >>> names_below("/data/accounts", "/data/accounts/type"), names_below("/data", "/data/contacts/phones")
    (('type',), ('contacts', 'phones'))
    """
    return tuple(xpath.removeprefix(block).strip("/").split("/"))


def reader(names: tuple[str, ...]) -> Callable[[Row], Any]:
    """Return what follows the names: None where nothing is (null is nothing), or UNREACHABLE."""
    if len(names) == 1:
        (name,) = names
        return lambda row: row.get(name)

    def follow(row: Row) -> Any:  # noqa: ANN401 (any JSON value)
        found: Any = row
        for name in names:
            if not isinstance(found, dict):
                return UNREACHABLE
            found = found.get(name)
            if found is None:
                return None
        return found

    return follow


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and is_text(value) else None


def _boolean(value: object) -> str | None:
    return _BOOLEANS[value] if isinstance(value, bool) else None


def _number(value: object) -> str | None:
    return str(value) if is_number(value) else None


def canonical(field: Field) -> Callable[[object], str | None]:
    """Return what spells a leaf's value as canonical text: None where it has the wrong JSON type.

    Raises ValueError for a field that is no leaf.
    """
    match field.type:
        case "string":
            return _text
        case "boolean":
            return _boolean
        case "number":
            return _number
        case "array" if field.items == "string":
            return _text
        case _:
            message = f"{field.xpath} is no leaf"
            raise ValueError(message)


def text_reader(block: str, xpath: str, fields: Fields) -> Callable[[Row], str | None]:
    """Return what reads a leaf of the row as canonical text: None where it is missing or cannot be read."""
    read, spell = reader(names_below(block, xpath)), canonical(fields[xpath])
    return lambda row: spell(read(row))


def elements_reader(block: str, xpath: str, fields: Fields) -> Callable[[Row], list[str | None]]:
    """Return what reads the values of a list of the row; None stands for one that cannot be read.

    ``xpath`` is a list of scalars or a leaf of a list's elements; elements without a value are left out, and a list
    that is missing is an empty one.
    """
    is_list = fields[xpath].type == "array"
    path = xpath if is_list else xpath.rpartition("/")[0]
    read, spell = reader(names_below(block, path)), canonical(fields[xpath])
    of_element = _itself if is_list else _property(xpath.rpartition("/")[2])

    def elements(row: Row) -> list[str | None]:
        found = read(row)
        if found is None:
            return []
        if not isinstance(found, list):
            return [None]
        values = [of_element(item) for item in found if item is not None]
        return [spell(value) for value in values if value is not None]

    return elements


def _itself(item: object) -> object:
    return item


def _property(name: str) -> Callable[[object], object]:
    return lambda item: item.get(name) if isinstance(item, dict) else UNREACHABLE


def is_there(field: Field, fields: Fields) -> Callable[[Any], bool]:
    """Return whether something that was found holds a value: what has the wrong JSON type does.

    A list does if it has an element, an object if something below it does, as in a block.
    """
    if field.type == "array":
        return lambda found: found is not None and found != []
    if field.type != "object":
        return lambda found: found is not None
    below = {child.name: is_there(child, fields) for child in fields.values() if child.parent == field.xpath}

    def judge(found: object) -> bool:
        if not isinstance(found, dict):
            return found is not None
        return any(there(found.get(name)) for name, there in below.items())

    return judge
