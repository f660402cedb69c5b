"""The application that a server imports: ``uvicorn api.asgi:app`` or ``gunicorn -k uvicorn_worker.UvicornWorker``."""

from __future__ import annotations

import gc

from api.app import create_app
from api.logs import configure_logs

configure_logs()
app = create_app()
# What is there now stays: no later collection needs to look at it, and requests do not wait for one that does.
gc.collect()
gc.freeze()
