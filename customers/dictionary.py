"""The data dictionaries as data: what each version says about each xpath, and how it is safely read.

``dictionaries/<version>/<structure>.csv`` holds what was published, facts only, equal to an import of the
official file; errata are applied on top and stay visible apart.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from customers.errata import apply, errata
from customers.errors import UsageError
from customers.field import Field, read_dictionary
from customers.structures import BY_NAME

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["DEFAULT_VERSION", "Field", "effective_fields", "envelope", "fields", "versions"]

DEFAULT_VERSION = "2.2.1"


def _folder() -> Traversable:
    return files("customers") / "dictionaries"


@cache
def versions() -> tuple[str, ...]:
    """Return the versions whose dictionaries are here, the oldest first."""
    found = [item.name for item in _folder().iterdir() if item.is_dir()]
    return tuple(sorted(found, key=lambda name: tuple(int(part) for part in name.split("."))))


@cache
def fields(structure: str, version: str = DEFAULT_VERSION) -> tuple[Field, ...]:
    """Return the fields of a structure as published, in published order.

    Raises UsageError for a structure or a version that is not known.
    """
    if version not in versions():
        msg = f"no dictionary of version {version}; known: {', '.join(versions())}"
        raise UsageError(msg)
    if structure not in BY_NAME:
        msg = f"no structure is called {structure}; known: {', '.join(BY_NAME)}"
        raise UsageError(msg)
    return read_dictionary(_folder() / version / f"{structure}.csv")


@cache
def effective_fields(structure: str, version: str = DEFAULT_VERSION) -> tuple[Field, ...]:
    """Return the fields of a structure as this project reads them: after the errata.

    A pattern is None (no constraint) or anchored, ASCII, and the same in Python, RE2 and Rust.
    """
    return apply(errata(version), structure, fields(structure, version), version)


@cache
def envelope() -> tuple[Field, ...]:
    """Return the fields around the data element, ``/links`` and ``/meta``: in the OpenAPI document only."""
    return read_dictionary(_folder() / "envelope.csv")
