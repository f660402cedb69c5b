"""Import Great Expectations in half its time: without what only its own statistics and charts need.

The library imports SciPy's statistics and Altair for expectations that are not used here: half of its modules. Until
something asks for them a stand-in takes their place, which then imports the real thing.

A third of what is left is spent by pydantic on deep copies of the fields that one model hands down to the next, by the
general way for objects of which nothing is known. While models are made they are copied slot by slot.
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from types import BuiltinFunctionType, FunctionType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNUSED = ("scipy.stats", "altair")
_DEEPCOPY, _ABSENT = "__deepcopy__", object()


class _Later(ModuleType):
    """Stand for a module until anything of it is asked for."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (anything of the module)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _put_off(names: tuple[str, ...]) -> Iterator[None]:
    stands = {name: _Later(name) for name in names if name not in sys.modules}
    sys.modules.update(stands)
    try:
        yield
    finally:
        for name, stand in stands.items():
            if sys.modules.get(name) is stand:  # whoever imports it from now on gets it at once
                del sys.modules[name]


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
    """Import the library the first time: that takes a second all the same."""
    with _put_off(_UNUSED), _nothing_collected(), fields_copied_by_slot():
        importlib.import_module("great_expectations")
