"""What one run is asked to do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from customers.dictionary import DEFAULT_VERSION
from flows.breaker import Thresholds
from sql.lock import STALE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.observing import Observer
    from flows.sources import DatabaseExport
    from mappings.core import Core


@dataclass(frozen=True, slots=True)
class Job:
    """Say what one run works on.

    ``docs`` is the folder of all Data Docs, None to write none; ``tell`` hears each stage and the share of it that is
    done. ``replay`` takes a batch older than what is served; ``full_remap`` works on what is unchanged, too;
    ``rehearse`` writes nothing; without ``thresholds`` nothing is held. A document that waited more than
    ``freshness_minutes`` since the core changed it is late. ``observers`` are told how the run ended. Buckets are
    worked on by so many ``workers`` (processes; 1: this one), and kept under ``spill`` (a folder, or a URL that fsspec
    knows; None: the system's place for temporary files) until the run ends; or they are worked on by the workers of a
    Dask ``scheduler``.
    """

    core: Core
    export: Path | DatabaseExport
    database_url: str
    secret: str = field(repr=False)
    flow: str = "nightly"
    version: str = DEFAULT_VERSION
    bucket_size: int = 35_000
    docs: Path | None = None
    tell: Callable[[str, float], None] = lambda _stage, _share: None
    replay: bool = False
    full_remap: bool = False
    rehearse: bool = False
    thresholds: Thresholds | None = field(default_factory=Thresholds)
    freshness_minutes: int = 60
    observers: tuple[Observer, ...] = ()
    lock_stale_seconds: float = STALE_SECONDS
    workers: int = 1
    spill: str | None = None
    scheduler: str | None = None


def now() -> str:
    """Return the present time as the database writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_run_id(moment: datetime | None = None) -> str:
    """Make a run id that sorts by time."""
    return f"{(moment or datetime.now(UTC)).strftime('%Y%m%dT%H%M%SZ')}-{secrets.token_hex(4)}"
