"""What to run and where, from the settings and from what a verb or a deployment's parameters say beside them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from customers.dictionary import DEFAULT_VERSION, versions
from customers.errors import UsageError
from flows.breaker import Thresholds
from flows.data_docs import docs_root
from flows.logs import log_to
from flows.pipeline import Job
from flows.reporting import say
from flows.settings import load_settings, secret_of
from flows.waiting import Place
from mappings.core import load_core

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.observing import Observer
    from flows.settings import Settings
    from flows.sources import DatabaseExport


def _silent(_stage: str, _share: float) -> None:
    """Tell nobody."""


def make_job(  # noqa: PLR0913 (one for each option of the verbs)
    export: Path | DatabaseExport,
    *,
    core: str | None = None,
    database: str | None = None,
    version: str = DEFAULT_VERSION,
    tell: Callable[[str, float], None] = _silent,
    docs: bool = True,
    log_json: str | None = None,
    metrics: Path | None = None,
    workers: int | None = None,
    spill: str | None = None,
    scheduler: str | None = None,
    **choices: Any,  # noqa: ANN401 (the job's own switches)
) -> Job:
    """Make the job that publishes one export, and log where the settings, or ``log_json``, say.

    Raises UsageError where a setting, the core or the version cannot be used.
    """
    settings = load_settings(database)
    if log_json or settings.log_json:
        log_to(log_json or str(settings.log_json))
    if version not in versions():
        msg = f"no dictionary of version {version}; known: {', '.join(versions())}"
        raise UsageError(msg)
    return Job(
        core=load_core(core or settings.core, tuple(settings.cores_path)),
        export=export,
        database_url=settings.database_url,
        secret=secret_of(settings, say),
        version=version,
        bucket_size=settings.bucket_size,
        docs=docs_root(settings.docs, settings.database_url) if docs else None,
        tell=tell,
        thresholds=thresholds(settings),
        freshness_minutes=settings.freshness_minutes,
        observers=observers(settings, metrics),
        lock_stale_seconds=settings.lock_stale_seconds,
        workers=settings.workers if workers is None else workers,
        spill=spill or settings.spill,
        scheduler=scheduler or settings.scheduler,
        **choices,
    )


def place_of(kind: str, exports: Path | None, core: str | None = None, database: str | None = None) -> Place:
    """Return where exports of a kind come in: the folder given, else CADASTRA_EXPORTS.

    Raises UsageError where neither says so.
    """
    settings = load_settings(database)
    root = exports or settings.exports
    if root is None:
        raise UsageError("where the exports are is not known: set CADASTRA_EXPORTS, or say --exports")
    patience = timedelta(minutes=settings.patience_minutes)
    return Place(root, kind, core or settings.core, settings.database_url, patience)


def observers(settings: Settings, metrics: Path | None = None) -> tuple[Observer, ...]:
    """Return who is told how a run ended; raises UsageError where notices could not be signed."""
    written: list[Observer] = []
    path = metrics or settings.metrics
    if path is not None:
        from flows.metrics import MetricsFile  # noqa: PLC0415 (Prometheus' library is for who wants them)

        written.append(MetricsFile(path, say))
    if settings.notice_url is None:
        return tuple(written)
    if settings.notice_secret is None or not settings.notice_secret.get_secret_value():
        msg = "CADASTRA_NOTICE_SECRET is not set: notices are signed with it"
        raise UsageError(msg)
    from flows.notices import Notices  # noqa: PLC0415 (as above)

    secret = settings.notice_secret.get_secret_value()
    return (*written, Notices(str(settings.notice_url), secret, say, tuple(settings.notice_on)))


def thresholds(settings: Settings) -> Thresholds | None:
    """Return what the circuit breaker goes by; None where it is off."""
    if settings.breaker == "off":
        return None
    return Thresholds(
        settings.breaker_first_rejected_share,
        settings.breaker_rejected_share,
        settings.breaker_withdrawn_share,
        settings.breaker_changed_share,
        settings.breaker_rule_factor,
        settings.breaker_least,
    )
