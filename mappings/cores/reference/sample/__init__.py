"""An invented export of the reference core, of any size: every kind of dirt and, if wanted, known defects."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mappings.cores.reference.sample.bad import spoil
from mappings.cores.reference.sample.batches import SIZE, draw_batch
from mappings.cores.reference.sample.delta import draw_delta
from mappings.cores.reference.sample.draw import Draw
from mappings.cores.reference.sample.export import write_control, write_tables, write_truth
from mappings.cores.reference.sample.kinds import PROSE_KINDS, SCHEMA_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mappings.cores.reference.sample.bad import BadKind, Truth
    from mappings.cores.reference.sample.export import Format
    from mappings.cores.reference.sample.layout import Batch

__all__ = ["SampleSummary", "write_sample"]

_EPOCH = dt.date(1970, 1, 1)
# Streams of random numbers: a batch's own content has [seed, first].
_BAD_STREAM, _DELTA_STREAM = 1, 2


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """Count what was written: rows per table, and the registers with a defect."""

    rows: dict[str, int]
    bad_registers: int


@dataclass(frozen=True, slots=True)
class _Order:
    """Hold what both kinds of export are made from; ``truths`` fills while batches are drawn."""

    seed: int
    bad: float
    today: int
    kinds: tuple[BadKind, ...]
    truths: list[Truth] = field(default_factory=list)

    def draw(self, *stream: int) -> Draw:
        return Draw(np.random.default_rng([self.seed, *stream]), self.today)


def write_sample(  # noqa: PLR0913 (one parameter per option of the command line)
    out: Path,
    *,
    customers: int,
    seed: int,
    bad: float = 0.0,
    date: dt.date,
    format: Format = "csv",  # noqa: A002 (the name of the option)
    delta_of: Path | None = None,
    changed: float = 0.0,
) -> SampleSummary:
    """Write an invented export of ``customers`` registers to the folder ``out``; same arguments, same bytes.

    ``bad``: the share of the registers that get one defect each; ``_verdade.csv`` lists what their documents
    break. ``delta_of``: an earlier sample; a share ``changed`` of its persons comes again, changed, and
    ``customers`` is not looked at. Raises ValueError for arguments that make no sense together,
    FileNotFoundError where the earlier sample lacks a table.
    """
    _validate(customers, seed, bad, changed)
    if delta_of is None and changed:
        raise ValueError("a share of changed customers needs an earlier sample")
    if delta_of is not None and delta_of.resolve() == out.resolve():
        raise ValueError("a delta cannot replace the sample that it is made from")
    kinds = tuple(kind for kind in (*SCHEMA_KINDS, *PROSE_KINDS) if format == "csv" or not kind.text_only)
    order = _Order(seed, bad, (date - _EPOCH).days, kinds)
    batches: Iterable[Batch]
    batches = _full(customers, order) if delta_of is None else _delta(delta_of, changed, order)
    tables = write_tables(out, batches, format)
    write_control(out, tables, "full" if delta_of is None else "delta", date)
    write_truth(out, order.truths)
    return SampleSummary(
        rows={name: table.rows for name, table in tables.items()},
        bad_registers=len({truth.key for truth in order.truths}),
    )


def _validate(customers: int, seed: int, bad: float, changed: float) -> None:
    if customers < 1 or seed < 0:
        raise ValueError("a sample needs one customer at least and a seed that is not negative")
    if not (0 <= bad <= 1 and 0 <= changed <= 1):
        raise ValueError("shares lie between 0 and 1")


def _full(customers: int, order: _Order) -> Iterator[Batch]:
    for first in range(0, customers, SIZE):
        size = min(SIZE, customers - first)
        batch = draw_batch(first, size, order.seed, order.today)
        wanted = round(order.bad * (first + size)) - round(order.bad * first)
        order.truths.extend(spoil(batch, order.kinds, wanted, order.draw(first, _BAD_STREAM)))
        yield batch


def _delta(folder: Path, changed: float, order: _Order) -> list[Batch]:
    batch, old = draw_delta(folder, changed, order.draw(order.today, _DELTA_STREAM))
    refused = {truth.key for truth in old}
    sound = np.array([key not in refused for key in batch.keys.to_pylist()], np.bool_)
    wanted = round(order.bad * len(batch))
    new = spoil(batch, order.kinds, wanted, order.draw(order.today, _BAD_STREAM), sound)
    order.truths.extend([*old, *new])
    return [batch]
