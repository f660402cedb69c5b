"""What a worker of a Dask cluster does with a bucket; importing this module imports all that a bucket needs.

A worker is started with ``--preload flows.cluster_member``, so that its first bucket does not wait for the imports.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, TypedDict

from customers.errors import CadastraError, MayPass, UsageError
from expectations.verdict import warm_up
from flows import crew_member
from flows.logs import log, log_to
from flows.sealed_terms import unseal
from flows.settings import load_settings
from sql.engine import target_of
from sql.failures import told
from sql.transient import may_pass

if TYPE_CHECKING:
    from flows.bucket import Terms


class Told(TypedDict):
    """Say what a bucket came to: what the ledger keeps of it, and the seconds of each stage. No customer's value."""

    outcome: str
    seconds: dict[str, float]


warm_up()
# However many threads a worker has: a bucket's memory is to be there once.
_busy = Lock()
_accepted: dict[str, Terms] = {}


def work_on(place: str, number: int) -> Told:
    """Work through one bucket of the terms at a place and write it, unless that was done before.

    Raises CadastraError, and MayPass where the database may do it another time. The words of what is unforeseen are
    withheld: they would go to Prefect, and may quote a customer's value.
    """
    with _busy:
        try:
            return _work_on(place, number)
        except CadastraError:
            raise
        except Exception as problem:  # noqa: BLE001 (raised again, as far as it may be told)
            raise _withheld(problem).with_traceback(problem.__traceback__) from None


def _work_on(place: str, number: int) -> Told:
    if place not in _accepted:
        _accepted.clear()
        _accepted[place] = _accept(place)
    terms = _accepted[place]
    about = {"run_id": terms.run_id, "bucket": number + 1, "process": os.getpid()}
    done = crew_member.store_of(terms.database_url).outcome_of(terms.run_seq, number)
    if done is not None:
        log.info("bucket was written before", **about)
        return {"outcome": done, "seconds": {}}
    log.info("bucket begun", **about)
    outcome, _ = crew_member.do_bucket(terms, number)
    log.info("bucket written", **about, bytes_read=outcome.bytes_read, bytes_written=outcome.bytes_written)
    return {"outcome": outcome.as_json(), "seconds": outcome.seconds}


def _accept(place: str) -> Terms:
    """Read the terms of a run and make ready."""
    settings = load_settings()
    secret = "" if settings.secret is None else settings.secret.get_secret_value()
    if not secret or target_of(settings.database_url).get_backend_name() != "postgresql":
        raise UsageError("CADASTRA_SECRET and CADASTRA_DATABASE_URL are not set for a worker")
    if settings.log_json:
        log_to(settings.log_json)
    terms = unseal(place, secret, settings.database_url)
    if crew_member.store_of(terms.database_url).state_of(terms.run_id) != "running":
        raise UsageError("a worker's CADASTRA_DATABASE_URL is not that of the run, or the run has ended")
    return terms


def _withheld(problem: Exception) -> CadastraError:
    said = (
        told(problem) or f"defect: {type(problem).__name__} (its text is withheld: it may hold customer data)"
    )
    return MayPass(said) if may_pass(problem) else CadastraError(said)
