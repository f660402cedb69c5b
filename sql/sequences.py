"""Numbers that no two callers get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from sql.tables import sequences

if TYPE_CHECKING:
    from sqlalchemy import Connection


def reserve(connection: Connection, name: str, size: int) -> int:
    """Take the next ``size`` numbers for this caller alone; those of a call that fails later are left out."""
    statement = (
        update(sequences)
        .where(sequences.c.name == name)
        .values(next_id=sequences.c.next_id + size)
        .returning(sequences.c.next_id)
    )
    after: int = connection.scalars(statement).one()
    return after - size
