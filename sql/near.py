"""What is served and remembered of some registers and of their persons: all that a delta can touch.

Near are the documents of the registers, those of the persons that they belong to now, and those of the persons that
they belonged to in any document stored. What is found may be more than that, never less.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import Column, MetaData, Table, Text

from sql import fingerprints, serving
from sql.bulk import append, read
from sql.engine import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


def _wanted(name: str, column: str) -> Table:
    return Table(name, MetaData(), Column(column, Text, nullable=False), prefixes=["TEMPORARY"])


_KEYS = _wanted("near_keys", "core_key")
_IDS = _wanted("near_ids", "customer_id")
_TAX_IDS = _wanted("near_tax_ids", "tax_id")
_PERSONS = _wanted("near_persons", "person_id")
_ALL = (_KEYS, _IDS, _TAX_IDS, _PERSONS)
_CUSTOMER_IDS = pa.schema({"customer_id": pa.string()})
OF_IDS = "SELECT customer_id FROM near_ids"
OF_TAX_IDS = "SELECT tax_id FROM near_tax_ids"
_FORMER = """
    INSERT INTO near_tax_ids
    SELECT DISTINCT d.tax_id FROM near_ids AS i JOIN documents AS d ON d.customer_id = i.customer_id
    WHERE d.tax_id IS NOT NULL
"""
_STATES = f"""
    {serving.STATES} WHERE tax_id {{of_tax_ids}}
    UNION
    {serving.STATES} WHERE person_id {{of_persons}}
"""


class Near:
    """Reads what is near, and gives it as ``Store`` gives everything."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection on which the temporary tables are filled."""
        self._connection = connection

    def each_served(self, version: str) -> Iterator[pa.Table]:
        """Return documents being served of all structures: ``sql.serving.SERVED_OF_ALL``."""
        # Either key tells where documents are, and no page of theirs is read before all of them are known.
        of_ids, of_tax_ids = (one_of(self._connection, query) for query in (OF_IDS, OF_TAX_IDS))
        among = f"(customer_id {of_ids} OR tax_id {of_tax_ids})"
        return serving.served_of_all(self._connection, version, among)

    def each_customer_state(self) -> Iterator[pa.Table]:
        """Return the present state of persons: ``sql.serving.CUSTOMERS``."""
        of_tax_ids = one_of(self._connection, OF_TAX_IDS)
        of_persons = one_of(self._connection, "SELECT person_id FROM near_persons")
        statement = _STATES.format(of_tax_ids=of_tax_ids, of_persons=of_persons)
        return serving.customer_states(self._connection, statement)

    def each_fingerprint(self) -> Iterator[pa.Table]:
        """Return the last published fingerprints of the registers: ``sql.fingerprints.FINGERPRINTS``."""
        among = one_of(self._connection, "SELECT core_key FROM near_keys")
        return fingerprints.last(self._connection, f"f.core_key {among}")


def served_among(connection: Connection, customer_ids: pa.Array) -> pa.Array:
    """Return under which of some customer ids anything is served, of any version."""
    if len(customer_ids) == 0:
        return customer_ids
    _IDS.create(connection)
    append(connection, _IDS, pa.table([customer_ids], names=_CUSTOMER_IDS.names))
    connection.exec_driver_sql(f"ANALYZE {_IDS.name}")
    among = one_of(connection, OF_IDS)
    statement = f"SELECT DISTINCT customer_id FROM served WHERE customer_id {among}"  # noqa: S608 (our own words)
    found = read(connection, statement, _CUSTOMER_IDS, {})
    _IDS.drop(connection)
    return found["customer_id"].combine_chunks()


@contextmanager
def near(
    engine: Engine, core_keys: pa.Array, customer_ids: pa.Array, tax_ids: pa.Array, person_ids: pa.Array
) -> Iterator[Near]:
    """Look around some registers, by both names, the persons that they belong to now, and persons by their id."""
    with engine.connect() as connection:
        for table, values in zip(_ALL, (core_keys, customer_ids, tax_ids, person_ids), strict=True):
            table.create(connection)
            append(connection, table, pa.table([values.drop_null().unique()], names=table.columns.keys()))
        connection.exec_driver_sql(_FORMER)
        for table in _ALL:
            connection.exec_driver_sql(f"ANALYZE {table.name}")
        yield Near(connection)
        for table in _ALL:
            table.drop(connection)
