"""A bank for the tests: exports written, mapped or run into a database, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from customers.structures import STRUCTURES
from flows.pipeline import Job, Run
from mappings.assembly import map_structure
from mappings.core import load_core
from mappings.extract import read_export
from mappings.nest import nest
from mappings.partition import partition, stage_buckets
from mappings.structure_map import Context
from mappings.structure_maps import MAPS
from sql.store import open_store
from tests.exports import Register, write_export

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.pipeline import Report

SECRET = "an invented secret that only the tests use"
VERSION = "2.2.1"
CORE = load_core("reference")
NAMES = tuple(structure.name for structure in STRUCTURES)

PI, BI, PQ, BQ, PF, BF = NAMES

Documents = dict[str, dict[str, dict[str, Any]]]


def mapped(folder: Path, *, bucket_size: int = 40_000, only: Sequence[str] = NAMES) -> Documents:
    """Map an export without judging it: the documents by structure and core key."""
    export = read_export(folder, CORE)
    context = Context(export.control.business_date, SECRET, VERSION)
    found: Documents = {name: {} for name in only}
    for bucket in stage_buckets(partition(export, CORE, bucket_size)):
        for name in only:
            made = map_structure(MAPS[name], bucket, context)
            texts = nest(made.documents).to_pylist()
            keys = made.core_keys.to_pylist()
            assert not set(keys) & found[name].keys()
            found[name] |= {key: json.loads(text) for key, text in zip(keys, texts, strict=True)}
    return found


def documents_of(folder: Path, *registers: Register, **options: Any) -> Documents:  # noqa: ANN401 (of write_export)
    """Write an export of these registers and map it."""
    return mapped(write_export(folder, *registers, **options))


class Bank:
    """A serving database and the exports that are run into it, one after the other."""

    def __init__(self, folder: Path, url: str, *, bucket_size: int = 40_000) -> None:
        self.folder, self.url, self.bucket_size = folder, url, bucket_size
        self._runs = 0

    def run(self, *registers: Register, **options: Any) -> Report:  # noqa: ANN401 (of write_export)
        """Write an export of these registers and run it; days go on from 20 November 2026."""
        self._runs += 1
        folder = self.folder / f"export-{self._runs}"
        return self.run_export(
            write_export(folder, *registers, **{"day": f"2026-11-{19 + self._runs}", **options})
        )

    def run_export(self, folder: Path) -> Report:
        """Run an export that is there, and hold it to the accounting identity."""
        run = Run(
            Job(core=CORE, export=folder, database_url=self.url, secret=SECRET, bucket_size=self.bucket_size)
        )
        with run.holding():
            run.extract()
            report = run.execute()
        for count in self.query("SELECT * FROM run_counts WHERE run_id = :run_id", run_id=report.run_id):
            told = (
                "published_new",
                "published_changed",
                "unchanged",
                "rejected_stale",
                "rejected_unserved",
                "excluded",
            )
            assert count["read"] == sum(count[name] for name in told), count
        return report

    def query(self, sql: str, **values: object) -> list[dict[str, Any]]:
        """Ask the database."""
        with open_store(self.url) as store:
            return store.query(sql, values)

    def served(self, structure: str) -> dict[str, dict[str, Any]]:
        """Return the documents being served, by core key."""
        rows = self.query(f"SELECT core_key, document FROM {structure}")
        assert len({row["core_key"] for row in rows}) == len(rows)
        return {row["core_key"]: json.loads(row["document"]) for row in rows}

    def stale(self, structure: str) -> set[str]:
        """Return the core keys whose document is served though a newer one was refused."""
        rows = self.query(f"SELECT core_key FROM {structure} WHERE stale_since IS NOT NULL")
        return {row["core_key"] for row in rows}

    def findings(self, report: Report, *, severity: str | None = None) -> list[dict[str, Any]]:
        """Return the findings of a run."""
        found = self.query(
            "SELECT structure, occurrence, rule, severity, shape, source_file, source_line FROM findings"
            " WHERE run_id = :run_id ORDER BY structure, source_file, source_line, rule",
            run_id=report.run_id,
        )
        return [row for row in found if severity in {None, row["severity"]}]

    def availability(self) -> dict[str | None, str]:
        """Return the availability of each person, by tax id."""
        return {
            row["tax_id"]: row["availability"]
            for row in self.query("SELECT tax_id, availability FROM customers")
        }
