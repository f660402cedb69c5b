"""Options that many verbs of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Database = Annotated[str | None, typer.Option("--database", help="URL; default CADASTRA_DATABASE_URL.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, no tables.")]
LogJson = Annotated[
    str | None,
    typer.Option(
        "--log-json", help="Log as JSON lines to a file, or - for standard error (CADASTRA_LOG_JSON)."
    ),
]
Metrics = Annotated[
    Path | None, typer.Option("--metrics", help="Write OpenMetrics to a file (CADASTRA_METRICS).")
]
