"""The application that a server imports: ``uvicorn api.asgi:app`` or ``gunicorn -k uvicorn_worker.UvicornWorker``."""

from __future__ import annotations

from api.app import create_app
from api.logs import configure_logs

configure_logs()
app = create_app()
