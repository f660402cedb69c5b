"""Say whether a secret is the one that the customer ids of a database were made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.pseudonyms import customer_ids
from sql.whose import ONE_SERVED, ONE_STORED

if TYPE_CHECKING:
    from collections.abc import Callable

    Query = Callable[[str], list[dict[str, Any]]]


def is_secret_of(query: Query, secret: str) -> bool | None:
    """Hold a secret against what is served, else against what was; None where nothing was ever published.

    One document will do: no run writes any under another secret.
    """
    for statement in (ONE_SERVED, ONE_STORED):
        for row in query(statement):
            made: object = customer_ids(pa.array([row["core_key"]]), secret)[0].as_py()
            return made == str(row["customer_id"])
    return None
