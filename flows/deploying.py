"""Register the deployments of ``prefect.yaml``, by Prefect's own command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from customers.errors import CadastraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "prefect.yaml"


def register(pool: str, folder: Path) -> None:
    """Register every deployment, and make the work pool where there is none.

    Raises UsageError where no server is named or the folder is none, CadastraError where Prefect refuses.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError("PREFECT_API_URL is not set: deployments need a Prefect server that stays")
    if not folder.is_dir():
        msg = f"no folder {folder}"
        raise UsageError(msg)
    names = {"CADASTRA_WORK_POOL": pool, "CADASTRA_WORKING_DIR": str(folder.resolve())}
    if _prefect(["work-pool", "inspect", pool], quiet=True):
        _must(["work-pool", "create", pool, "--type", "process"])
    _must(["deploy", "--all", "--prefect-file", str(definitions().resolve())], names, folder)


def definitions() -> Path:
    """Return the file of the deployments: beside the package where it is installed, above it in a working copy."""
    package = Path(__file__).parent
    return next(path for path in (package / FILE, package.parent / FILE) if path.is_file())


def _must(arguments: Sequence[str], names: dict[str, str] | None = None, folder: Path | None = None) -> None:
    if _prefect(arguments, names, folder):
        msg = f"Prefect refused: prefect {' '.join(arguments)}"
        raise CadastraError(msg)


def _prefect(
    arguments: Sequence[str],
    names: dict[str, str] | None = None,
    folder: Path | None = None,
    *,
    quiet: bool = False,
) -> int:
    """Run Prefect's command line and return its exit code; what it says goes to standard error."""
    told = subprocess.DEVNULL if quiet else sys.stderr
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    environment = {"DO_NOT_TRACK": "1", **os.environ, **(names or {})}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=told, stderr=told, check=False)  # noqa: S603 (our own words)
    return done.returncode
