"""Register the deployments of ``prefect.yaml``, by Prefect's own command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from customers.errors import CadastraError, UsageError
from flows.reporting import say

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "prefect.yaml"
# What Prefect says of a work pool that is there.
_KNOWN = "already exists"


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
    made = _prefect(["work-pool", "create", pool, "--type", "process"])
    if made.returncode and _KNOWN not in made.stdout:
        raise CadastraError(f"Prefect made no work pool: {made.stdout.strip()}")
    done = _prefect(["deploy", "--all", "--prefect-file", str(definitions().resolve())], names, folder)
    say(done.stdout.strip())
    if done.returncode:
        raise CadastraError("Prefect did not take the deployments; what it said is above")


def definitions() -> Path:
    """Return the file of the deployments: beside the package where it is installed, above it in a working copy."""
    package = Path(__file__).parent
    return next(path for path in (package / FILE, package.parent / FILE) if path.is_file())


def _prefect(
    arguments: Sequence[str], names: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Prefect's command line; what it says, errors too, is the result's standard output."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    environment = {"DO_NOT_TRACK": "1", **os.environ, **(names or {})}
    return subprocess.run(  # noqa: S603 (our own words)
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
