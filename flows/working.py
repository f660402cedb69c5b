"""Work through the buckets of an export: all that a run has to say is written unseen."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc

from customers.pseudonyms import customer_ids
from flows.aside import batch_of
from flows.bucket import Terms, work_through
from flows.bucket_outcome import Outcome, together
from flows.differences import Differences
from flows.job import now
from flows.logs import log
from flows.neighbours import Remainder, ServedBefore, reader
from flows.retrying import persist
from flows.standing import spill_standing
from mappings.spill import open_file, remove_file
from sql.order import NEWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flows.cluster import Cluster
    from flows.crew import Crew
    from flows.extracting import Extracted
    from flows.job import Job
    from flows.judging import Stopwatch
    from sql.store import Store


@dataclass(frozen=True, slots=True)
class Worked:
    """Hold what the buckets of a run came to; ``served`` counts the documents before, by structure.

    ``resumed`` of the ``buckets`` were finished by a process that died.
    """

    outcome: Outcome
    served: Mapping[str, int]
    buckets: int
    resumed: int
    differences: dict[str, Any] | None = None


def work(  # noqa: PLR0913, PLR0917 (all that a run knows)
    job: Job,
    store: Store,
    run_seq: int,
    extracted: Extracted,
    watch: Stopwatch,
    crew: Crew | Cluster | None = None,
) -> Worked:
    """Write everything that a run has to say, unseen; without a crew this process does all of it."""
    terms = _terms(job, store, run_seq, extracted)
    watch.lap("compare")
    differences = Differences(store) if job.rehearse else None
    finished = {number: Outcome.from_json(text) for number, text in store.finished_buckets(run_seq).items()}
    missing = [number for number in range(terms.count) if number not in finished]
    if crew is None:
        done = _in_this_process(terms, missing, store, differences)
    else:
        done = _by_crew(terms, missing, store, crew)
    for number, outcome in done:
        finished[number] = outcome
        log.info(
            "bucket done",
            bucket=number + 1,
            of=terms.count,
            registers=outcome.customers,
            bytes_read=outcome.bytes_read,
            bytes_written=outcome.bytes_written,
        )
        job.tell("map, check, nest", len(finished) / terms.count)
        for stage, seconds in outcome.seconds.items():
            watch.seconds[stage] += seconds
    watch.skip()
    unchanged = [] if extracted.sifted is None else [extracted.sifted.outcome]
    return Worked(
        together([*finished.values(), *unchanged]),
        _served_before(terms, store, whole=extracted.control.kind == "full" and not unchanged),
        terms.count,
        terms.count - len(missing),
        None if differences is None else differences.as_data(),
    )


def _served_before(terms: Terms, store: Store, *, whole: bool) -> Mapping[str, int]:
    """Count what is served, where not all of it was read only if somebody asks."""
    if whole:
        return {name: spilled.rows for name, spilled in terms.standing.served.items()}
    return ServedBefore(store, terms.version)


def _in_this_process(
    terms: Terms, numbers: list[int], store: Store, differences: Differences | None
) -> Iterator[tuple[int, Outcome]]:
    for number in numbers:
        draft, outcome = work_through(terms, number, store, differences)
        _write(terms, number, store, draft.rows(), outcome)
        del draft  # or its documents would be here until the next ones are
        yield number, outcome


def _by_crew(
    terms: Terms, numbers: list[int], store: Store, crew: Crew | Cluster
) -> Iterator[tuple[int, Outcome]]:
    for number, (outcome, kept) in crew.do(terms, numbers):
        if not terms.workers_write:
            rows = {name: ipc.open_file(open_file(place, "rb")).read_all() for name, place in kept.items()}
            _write(terms, number, store, rows, outcome)
            for place in kept.values():
                remove_file(place)
        yield number, outcome


def _write(terms: Terms, number: int, store: Store, rows: Mapping[str, pa.Table], outcome: Outcome) -> None:
    began = perf_counter()
    persist(lambda: store.write_bucket(terms.run_seq, number, rows, outcome.as_json()))
    outcome.seconds["write"] = perf_counter() - began


def _terms(job: Job, store: Store, run_seq: int, extracted: Extracted) -> Terms:
    batch = batch_of(job.core, job.version, extracted.control)
    newer = NEWER.empty_table() if job.replay else store.newer(batch)
    with reader(store, extracted, job.core, job.secret) as source:
        standing = spill_standing(
            source, extracted.directory, job.version, newer, job.secret, extracted.folder
        )
        silent = source.silent() if isinstance(source, Remainder) else pa.array([], pa.string())
    ids = customer_ids(silent, job.secret)
    return Terms(
        run_id="" if job.rehearse else store.run_id_of(run_seq),  # a rehearsal is no run
        run_seq=run_seq,
        core=job.core,
        place=extracted.place,
        control=extracted.control,
        secret=job.secret,
        version=job.version,
        moment=now(),
        count=extracted.directory.count,
        full_remap=job.full_remap,
        tables=extracted.tables,
        standing=standing,
        gone=silent.filter(pc.invert(pc.is_in(ids, store.served_among(ids)))),
        erased=tuple(store.erased_persons()),
        outdated=not job.replay and store.is_older_than_full(batch),
        has_retired=store.has_retired(),
        database_url=job.database_url,
        workers_write=store.engine.dialect.name == "postgresql",
        folder=extracted.folder,
    )
