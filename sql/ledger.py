"""The ledger of runs: how they begin, become visible, end and are listed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlalchemy import delete, insert, select, update

from customers.errors import CadastraError
from sql.tables import publications, rule_results, run_buckets, run_counts, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, RowMapping

RunKind = Literal["full", "delta", "rollback", "release", "quality"]
Ending = Literal["failed", "held", "cancelled", "judged"]
_OPEN = ("running", "held")


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known of a run when it begins; ``batch_id`` names the export by its content.

    ``resume_key`` names all that decides what the run writes: one with the same key may go on with it.
    """

    run_id: str
    flow: str
    core: str
    kind: RunKind
    started_at: str
    business_date: str | None = None
    generated_at: str | None = None
    mapping_version: str | None = None
    batch_id: str | None = None
    export: str | None = None
    resume_key: str | None = None


@dataclass(frozen=True, slots=True)
class RunCount:
    """What became of the registers of one structure in one run.

    ``skipped``: of the unchanged, documents that were not judged again; no rule failed when they were last judged.
    """

    structure: str
    read: int
    published_new: int = 0
    published_changed: int = 0
    unchanged: int = 0
    rejected_stale: int = 0
    rejected_unserved: int = 0
    excluded: int = 0
    withdrawn: int = 0
    excluded_reasons: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0


def claim(connection: Connection, run_seq: int) -> None:
    """Keep a run from being published until this transaction ends.

    Raise CadastraError unless the run is running: what is written for it later would be seen at once.
    """
    statement = select(runs.c.state).where(runs.c.run_seq == run_seq).with_for_update(read=True)
    if connection.scalars(statement).one_or_none() != "running":
        message = f"run number {run_seq} is not running: nothing can be written for it"
        raise CadastraError(message)


def begin(connection: Connection, run: RunStart) -> int:
    """Record a run as running and return its number."""
    statement = insert(runs).values(**asdict(run), state="running").returning(runs.c.run_seq)
    run_seq: int = connection.scalars(statement).one()
    return run_seq


def publish(
    connection: Connection,
    run_seq: int,
    finished_at: str,
    counts: Mapping[str, object],
    rolled_back: Iterable[int],
) -> None:
    """Make everything of a run visible.

    Raise CadastraError unless the run is running or held, and where a later one was published before it: what it
    has to say was held against what was served when it began.
    """
    if connection.scalars(
        select(publications.c.run_seq).where(publications.c.run_seq > run_seq).limit(1)
    ).first():
        message = (
            f"run number {run_seq} cannot be published: a later run was published since; run the export again"
        )
        raise CadastraError(message)
    run_id = _end(connection, run_seq, "published", finished_at, counts)
    connection.execute(insert(publications).values(run_seq=run_seq, run_id=run_id, published_at=finished_at))
    undone = update(runs).where(runs.c.run_seq.in_(list(rolled_back))).values(state="rolled_back")
    connection.execute(undone)


def finish(
    connection: Connection, run_seq: int, state: Ending, finished_at: str, counts: Mapping[str, object]
) -> None:
    """Record that a run ended unpublished; raise CadastraError unless the run is running or held."""
    _end(connection, run_seq, state, finished_at, counts)


def write_counts(connection: Connection, run_id: str, counts: Iterable[RunCount]) -> None:
    """Record what became of the registers of each structure."""
    rows = [
        {**asdict(count), "run_id": run_id, "excluded_reasons": _json(count.excluded_reasons)}
        for count in counts
    ]
    if rows:
        connection.execute(insert(run_counts), rows)


def counts_kept(connection: Connection, run_seq: int) -> dict[str, object]:
    """Return what a run's record says it came to."""
    counts = connection.scalars(select(runs.c.counts).where(runs.c.run_seq == run_seq)).one()
    return dict(json.loads(counts or "{}"))


def take_back(connection: Connection, run_seq: int) -> None:
    """Delete the counts and the verdicts of a run that is not at its end."""
    run_id = run_id_of(connection, run_seq)
    for table in (run_counts, rule_results):
        connection.execute(delete(table).where(table.c.run_id == run_id))


def run_id_of(connection: Connection, run_seq: int) -> str:
    """Return the id of a run that began; raise CadastraError where there is none."""
    run_id = connection.scalars(select(runs.c.run_id).where(runs.c.run_seq == run_seq)).one_or_none()
    if run_id is None:
        message = f"no run has the number {run_seq}"
        raise CadastraError(message)
    return str(run_id)


def newest(connection: Connection, limit: int) -> list[dict[str, object]]:
    """List the runs, newest first, ``counts`` as a mapping."""
    rows = connection.execute(select(runs).order_by(runs.c.run_seq.desc()).limit(limit)).mappings()
    return [_parsed(row, "counts") for row in rows]


def counts_of(connection: Connection, run_id: str) -> list[dict[str, object]]:
    """List what became of the registers of each structure in one run, ``excluded_reasons`` as a mapping."""
    statement = select(run_counts).where(run_counts.c.run_id == run_id).order_by(run_counts.c.structure)
    return [_parsed(row, "excluded_reasons") for row in connection.execute(statement).mappings()]


def _end(
    connection: Connection, run_seq: int, state: str, finished_at: str, counts: Mapping[str, object]
) -> str:
    statement = (
        update(runs)
        .where(runs.c.run_seq == run_seq, runs.c.state.in_(_OPEN))
        .values(state=state, finished_at=finished_at, counts=_json(counts))
        .returning(runs.c.run_id)
    )
    run_id = connection.scalars(statement).one_or_none()
    if run_id is None:
        message = f"run number {run_seq} is neither running nor held: it cannot become {state}"
        raise CadastraError(message)
    connection.execute(delete(run_buckets).where(run_buckets.c.run_seq == run_seq))
    return str(run_id)


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(dict(values), ensure_ascii=False, sort_keys=True)


def _parsed(row: RowMapping, column: str) -> dict[str, object]:
    return {**row, column: None if row[column] is None else json.loads(row[column])}
