"""Import packages without what their ``__init__`` only passes on to whoever might want it.

The ``__init__`` of a package is run without those ``from x import y`` of which it uses no name itself. Such a name is
looked up in x when somebody first asks the package for it. Submodules are imported as ever.
"""

from __future__ import annotations

import ast
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_EVERYTHING = "*"


@contextmanager
def lean(packages: Collection[str]) -> Iterator[None]:
    """Let these packages, where they are imported meanwhile, pass nothing on before it is asked for."""
    finder = _Finder(packages)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    def __init__(self, packages: Collection[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the packages; any other is for the next finder."""
        if fullname not in self._packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    def __init__(self, source: SourceFileLoader) -> None:
        self._source = source

    def exec_module(self, module: ModuleType) -> None:
        """Run what is left of the ``__init__``."""
        name, path = module.__name__, self._source.path
        body = ast.parse(self._source.get_data(path), path)
        passing = [statement for statement in _passing_on(body) if _origin(statement, name) != name]
        body.body = [statement for statement in body.body if statement not in passing]
        later = _Later(module, passing)
        vars(module).update(__getattr__=later, __dir__=later.names)
        exec(compile(body, path, "exec", dont_inherit=True), vars(module))  # noqa: S102 (what an import does)


class _Later:
    """Find what a package would have passed on."""

    def __init__(self, module: ModuleType, statements: Sequence[ast.ImportFrom]) -> None:
        self._module = module
        self._wholes: list[str] = []
        self._origins: dict[str, tuple[str, str]] = {}
        for statement in statements:
            origin = _origin(statement, module.__name__)
            for alias in statement.names:
                if alias.name == _EVERYTHING:
                    self._wholes.append(origin)
                else:
                    self._origins[alias.asname or alias.name] = origin, alias.name

    def __call__(self, name: str) -> Any:  # noqa: ANN401 (anything of the package)
        value = self._found(name)
        setattr(self._module, name, value)
        return value

    def names(self) -> list[str]:
        """List what the package has, but for what it would have passed on as a whole."""
        return sorted({*vars(self._module), *self._origins})

    def _found(self, name: str) -> Any:  # noqa: ANN401 (as above)
        if name in self._origins:
            origin, original = self._origins[name]
            return getattr(import_module(origin), original)
        if not name.startswith("_"):
            for whole in map(import_module, self._wholes):
                if hasattr(whole, name):
                    return getattr(whole, name)
        message = f"module {self._module.__name__!r} has no attribute {name!r}"
        raise AttributeError(message)


def _passing_on(body: ast.Module) -> Iterator[ast.ImportFrom]:
    """Find the imports at the top of which nothing else there uses a name."""
    imports = [statement for statement in body.body if isinstance(statement, ast.ImportFrom)]
    others = (statement for statement in body.body if statement not in imports)
    used = {node.id for other in others for node in ast.walk(other) if isinstance(node, ast.Name)}
    for statement in imports:
        named = {alias.asname or alias.name for alias in statement.names}
        if statement.module != "__future__" and not used & named:
            yield statement


def _origin(statement: ast.ImportFrom, package: str) -> str:
    return resolve_name("." * statement.level + (statement.module or ""), package)
