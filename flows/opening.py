"""Open the serving database for one run alone, and see that it is this institution's."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customers.errors import UsageError
from flows.memory import made_by
from flows.sources import look_at
from flows.whose import is_secret_of
from mappings.control import read_control
from sql.lock import hold
from sql.rehearsal import open_rehearsal
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.job import Job
    from sql.store import Store


@contextmanager
def opened(job: Job, run_id: str) -> Iterator[Store]:
    """Open the serving database and hold it for this run alone; a rehearsal only opens it.

    Raises Busy where another run holds it, and what ``look_at`` raises before the database is touched.
    """
    look_at(job.export, job.core)
    if job.rehearse:
        with open_rehearsal(job.database_url) as store:
            yield store
        return
    held: dict[str, Any] = {"stale_seconds": job.lock_stale_seconds, "resume_key": resume_key(job)}
    with open_store(job.database_url) as store, hold(store, run_id, **held):
        yield store


def resume_key(job: Job) -> str | None:
    """Name all that decides what a run writes; None for a database, which is another one each time that it is read."""
    if not isinstance(job.export, Path):
        return None
    control = read_control(job.export)
    made = made_by(job.core, job.version, job.secret, control.business_date)
    said = (
        control.batch_id,
        str(control.business_date),
        str(control.generated_at),
        made,
        job.flow,
        job.version,
    )
    return hashlib.sha256(repr((*said, job.bucket_size, job.replay, job.full_remap)).encode()).hexdigest()


def check_secret(store: Store, secret: str) -> None:
    """Refuse another secret than the one that made a database's ids: every customer would get a new one.

    Raises UsageError.
    """
    if is_secret_of(store.query, secret) is False:
        msg = "CADASTRA_SECRET is not the secret that made the customer ids of this database"
        raise UsageError(msg)
