"""Logs of the API: one JSON object a line on standard error, and nothing that a client sent but UUIDs."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs() -> None:
    """Write events as JSON lines; hush the libraries that would tell of each connection and request."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
