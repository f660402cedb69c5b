"""The version of the mapping: changes whenever code or data that decides what a document says changes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mappings.core import Core


@cache
def _code() -> str:
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def mapping_version(core: Core) -> str:
    """Return a short hash over the mapping's code and the core's own folder."""
    digest = hashlib.sha256(_code().encode())
    digest.update(repr((core.name, core.tables, core.fillers, core.zone)).encode())
    return digest.hexdigest()[:12]
