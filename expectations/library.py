"""Import Great Expectations in half its time: without what only its own statistics and charts need.

The library imports SciPy's statistics and Altair for expectations that are not used here: half of its modules. Until
something asks for them a stand-in takes their place, which then imports the real thing.
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNUSED = ("scipy.stats", "altair")


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


@cache
def import_great_expectations() -> None:
    """Import the library the first time: that takes more than a second all the same."""
    with _put_off(_UNUSED), _nothing_collected():
        importlib.import_module("great_expectations")
