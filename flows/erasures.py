"""Whom the bank erased (LGPD) and may not serve again: keyed hashes, compared without keeping a tax id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from customers.pseudonyms import person_ids

if TYPE_CHECKING:
    from collections.abc import Sequence


def tombstones(tax_ids: pa.Array, secret: str) -> pa.Array:
    """Return what an erasure leaves of each tax id: a keyed hash that is no person_id; null stays null.

    >>> made = tombstones(pa.array(["12345678909", None]), "an invented secret of enough characters")
    >>> len(made[0].as_py()), made[1].as_py()
    (32, None)
    """
    hashes = person_ids(pc.binary_join_element_wise("erased", tax_ids, ":"), secret)
    return pc.if_else(pc.is_valid(tax_ids), hashes, pa.scalar(None, pa.string()))


def are_erased(tax_ids: pa.Array, erased: Sequence[str], secret: str) -> pa.BooleanArray:
    """Say of each tax id whether it may not be served; ``erased`` is what ``Store.erased_persons`` returns.

    >>> secret = "an invented secret of enough characters"
    >>> erased = tombstones(pa.array(["12345678909"]), secret).to_pylist()
    >>> are_erased(pa.array(["12345678909", "98765432100", None]), erased, secret).to_pylist()
    [True, False, False]
    """
    if not erased:
        return pa.repeat(pa.scalar(False), len(tax_ids))  # noqa: FBT003 (Arrow's value)
    return pc.is_in(tombstones(tax_ids, secret), pa.array(erased, pa.string()))
