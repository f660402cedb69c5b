"""The private prefix of one run behind a URL that fsspec knows, such as ``s3://bucket/folder``.

Who may read it is the store's to say. It is gone when the run ends. There are no locks: what a killed run left is swept
only where the ledger of this database says that the run has ended; the rest is for a lifecycle rule of the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customers.errors import UsageError
from flows.spill_folder import LOCAL_URL, PREFIX, SpillFolder
from mappings.spill import is_url, written

if TYPE_CHECKING:
    from collections.abc import Callable


def open_spill(root: str | None, run_id: str, has_ended: Callable[[str], bool]) -> SpillFolder | SpillPrefix:
    """Make the private place of a run under a folder or a URL; ``has_ended`` says it of other runs, by their ids.

    Raises UsageError where none can be made.
    """
    if root is None or not is_url(root) or root.startswith(LOCAL_URL):
        return SpillFolder(root)
    return SpillPrefix(root, run_id, has_ended)


class SpillPrefix:
    """A prefix under a URL; close it."""

    def __init__(self, root: str, run_id: str, has_ended: Callable[[str], bool]) -> None:
        self.place = f"{root.rstrip('/')}/{PREFIX}{run_id}"
        self._files, path = _opened(self.place)
        self._path = path
        _sweep(self._files, path.removesuffix(f"/{PREFIX}{run_id}"), has_ended)
        with written():
            self._files.makedirs(path, exist_ok=True)

    def close(self) -> None:
        """Remove the prefix and all in it."""
        if self._files.exists(self._path):
            self._files.rm(self._path, recursive=True)


def _opened(url: str) -> tuple[Any, str]:
    if urlsplit(url).password:
        raise UsageError(
            "CADASTRA_SPILL has a password in it: give it to the file system's library another way"
        )
    import fsspec  # noqa: PLC0415 (only for many machines)

    try:
        files, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as problem:
        msg = f"CADASTRA_SPILL cannot be used: {problem}"
        raise UsageError(msg) from None
    return files, str(path)


def _sweep(files: Any, root: str, has_ended: Callable[[str], bool]) -> None:  # noqa: ANN401 (one of fsspec's kinds)
    """Remove what runs left that have ended."""
    if not files.exists(root):
        return
    for path in files.ls(root, detail=False):
        name = path.rstrip("/").rpartition("/")[2]
        if name.startswith(PREFIX) and has_ended(name.removeprefix(PREFIX)):
            files.rm(path, recursive=True)
