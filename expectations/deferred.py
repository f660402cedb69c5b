"""Import libraries that another one names at its top when something of them is first used, which may be never."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


@contextmanager
def deferred(modules: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
    """Let these modules, where they are imported meanwhile, be run later: when something of them is looked up.

    Who imports a function by its name looks it up; those that are given for a module can be had without: it is run when
    one of them is called.
    """
    finder = _Finder(modules)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def __init__(self, modules: Mapping[str, tuple[str, ...]]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the modules; any other is for the next finder."""
        if fullname not in self._modules:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader, self._modules[fullname])
        return spec


class _Later(Loader):
    """Give a module no more than a way to be run."""

    def __init__(self, source: Loader, functions: tuple[str, ...]) -> None:
        self._source, self._functions = source, functions
        self._path: list[str] | None = None

    def exec_module(self, module: ModuleType) -> None:
        """Put there the functions, and what is asked for every other name; a package's path is one of these."""
        self._path = vars(module).pop("__path__", None)
        functions = {name: partial(self._called, module, name) for name in self._functions}
        vars(module).update(functions, __getattr__=partial(self._found, module))

    def _run(self, module: ModuleType) -> None:
        if vars(module).pop("__getattr__", None) is not None:
            if self._path is not None:
                vars(module).update(__path__=self._path)
            self._source.exec_module(module)

    def _found(self, module: ModuleType, name: str) -> Any:  # noqa: ANN401 (anything of the module)
        if name.startswith("__") and (name != "__path__" or self._path is None):
            raise AttributeError(name=name, obj=module)
        self._run(module)
        return getattr(module, name)

    def _called(self, module: ModuleType, name: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 (as above)
        self._run(module)
        return getattr(module, name)(*args, **kwargs)
