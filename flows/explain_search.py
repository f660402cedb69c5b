"""Find a customer in the serving database and in the exports of the newest runs, by any of its three keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from customers.errors import ExportRefused, UnreadableInput
from customers.pseudonyms import customer_ids
from flows.whose import is_secret_of
from mappings.core import load_core
from mappings.lookup import excerpt, keys_by_customer_id, keys_by_tax_id, open_haystack
from mappings.version import mapping_version

if TYPE_CHECKING:
    from mappings.core import Core
    from mappings.extract import Export
    from mappings.lookup import Haystack
    from sql.glance import Glance, Row


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a customer, and which xpaths (None: all) of which structures."""

    key: str
    structures: tuple[str, ...]
    xpaths: frozenset[str] | None
    export: Path | None
    secret: str | None
    cores_path: tuple[Path, ...]
    core: str


@dataclass(slots=True)
class Sight:
    """What was found of a customer. ``run`` is the newest run whose export has the customer, or that of --export.

    ``secret_fits`` says whether the secret at hand made the ids of the database.
    """

    found_by: str = ""
    keys: list[str] = field(default_factory=list)
    registers: list[Row] = field(default_factory=list)
    run: Row | None = None
    export: Export | None = None
    core: Core | None = None
    left: Row | None = None  # the newest full run that does not have the customer
    notes: list[str] = field(default_factory=list)
    secret_fits: bool = False


def look_up(question: Question, database: Glance) -> Sight:
    """Find the customer in the database by any of the three keys, then in the exports, newest first."""
    sight = Sight()
    if question.secret is not None:
        sight.secret_fits = bool(is_secret_of(database.rows, question.secret))
    for column, find in (
        ("core_key", partial(by_core_key, question, database, sight, question.key)),
        ("customer_id", partial(database.registers, "customer_id", [question.key.lower()])),
        ("tax_id", partial(database.registers, "tax_id", _tax_ids(question.key))),
    ):
        sight.registers = find()
        if sight.registers:
            sight.found_by, sight.keys = column, [row["core_key"] for row in sight.registers]
            break
    runs = database.runs()
    for run in _chosen_runs(question, runs, sight):
        hay = _haystack(question, run, sight)
        if hay is None:
            continue
        export = _look(question, hay, sight)
        if export is not None:
            sight.run, sight.export, sight.core = (run if run["run_id"] else None), export, hay.core
            _hold_against_mapping(sight, hay.core)
            return sight
        if run["kind"] == "full" and sight.left is None:
            sight.left = run
    return sight


def by_core_key(question: Question, database: Glance, sight: Sight, key: str) -> list[Row]:
    """Find a register by its core key: by the id made of it, or in all documents where the secret is not theirs."""
    if question.secret is None or not sight.secret_fits:
        return database.registers("core_key", [key])
    return database.registers("customer_id", customer_ids(pa.array([key]), question.secret).to_pylist())


def _tax_ids(text: str) -> list[str]:
    digits = "".join(sign for sign in text if sign not in ".-/ ")
    return sorted({digits, digits.zfill(11), digits.zfill(14)})


def _chosen_runs(question: Question, runs: list[Row], sight: Sight) -> list[Row]:
    """Return the newest full run and the deltas since: what is not there is not in the core any more."""
    if question.export is not None:
        batch = open_haystack(question.export, load_core(question.core, question.cores_path)).control.batch_id
        same = [run for run in runs if run["batch_id"] == batch]
        if not same:
            sight.notes.append(
                "no published run read this export: rules and runs are not those of its values"
            )
        nobody = {
            "run_id": None,
            "core": question.core,
            "kind": "delta",
            "batch_id": batch,
            "mapping_version": None,
        }
        return [{**(same[0] if same else nobody), "export": str(question.export)}]
    full = next((number for number, run in enumerate(runs) if run["kind"] == "full"), len(runs))
    return runs[: full + 1]


def _haystack(question: Question, run: Row, sight: Sight) -> Haystack | None:
    """Open the export of a run, unless it was a database's, or the folder is gone or holds another batch by now."""
    if "://" in run["export"]:
        sight.notes.append(
            f"run {run['run_id']} read {run['export']}, whose rows may have changed since: "
            "explained by what is served and was found"
        )
        return None
    try:
        hay = open_haystack(Path(run["export"]), load_core(run["core"], question.cores_path))
    except (UnreadableInput, ExportRefused):
        hay = None
    if hay is None or hay.control.batch_id != run["batch_id"]:
        state = "is gone" if hay is None else "holds another batch by now"
        sight.notes.append(f"the export of run {run['run_id']} {state}: {run['export']}")
        return None
    return hay


def _look(question: Question, hay: Haystack, sight: Sight) -> Export | None:
    """Cut the customer's rows out of an export, finding out who it is if the database could not tell."""
    if sight.found_by:
        return excerpt(hay, sight.keys)
    ways = {"core_key": [question.key], "tax_id": keys_by_tax_id(hay, question.key)}
    if question.secret is not None:
        ways["customer_id"] = keys_by_customer_id(hay, question.key.lower(), question.secret)
    for name, keys in ways.items():
        export = excerpt(hay, keys) if keys else None
        if export is not None:
            sight.found_by, sight.keys = name, keys
            return export
    return None


def _hold_against_mapping(sight: Sight, core: Core) -> None:
    if sight.run is not None and sight.run["mapping_version"] != mapping_version(core):
        sight.notes.append(
            f"the mapping has changed since run {sight.run['run_id']}: its lines are those of today"
        )
