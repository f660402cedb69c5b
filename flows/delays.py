"""How long to wait before each further attempt at what may pass."""

RETRY_SECONDS = (1.0, 5.0, 15.0)
