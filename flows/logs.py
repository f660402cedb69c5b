"""What a run says to machines while it is at work: a JSON object a line, with ids and counts, no customer's value.

Without ``log_to`` nothing is written; whoever configures the logger ``cadastra`` hears all the same.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from customers.absent import absent

with absent("rich"):  # half of structlog's import, for a console's tracebacks
    import structlog

from customers.errors import UsageError

STANDARD_ERROR = "-"
_LOGGER = logging.getLogger("cadastra")
_LOGGER.addHandler(logging.NullHandler())  # else warnings would go to standard error by themselves

log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
    _LOGGER,
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
)


def log_to(where: str) -> None:
    """Append events to a file, or with ``-`` write them to standard error, in place of where they went before.

    Raises UsageError where the file cannot be written.
    """
    try:
        handler = (
            logging.StreamHandler(sys.stderr)
            if where == STANDARD_ERROR
            else logging.FileHandler(Path(where), encoding="utf-8")
        )
    except OSError as problem:
        msg = f"the log cannot be written to {where}: {problem.strerror}"
        raise UsageError(msg) from None
    for before in _LOGGER.handlers[:]:
        _LOGGER.removeHandler(before)
        before.close()
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
