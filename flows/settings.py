"""Settings from the environment (``CADASTRA_…``) or a ``.env`` file; a secret is never shown."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from customers.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

# What a bank may want notices of.
Event = Literal["failure", "held", "threshold"]
EVENTS: tuple[Event, ...] = ("failure", "held", "threshold")
SHORTEST_SECRET = 32
_SQLITE = "sqlite:///"


class Settings(BaseSettings):
    """What an installation decides once."""

    model_config = SettingsConfigDict(env_prefix="CADASTRA_", env_file=".env", extra="ignore")

    database_url: str = "sqlite:///cadastra.db"
    secret: SecretStr | None = None
    core: str = "reference"
    cores_path: list[Path] = Field(default_factory=list)
    breaker: Literal["on", "off"] = "on"
    breaker_first_rejected_share: float = Field(default=0.75, ge=0)
    breaker_rejected_share: float = Field(default=0.10, ge=0)
    breaker_withdrawn_share: float = Field(default=0.05, ge=0)
    breaker_changed_share: float = Field(default=0.50, ge=0)
    breaker_rule_factor: float = Field(default=5.0, ge=1)
    breaker_least: int = Field(default=100, ge=1)
    freshness_minutes: int = Field(default=60, ge=1)
    lock_stale_seconds: float = Field(default=900.0, ge=60)
    bucket_size: int = Field(default=40_000, ge=1)
    docs: Path | None = None
    exports: Path | None = None
    patience_minutes: float = Field(default=30, ge=0)
    log_json: str | None = None
    metrics: Path | None = None
    notice_url: HttpUrl | None = None
    notice_secret: SecretStr | None = None
    notice_on: list[Event] = Field(default_factory=lambda: list(EVENTS))


def load_settings(database_url: str | None = None) -> Settings:
    """Read the settings; an argument wins over the environment.

    Raises UsageError naming the setting, never its value.
    """
    try:
        settings = Settings()
    except ValidationError as problem:
        names = ", ".join(
            f"CADASTRA_{'_'.join(map(str, error['loc'])).upper()}" for error in problem.errors()
        )
        msg = f"setting cannot be used: {names}"
        raise UsageError(msg) from None
    return settings if database_url is None else settings.model_copy(update={"database_url": database_url})


def secret_of(settings: Settings, say: Callable[[str], None]) -> str:
    """Return the institution's secret, making one beside an embedded database that has none.

    Raises UsageError when a server database is used without CADASTRA_SECRET.
    """
    if settings.secret is not None and settings.secret.get_secret_value():
        secret = settings.secret.get_secret_value()
        if len(secret) < SHORTEST_SECRET:
            say(f"warning: CADASTRA_SECRET has fewer than {SHORTEST_SECRET} characters")
        return secret
    if not settings.database_url.startswith(_SQLITE):
        msg = "CADASTRA_SECRET is not set: customer ids on a server need a secret that outlives this machine"
        raise UsageError(msg)
    return _secret_beside(Path(settings.database_url.removeprefix(_SQLITE).split("?")[0]), say)


def known_secret(settings: Settings) -> str | None:
    """Return the institution's secret without making one; None where there is none yet."""
    if settings.secret is not None and settings.secret.get_secret_value():
        return settings.secret.get_secret_value()
    if not settings.database_url.startswith(_SQLITE):
        return None
    database = Path(settings.database_url.removeprefix(_SQLITE).split("?")[0])
    path = database.with_name(f"{database.name}.secret")
    return path.read_text(encoding="ascii") if path.is_file() else None


def _secret_beside(database: Path, say: Callable[[str], None]) -> str:
    """Read or make the secret of an embedded database, in a file that only its owner can read."""
    path = database.with_name(f"{database.name}.secret")
    if not database.parent.is_dir():
        msg = f"the folder of the database does not exist: {database.parent}"
        raise UsageError(msg)
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SHORTEST_SECRET))
        say(
            f"CADASTRA_SECRET is not set: made one and kept it in {path.name} beside the database; keep them together"
        )
    return path.read_text(encoding="ascii")
