"""Take consents over from a file: valid ones are written in one transaction, the others reported by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import Column, MetaData, Table, Text

from sql.bulk import append
from sql.consent_files import read_consents
from sql.engine import open_engine, writing
from sql.store import open_store
from sql.tables import consents

if TYPE_CHECKING:
    from pathlib import Path

    from customers.consents import Consent
    from sql.consent_files import Refused

_COLUMNS = tuple(column.name for column in consents.columns)
_FACTS = tuple(name for name in _COLUMNS if name not in {"consent_id", "imported_at"})
_INCOMING = Table(
    "incoming_consents", MetaData(), *(Column(name, Text) for name in _COLUMNS), prefixes=["TEMPORARY"]
)
# Without WHERE, SQLite would take ON for the condition of a join.
_TAKE_OVER = f"""
    INSERT INTO consents ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM incoming_consents WHERE true
    ON CONFLICT (consent_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in (*_FACTS, "imported_at"))}
    WHERE {" OR ".join(f"consents.{name} IS DISTINCT FROM excluded.{name}" for name in _FACTS)}
"""  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class ConsentImport:
    """What became of a file: ``written`` were new or changed; a line may be refused for several reasons."""

    read: int
    written: int
    unchanged: int
    refused: tuple[Refused, ...]


def import_consents(url: str, file: Path, moment: str) -> ConsentImport:
    """Write the valid consents of a file (CSV or JSON lines) at a moment (UTC text); the last of an id wins.

    Raise UnreadableInput where the file or the database cannot be read.
    """
    accepted, refused = read_consents(file)
    last = list({consent.consent_id: consent for consent in accepted}.values())
    open_store(url).close()  # brings the tables up to date
    written = _write(url, last, moment)
    read = len(accepted) + len({each.line for each in refused})
    return ConsentImport(read, written, len(last) - written, tuple(refused))


def _write(url: str, accepted: list[Consent], moment: str) -> int:
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            _INCOMING.create(connection)
            append(connection, _INCOMING, _table(accepted, moment))
            written = connection.exec_driver_sql(_TAKE_OVER).rowcount
            _INCOMING.drop(connection)
    finally:
        engine.dispose()
    return written


def _table(accepted: list[Consent], moment: str) -> pa.Table:
    rows = [
        {
            "consent_id": consent.consent_id,
            "tax_id": consent.tax_id,
            "kind": consent.kind,
            "status": consent.status,
            "permissions": " ".join(sorted(consent.permissions)),
            "joint_approval": consent.joint_approval,
            "expires_at": consent.expires_at,
            "imported_at": moment,
        }
        for consent in accepted
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in _COLUMNS]))
