"""See before anything heavy is imported that a run needs its crew, whose imports then begin beside this process's own.

They take two seconds of a core, which a run that finds little to judge had better not spend: an export of one bucket,
or one of which the database knows most already.
"""

from __future__ import annotations

from pathlib import Path

from customers.errors import CadastraError, UnreadableInput
from flows.crew import prepare
from flows.settings import load_settings
from mappings.buckets import bucket_count
from mappings.control import read_control
from mappings.core import load_core
from sql.glance import glance

_PATIENCE_SECONDS = 2


def foresee(
    export: str, *, core: str | None, database: str | None, workers: int | None, full_remap: bool
) -> None:
    """Begin the imports of a crew where an export will surely need one; what is wrong is for the run to say."""
    try:
        if needs_crew(Path(export), core, database, workers, full_remap=full_remap):
            prepare()
    except CadastraError:
        return


def needs_crew(
    export: Path, core: str | None, database: str | None, workers: int | None, *, full_remap: bool
) -> bool:
    """Say whether an export surely goes to several processes, all of it to be judged.

    Raises CadastraError where something is wrong.
    """
    settings = load_settings(database)
    if settings.scheduler or (workers or settings.workers) == 1 or not export.is_dir():
        return False
    profile = load_core(core or settings.core, tuple(settings.cores_path))
    if bucket_count(read_control(export), profile, settings.bucket_size) == 1:
        return False
    return full_remap or not _has_published(settings.database_url)


def _has_published(url: str) -> bool:
    try:
        with glance(url, _PATIENCE_SECONDS) as database:
            return database.has_published()
    except UnreadableInput:  # there is no database yet, or there are no tables
        return False
