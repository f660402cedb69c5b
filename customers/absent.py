"""Do without a library that another one imports only in case it is there."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from threading import get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Let modules that nobody has imported yet seem not to be installed, where this thread asks for them meanwhile."""
    finder = _Nothing(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Nothing(MetaPathFinder):
    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._thread = names, get_ident()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the machinery's signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> None:
        """Find none of the modules; any other is for the next finder."""
        if fullname in self._names and get_ident() == self._thread:
            message = f"{fullname} is left out"
            raise ModuleNotFoundError(message, name=fullname)
