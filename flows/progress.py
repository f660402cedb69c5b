"""What a person sees while a verb is at work: a bar on a terminal, a line per stage elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flows.logs import STANDARD_ERROR
from flows.reporting import say
from flows.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """Show the stage and its share, one stage at a time; nothing when quiet.

    A stage of which nothing is done yet shows that it is at work: one bucket may be all there is.
    """
    if quiet:
        yield lambda _stage, _share: None
        return
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console  # noqa: PLC0415 (only a terminal needs it)
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description:<18}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task, shown = bars.add_task("", total=None), [""]

        def tell(stage: str, share: float) -> None:
            if stage != shown[0]:
                shown[0] = stage
                bars.reset(task, total=None, description=stage)
            bars.update(task, total=1.0 if share else None, completed=share)

        yield tell


def gives_way(log_json: str | None) -> bool:
    """Say whether the log takes standard error: then progress and tables are not shown there."""
    return (log_json or load_settings().log_json) == STANDARD_ERROR


def _lines() -> Callable[[str, float], None]:
    told: set[str] = set()

    def tell(stage: str, _share: float) -> None:
        if stage not in told:
            told.add(stage)
            say(f"{stage} …")

    return tell
