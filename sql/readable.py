"""Say before serving begins whether a database can be served from."""

from __future__ import annotations

from pathlib import Path

from customers.errors import UnreadableInput
from sql.engine import open_engine, target_of
from sql.migrate import at_head


def check_readable(url: str) -> None:
    """Connect once, writing nothing; raise UnreadableInput where that fails or the tables are not up to date."""
    target = target_of(url)
    if target.drivername.startswith("sqlite") and not Path(target.database or "").is_file():
        message = f"there is no database {target.database}: publish a run or call `cadastra db upgrade` first"
        raise UnreadableInput(message)
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            if not at_head(connection):
                message = "the tables of the database are not up to date: run `cadastra db upgrade`"
                raise UnreadableInput(message)
    finally:
        engine.dispose()
