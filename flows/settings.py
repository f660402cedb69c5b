"""Settings from the environment (``CADASTRA_…``) or a ``.env`` file; a secret is never shown."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, HttpUrl, NonNegativeFloat, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from customers.errors import UsageError
from flows.delays import RETRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

# What a bank may want notices of.
Event = Literal["failure", "held", "threshold"]
EVENTS: tuple[Event, ...] = ("failure", "held", "threshold")
SHORTEST_SECRET = 32
_SQLITE = "sqlite:///"
# Secrets made by this process and not kept yet, by file: every job on a database has the same one.
_new: dict[Path, str] = {}
_FIELD = re.compile('field "([a-z_]+)"')


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
    bucket_size: int = Field(default=35_000, ge=1)
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    spill: str | None = None
    scheduler: str | None = None
    docs: Path | None = None
    exports: Path | None = None
    patience_minutes: float = Field(default=30, ge=0)
    log_json: str | None = None
    metrics: Path | None = None
    retry_seconds: list[NonNegativeFloat] = Field(default=list(RETRY_SECONDS))
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
    except SettingsError as problem:
        named = _FIELD.search(str(problem))
        msg = f"setting is no JSON: CADASTRA_{named[1].upper() if named else '...'}"
        raise UsageError(msg) from None
    return settings if database_url is None else settings.model_copy(update={"database_url": database_url})


def secret_of(settings: Settings, say: Callable[[str], None]) -> str:
    """Return the institution's secret; beside an embedded database that has none, a new one that ``keep_secret`` keeps.

    Raises UsageError when a server database is used without CADASTRA_SECRET, UnreadableInput for a database that
    nothing could open.
    """
    if settings.secret is not None and settings.secret.get_secret_value():
        secret = settings.secret.get_secret_value()
        if len(secret) < SHORTEST_SECRET:
            say(f"warning: CADASTRA_SECRET has fewer than {SHORTEST_SECRET} characters")
        return secret
    path = _secret_file(settings.database_url)
    if path is None:
        from sql.engine import target_of  # noqa: PLC0415 (heavy)

        target_of(settings.database_url)
        msg = "CADASTRA_SECRET is not set: customer ids on a server need a secret that outlives this machine"
        raise UsageError(msg)
    if not path.parent.is_dir():
        msg = f"the folder of the database does not exist: {path.parent}"
        raise UsageError(msg)
    return _read_secret(path) if path.exists() else _new.setdefault(path, secrets.token_hex(SHORTEST_SECRET))


def keep_secret(database_url: str, secret: str, say: Callable[[str], None]) -> None:
    """Keep a secret that ``secret_of`` made, in a file that only its owner can read; any other is kept already.

    Raises UsageError where the file cannot be written, or another process made a secret meanwhile.
    """
    path = _secret_file(database_url)
    if path is None or _new.get(path) != secret:
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        msg = f"another process has just made the secret {path}: try again"
        raise UsageError(msg) from None
    except OSError as problem:
        msg = f"CADASTRA_SECRET is not set, and none can be kept in {path}: {problem.strerror}"
        raise UsageError(msg) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    del _new[path]
    say(
        f"CADASTRA_SECRET is not set: made one and kept it in {path.name} beside the database; keep them together"
    )


def known_secret(settings: Settings) -> str | None:
    """Return the institution's secret without making one; None where there is none yet."""
    if settings.secret is not None and settings.secret.get_secret_value():
        return settings.secret.get_secret_value()
    path = _secret_file(settings.database_url)
    return _read_secret(path) if path is not None and path.exists() else None


def _secret_file(database_url: str) -> Path | None:
    """Return where the secret of an embedded database is; None for a server's."""
    if not database_url.startswith(_SQLITE):
        return None
    database = Path(database_url.removeprefix(_SQLITE).split("?")[0])
    return database.with_name(f"{database.name}.secret")


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as problem:
        msg = f"the secret {path} cannot be read: {getattr(problem, 'strerror', None) or 'it is not ASCII'}"
        raise UsageError(msg) from None
