"""What a run remembers of the persons it worked on, so that the next one need not work on them again."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import customers
import expectations
from customers.unread import is_unread
from expectations.severity import severities
from flows.aside import REASONS
from mappings.profile import PortabilitiesReceived
from mappings.version import mapping_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from flows.draft import Draft
    from flows.judging import Judged
    from mappings.core import Core
    from mappings.partition import Partition
    from mappings.staging import Bucket

_MONTHS = 5 * 12
_NEVER = np.iinfo(np.int64).max


@cache
def rules_version() -> str:
    """Hash the vocabulary and the checks: code, dictionaries, rules, severities."""
    digest = hashlib.sha256()
    for package in (customers, expectations):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def made_by(core: Core, version: str, secret: str, day: date) -> str:
    """Name all that decides, beside the rows, what a person's documents say and whether they pass.

    ``day`` counts only by the exceptions of the severity table that no longer hold.
    """
    keyed = hashlib.blake2b(
        b"fingerprint", key=hashlib.sha256(secret.encode()).digest(), digest_size=16
    ).hexdigest()
    return "|".join(
        (mapping_version(core), repr(core), rules_version(), version, keyed, repr(severities(day).expired))
    )


class Memory:
    """Collect whose documents need not be made again from the same rows, and whose must be."""

    def __init__(self, plan: Partition, marks: NDArray[np.int64], secret: str) -> None:
        self._plan, self._marks, self._secret = plan, marks, secret
        self._parts: list[pa.Table] = []
        self._judged: list[pa.Array] = []

    def note(self, bucket: Bucket, judged: Sequence[Judged], states: pa.Table, siblings: pa.Array) -> None:
        """Remember the persons of a bucket in whom nothing was found and none of whose registers is missing.

        ``states`` are those of ``flows.availability.availability``, one row per person in order of number.
        """
        registers = bucket.registers
        if len(registers) == 0:
            return
        keys, person = registers.core_keys, registers.person
        refs = _column([part.findings for part in judged], "customer_ref")
        ids, own_refs = registers.named(self._secret)
        found = _mask(pc.is_in(own_refs, pc.unique(refs)))
        found |= _mask(pc.is_in(registers.tax_ids, siblings, skip_nulls=True))
        found[[again.register for again in bucket.duplicates]] = True
        found |= _mask(pc.is_in(keys, self._wrongly_placed()))
        spoilt = np.zeros(len(states), bool)
        spoilt[person[found]] = True
        kept = ~spoilt[person]
        place = pc.index_in(keys, self._plan.keys).to_numpy(zero_copy_only=False).astype(np.int64)
        rows = {
            "core_key": keys,
            "fingerprint": pa.array(self._marks[place]),
            "valid_until": _texts(
                _valid_until(bucket, len(states), self._plan.export.control.business_date)[person]
            ),
            "excluded": self._reasons(ids, judged),
            "availability": states["availability"].combine_chunks().take(pa.array(person)),
        }
        self._parts.append(pa.table(rows).filter(pa.array(kept)))
        self._judged.append(keys)

    def write(self, draft: Draft, altered: Sequence[pa.Array]) -> None:
        """Draft everything, with who is not: refused, of no known kind, or ``altered`` without being judged."""
        kept = _column(self._parts, "core_key")
        if self._parts:
            draft.write_fingerprints(pa.concat_tables(self._parts))
        touched = pc.unique(pa.concat_arrays([*self._judged, *altered, self._plan.unplaced]))
        draft.forget(touched.filter(pc.invert(pc.is_in(touched, pc.unique(kept)))), gone=False)

    def _wrongly_placed(self) -> pa.Array:
        """Return the registers with rows that say something about the other kind of person: told anew in each run."""
        strays = (stray.core_key for stray in self._plan.strays if stray.reason == "wrong-kind")
        return pa.array(list(strays), pa.string())

    @staticmethod
    def _reasons(ids: pa.Array, judged: Sequence[Judged]) -> pa.Array:
        texts = pa.repeat(pa.scalar(""), len(ids))
        for reason, people in zip(
            REASONS.values(), ([part.gone for part in judged], [part.kept for part in judged]), strict=True
        ):
            without = pc.is_in(ids, _column(people, "customer_id"))
            texts = pc.binary_join_element_wise(texts, pc.if_else(without, reason, ""), " ")
        return pc.utf8_trim_whitespace(texts)


def _valid_until(bucket: Bucket, persons: int, day: date) -> NDArray[np.int64]:
    """Return the last day (days since 1970) on which each person's portabilities are all still sent, or _NEVER.

    A portability approved on a 29 February is taken to end a day early, at worst.
    """
    until = np.full(persons, _NEVER, np.int64)
    staged = bucket.tables[PortabilitiesReceived]
    text = staged.columns["portability_approval_date"]
    readable = ~_mask(pc.fill_null(is_unread(text), True))  # noqa: FBT003 (Arrow's fill value)
    if not readable.any():
        return until
    days = (
        text.filter(pa.array(readable))
        .cast(pa.date32())
        .to_numpy(zero_copy_only=False)
        .astype("datetime64[D]")
    )
    month = days.astype("datetime64[M]")
    later = month + np.timedelta64(_MONTHS, "M")
    last = (later + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    ends = np.minimum(later.astype("datetime64[D]") + (days - month.astype("datetime64[D]")), last)
    ahead = ends >= np.datetime64(day)  # what has ended will not begin again
    owner = bucket.registers.person[staged.register[readable]]
    np.minimum.at(until, owner[ahead], ends[ahead].astype(np.int64))
    return until


def _texts(days: NDArray[np.int64]) -> pa.Array:
    dates = pa.array(np.where(days == _NEVER, 0, days).astype(np.int32)).cast(pa.date32())
    return pc.if_else(pa.array(days == _NEVER), pa.scalar(None, pa.string()), dates.cast(pa.string()))


def _column(tables: Sequence[pa.Table], name: str) -> pa.ChunkedArray:
    return pa.chunked_array([chunk for table in tables for chunk in table[name].chunks], pa.string())


def _mask(values: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return np.array(whole.to_numpy(zero_copy_only=False), bool)
