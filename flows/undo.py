"""Undo, look back, clean up and erase: what the command line does to the serving database outside runs."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.brazil import cnpj, cpf
from customers.errors import UsageError
from customers.pseudonyms import customer_ids, customer_refs, person_ids
from customers.structures import BY_NAME
from flows.erasures import tombstones
from flows.ledger_views import show_table
from flows.pipeline import new_run_id
from flows.reporting import say, show_json
from flows.settings import keep_secret, known_secret, load_settings, secret_of
from flows.whose import is_secret_of
from sql import erasure, history
from sql.lock import hold
from sql.purge import purge
from sql.release import release
from sql.rollback import rollback
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flows.settings import Settings
    from sql.erasure import Erased
    from sql.store import Store

_TAX_ID = re.compile("[0-9]{11}|[0-9A-Z]{12}[0-9]{2}")
_PERIOD = ("structure", "version", "customer_id", "content_hash", "run_id", "valid_from", "valid_to")


def roll_back(database: str | None, run: str, reason: str | None, *, as_json: bool) -> None:
    """Serve again what was served before a run."""
    run_id = new_run_id()
    with _holding(load_settings(database), run_id) as store:
        done = rollback(store, run_id, run, reason)
    if as_json:
        show_json(asdict(done))
        return
    say(f"run {done.run_id}: undid {len(done.undone)} run(s), from {done.undone[0]} on")
    rows = [(name, moved["restored"], moved["withdrawn"]) for name, moved in done.structures.items()]
    show_table("documents", ("structure", "served again", "no longer served"), rows)


def release_run(database: str | None, run: str, reason: str, *, as_json: bool) -> None:
    """Publish a held run."""
    run_id = new_run_id()
    with _holding(load_settings(database), run_id) as store:
        done = release(store, run_id, run, reason)
    if as_json:
        show_json(asdict(done))
    else:
        say(f"run {done.run_id}: published run {done.released}")


@contextmanager
def _holding(settings: Settings, name: str) -> Iterator[Store]:
    """Open the serving database and hold it under a name."""
    with (
        open_store(settings.database_url) as store,
        hold(store, name, stale_seconds=settings.lock_stale_seconds),
    ):
        yield store


def show_history(  # noqa: PLR0913 (one for each option)
    database: str | None, key: str, at: str | None, structure: str | None, *, document: bool, as_json: bool
) -> None:
    """List when which documents of a customer were served; with a moment, those served then.

    Raises UsageError for a key under which nothing was ever served.
    """
    if structure is not None and structure not in BY_NAME:
        message = f"no such structure; known: {', '.join(BY_NAME)}"
        raise UsageError(message)
    moment = None if at is None else _moment(at)
    settings = load_settings(database)
    with open_store(settings.database_url) as store:
        found = _periods(store, {key, *_compact(key)}, structure, known_secret(settings))
        known = bool(found)
        if moment is not None or document:
            found = history.served_at(found, moment or datetime.now(UTC))
        texts = history.documents(store, [int(str(row["document_id"])) for row in found]) if document else {}
    if not known:
        raise UsageError(
            "nothing was ever served under this key" + (" in this structure" if structure else "")
        )
    _show_periods(found, texts, document=document, as_json=as_json)


def _periods(
    store: Store, keys: set[str], structure: str | None, secret: str | None
) -> list[dict[str, object]]:
    """Find a customer by customer_id, tax id or core key; the last one takes long without the secret."""
    if secret is None or not is_secret_of(store.query, secret):
        return history.periods(store, keys, structure, by_core_key=True)
    made = customer_ids(pa.array(keys, pa.string()), secret).to_pylist()
    return history.periods(store, keys.union(made), structure)


def _show_periods(
    found: Sequence[dict[str, Any]], texts: dict[int, str], *, document: bool, as_json: bool
) -> None:
    if as_json:
        import json  # noqa: PLC0415 (only to read a document back)

        rows = [{name: row[name] for name in _PERIOD} for row in found]
        for row, period in zip(rows, found, strict=True):
            if document:
                row["document"] = json.loads(texts[period["document_id"]])
        show_json(rows)
    elif document:
        sys.stdout.writelines(f"{texts[row['document_id']]}\n" for row in found)
    else:
        show_table("history", _PERIOD, [[row[name] for name in _PERIOD] for row in found])


def clean_up(database: str | None, days: int, *, dry_run: bool, as_json: bool) -> None:
    """Delete what is older than some days, or say what would be deleted."""
    settings = load_settings(database)
    if dry_run:
        with open_store(settings.database_url) as store:
            counts = purge(store, days, dry_run=True)
    else:
        with _holding(settings, f"purge-{new_run_id()}") as store:
            counts = purge(store, days)
    if as_json:
        show_json({"dry_run": dry_run, "rows": counts})
    else:
        show_table("would be deleted" if dry_run else "deleted", ("table", "rows"), counts.items())


def erase_person(database: str | None, given: str, core_keys: Sequence[str], *, as_json: bool) -> None:
    """Erase every copy of a person's data and keep the person from being served again."""
    tax_id = _tax_id(given)
    settings = load_settings(database)
    secret = secret_of(settings, say)
    with _holding(settings, f"erase-{new_run_id()}") as store:
        found = erasure.registers_of(store, tax_id)
        _check_secret(found, secret)
        keep_secret(settings.database_url, secret, say)
        done = erasure.erase(store, _person(tax_id, sorted({*found, *core_keys}), secret))
    if as_json:
        show_json(asdict(done))
        return
    if any(done.rows.values()):
        show_table("erased", ("table", "rows"), done.rows.items())
    else:
        say("nothing was known of this tax id; it will not be served if it comes")
    for line in _remains(done):
        say(line)


def lift_erasure(database: str | None, given: str) -> None:
    """Let an erased person be served again."""
    tax_id = _tax_id(given)
    settings = load_settings(database)
    secret = secret_of(settings, say)
    with _holding(settings, f"lift-{new_run_id()}") as store:
        erasure.lift(store, tombstones(pa.array([tax_id]), secret)[0].as_py())
    say("the erasure is lifted: the next export that has this person is published again")


def _check_secret(found: dict[str, str], secret: str) -> None:
    """Refuse another secret than the one the documents were made with: it would find no finding, and tell nobody."""
    if customer_ids(pa.array(list(found), pa.string()), secret).to_pylist() != list(found.values()):
        message = "CADASTRA_SECRET is not the secret that this database was filled with: nothing was erased"
        raise UsageError(message)


def _person(tax_id: str, keys: Sequence[str], secret: str) -> erasure.Person:
    registers = pa.array(keys, pa.string())
    names = [f"{kind}:{name}" for kind in "FJ" for name in (tax_id, *(f"@{key}" for key in keys))]
    return erasure.Person(
        tombstone=tombstones(pa.array([tax_id]), secret)[0].as_py(),
        tax_id=tax_id,
        core_keys=keys,
        customer_ids=customer_ids(registers, secret).to_pylist(),
        customer_refs=customer_refs(registers, secret).to_pylist(),
        person_ids=person_ids(pa.array(names), secret).to_pylist(),
    )


def _remains(done: Erased) -> list[str]:
    """Say what the erasure did not reach."""
    lines = ["the exports, and backups of the database, are not this program's: erase the person there too"]
    if done.kept_mentions:
        lines.append(f"{done.kept_mentions:,} documents of other customers name this tax id and are kept")
    if done.rewritten is None:
        lines.append(
            "PostgreSQL keeps deleted rows on the disk until VACUUM FULL, and in its archive of the log"
        )
    elif not done.rewritten:
        lines.append("the database file was in use and may hold remains: run the sqlite3 command VACUUM")
    return lines


def _tax_id(given: str) -> str:
    """Read a tax id, from standard input where it is ``-``; the value is in no message."""
    text = sys.stdin.readline() if given == "-" else given
    for form in (cpf.compact(text), cnpj.compact(text)):
        if _TAX_ID.fullmatch(form):
            return form
    message = "TAX_ID is neither a CPF (11 digits) nor a CNPJ (14 characters)"
    raise UsageError(message)


def _compact(key: str) -> list[str]:
    """Return the key without the mask of a tax id, where it has the form of one."""
    return [form for form in (cpf.compact(key), cnpj.compact(key)) if _TAX_ID.fullmatch(form)]


def _moment(text: str) -> datetime:
    """Read a moment; without an offset it is UTC, a date alone its first moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = "--at is no time: expected such as 2026-11-20T14:00:00Z"
        raise UsageError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
