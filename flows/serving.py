"""Start the Customers API, and take over the consents that it asks for."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from customers.consents import moment_of
from customers.errors import CadastraError
from flows.reporting import say, show_json
from flows.settings import load_settings
from sql.consents import import_consents
from sql.readable import check_readable

if TYPE_CHECKING:
    from pathlib import Path

# Strings, so that each worker imports it for itself, and the stages stay unknown to each other.
APPLICATION, CONNECTION = "api.asgi:app", "api.connection:Bounded"
_GRACE_SECONDS = 20
_MOST_SHOWN = 20


def serve(host: str, port: int, workers: int, database: str | None) -> None:
    """Serve until a signal ends it; requests under way are answered first.

    Raises UsageError or UnreadableInput where a setting or the database cannot be used.
    """
    import uvicorn  # noqa: PLC0415 (only this verb needs it)

    url = load_settings(database).database_url
    check_readable(url)
    os.environ["CADASTRA_DATABASE_URL"] = url
    with tempfile.TemporaryDirectory(prefix="cadastra-metrics-") as shared:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        options: dict[str, Any] = {
            "host": host,
            "port": port,
            "http": CONNECTION,
            "ws": "none",
            "access_log": False,
            "server_header": False,
            "proxy_headers": False,
            "timeout_graceful_shutdown": _GRACE_SECONDS,
        }
        # A setting that cannot be used is better found here than by each worker again and again.
        uvicorn.Config(APPLICATION, **options).load()
        uvicorn.run(APPLICATION, workers=workers, **options)


def take_over_consents(file: Path, database: str | None, *, as_json: bool) -> None:
    """Import consents and report; raise CadastraError where some were refused."""
    outcome = import_consents(load_settings(database).database_url, file, moment_of(datetime.now(UTC)))
    if as_json:
        show_json(asdict(outcome))
    else:
        counts = f"{outcome.read:,} consents read, {outcome.written:,} new or changed, {outcome.unchanged:,} unchanged"
        say(f"{file}: {counts}")
        for refused in outcome.refused[:_MOST_SHOWN]:
            say(f"  line {refused.line}, {refused.column or 'the whole line'}: {refused.problem}")
    lines = {refused.line for refused in outcome.refused}
    if lines:
        message = f"{len(lines):,} consents of {file} were refused; the others are taken over"
        raise CadastraError(message)
