"""The views of the serving database: one file each, the same text on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from customers.structures import STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_FOLDER = Path(__file__).parent


def create_views(connection: Connection) -> None:
    """Create every view, each after those it reads."""
    for statement in _statements():
        connection.exec_driver_sql(statement)


def _statements() -> Iterator[str]:
    for name in ("periods", "refused_now", "served"):
        yield _text(name)
    for structure in STRUCTURES:
        yield _text("structure").format(structure=structure.name)
    for name in ("customers", "history"):
        yield _text(name)


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
