"""Import Great Expectations in a quarter of its time: without what is not used here.

The library makes a class for every expectation, metric and data source that there is, and imports SciPy's statistics,
Altair and SQLAlchemy's mapper for some of them. Here these are made when somebody asks for them, but for the readers of
files that pandas has, which are not made at all.

A third of what is left is spent by pydantic on deep copies of the fields that one model hands down to the next, by the
general way for objects of which nothing is known. While models are made they are copied slot by slot.
"""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, NoneType
from typing import TYPE_CHECKING, Any

from customers.absent import absent
from expectations.lean import lean

if TYPE_CHECKING:
    from collections.abc import Iterator

# What passes on hundreds of classes, of which a few are used.
_LEAN = (
    "great_expectations.datasource.fluent",
    "great_expectations.execution_engine",
    "great_expectations.expectations",
    "great_expectations.expectations.core",
    "great_expectations.expectations.metrics",
    "great_expectations.metrics",
    "great_expectations.render",
    "great_expectations.render.renderer",
)
# What the library does without where it is not installed.
_OPTIONAL = ("sqlalchemy.orm",)
_READERS = "_generate_pandas_data_asset_models"
_DEEPCOPY, _ABSENT = "__deepcopy__", object()


@contextmanager
def _no_readers() -> Iterator[None]:
    """Let no class of assets be made of each function of pandas that reads a file: blocks are data frames."""
    dynamic = import_module("great_expectations.datasource.fluent.dynamic_pandas")
    made = getattr(dynamic, _READERS)
    setattr(dynamic, _READERS, lambda *_, **__: {})
    try:
        yield
    finally:
        setattr(dynamic, _READERS, made)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep the garbage collector off objects of which none is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# What a deep copy shares with its original.
_SHARED = frozenset({NoneType, bool, int, float, str, FunctionType, BuiltinFunctionType})


def copied_by_slot(original: Any, memo: dict[int, object]) -> Any:  # noqa: ANN401 (of a class whose state is its slots)
    """Copy an object deeply: what ``copy.deepcopy`` does, without first asking how it may be copied."""
    copy = object.__new__(type(original))
    memo[id(original)] = copy
    for name in type(original).__slots__:
        value = getattr(original, name, _ABSENT)
        if value is not _ABSENT:
            shared = type(value) in _SHARED or isinstance(value, type)
            setattr(copy, name, value if shared else deepcopy(value, memo))
    return copy


@contextmanager
def fields_copied_by_slot() -> Iterator[None]:
    """Let pydantic make the fields of a model from those of its parent the quick way."""
    from pydantic.v1.class_validators import Validator  # noqa: PLC0415 (nothing else needs that version)
    from pydantic.v1.fields import FieldInfo, ModelField  # noqa: PLC0415

    plain = [kind for kind in (ModelField, FieldInfo, Validator) if not hasattr(kind, _DEEPCOPY)]
    for kind in plain:
        setattr(kind, _DEEPCOPY, copied_by_slot)
    try:
        yield
    finally:
        for kind in plain:
            delattr(kind, _DEEPCOPY)


@cache
def import_great_expectations() -> None:
    """Import the library the first time, with its source of data frames: that takes a third of a second all the same.

    It is done by a thread of its own. Pyparsing keeps exceptions of what it tried, these the frames of the import, and
    those would keep their callers' until garbage is collected: with all the tables of the bucket that is being judged.
    """
    with ThreadPoolExecutor(1) as alone:
        alone.submit(_import).result()


def _import() -> None:
    with lean(_LEAN), absent(*_OPTIONAL), _nothing_collected(), fields_copied_by_slot():
        import_module("great_expectations")
        with _no_readers():
            import_module("great_expectations.datasource.fluent.pandas_datasource")
