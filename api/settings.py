"""Settings of the Customers API from the environment (``CADASTRA_API_…``) or a ``.env`` file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import Annotated

from pydantic import AliasChoices, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from customers.dictionary import DEFAULT_VERSION
from customers.errors import UsageError

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]


class ApiSettings(BaseSettings):
    """What an installation decides; limits hold for each worker process.

    ``public_url`` is the address before ``/open-banking`` that links show; without it, that of the request.
    ``client_header`` is where the gateway says who asks; without it, a client is an address. A limit of 0 is none.
    """

    model_config = SettingsConfigDict(
        env_prefix="CADASTRA_API_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    database_url: str = Field(
        default="sqlite:///cadastra.db", validation_alias=AliasChoices("CADASTRA_DATABASE_URL")
    )
    version: str = DEFAULT_VERSION
    codes: str = "status"
    scenarios: Path | None = None
    public_url: HttpUrl | None = None

    connections: int = Field(default=4, ge=1)
    database_seconds: float = Field(default=2.0, gt=0)
    request_seconds: float = Field(default=5.0, gt=0)
    most_at_once: int = Field(default=500, ge=1)
    body_bytes: int = Field(default=1024, ge=0)
    # A pagination key of 2048 characters may take twelve bytes for each of them.
    uri_bytes: int = Field(default=32768, ge=64)
    header_bytes: int = Field(default=16384, ge=256)
    rate_per_second: float = Field(default=500.0, ge=0)
    rate_burst: int = Field(default=1000, ge=1)
    client_header: HeaderName | None = None
    ready_age_hours: float = Field(default=0.0, ge=0)
    access_log: bool = False

    introspection_url: HttpUrl | None = None
    introspection_client_id: str = ""
    introspection_client_secret: SecretStr = SecretStr("")
    introspection_seconds: float = Field(default=2.0, gt=0)


def load_api_settings() -> ApiSettings:
    """Read the settings; raise UsageError naming those that cannot be used, never a value."""
    try:
        return ApiSettings()
    except ValidationError as problem:
        names = {"_".join(str(part) for part in error["loc"]).upper() for error in problem.errors()}
        shown = (name if name.startswith("CADASTRA_") else f"CADASTRA_API_{name}" for name in sorted(names))
        message = f"setting cannot be used: {', '.join(shown)}"
        raise UsageError(message) from None
