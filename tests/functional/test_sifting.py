"""A full export is sifted: what is left out comes to the same, whatever happened before. On SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pytest

from customers.errors import ExportRefused
from flows.nightly import run_job
from flows.pipeline import Job, Run
from mappings.census import Remaining, take_census
from mappings.extract import open_export, read_export
from mappings.fingerprints import fingerprints
from mappings.partition import partition
from mappings.text_files import csv_chunks
from sql.lock import hold
from sql.rollback import rollback
from sql.store import open_store
from tests.bank import CORE, PI, SECRET, Bank
from tests.exports import company, cpf, natural_person, write_export
from tests.reliability.profile import PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.pipeline import Report
    from tests.exports import Register

PEOPLE = 7
STEPS = 9


class History:
    """A bank whose customers change in every way, drawn by a seed."""

    def __init__(self, bank: Bank, seed: int) -> None:
        self.bank, self.draw = bank, random.Random(seed)
        self.day = 0
        self.present = dict.fromkeys(range(PEOPLE), 0)

    def register(self, number: int) -> Register:
        """Make a customer as it is now: 0 is usual, all else is a change."""
        state = self.present[number]
        tax_id = cpf(100_000_000 + (number if state != 6 else 0))
        states: list[dict[str, Any]] = [
            {},
            {"produtos": {"cod_produto": "02"}},
            {"pessoas_fisicas": {"sexo": "?"}},
            {"clientes": {"situacao": "E"}},
            {"qualificacoes_pf": None},
            {"clientes": {"tipo_pessoa": "?"}},
            {},
            {"clientes": {"cpf_cnpj": ""}},
            {"pessoas_juridicas": {"razao_social": "Padaria Exemplo Ltda"}},
        ]
        changes = states[state]
        if number == 1:
            return company("J1", **({} if state in {0, 2, 4, 6, 8} else changes))
        return natural_person(f"F{number}", tax_id, **changes)

    def step(self, name: str) -> Path:
        """Let some customers change, come or go, and write what the core exports then."""
        self.day += 1
        for number in self.draw.sample(range(PEOPLE), self.draw.randint(0, 3)):
            self.present.pop(number, None)
            if self.draw.random() < 0.75:
                self.present[number] = self.draw.randrange(9)
        chosen = sorted(self.present)
        kind: Literal["full", "delta"] = "delta" if self.draw.random() < 0.3 else "full"
        if kind == "delta":
            chosen = self.draw.sample(chosen, min(2, len(chosen)))
        self.draw.shuffle(chosen)
        registers = [self.register(number) for number in chosen]
        day = f"2026-12-{self.day:02}"
        return write_export(self.bank.folder / name, *registers, day=day, kind=kind)

    def undo(self, report: Report) -> None:
        """Roll the last run back."""
        with open_store(self.bank.url) as store, hold(store, f"undo-{self.day}"):
            rollback(store, f"undo-{self.day}", report.run_id)


def told(report: Report) -> dict[str, Any]:
    """Return all that a run says of the registers, but for who was not judged again."""
    tallies = {name: {**asdict(tally), "skipped": 0} for name, tally in report.tallies.items()}
    return {
        "tallies": tallies,
        "rules": report.rules,
        "registers": report.customers,
        "strays": report.orphans,
    }


def job(bank: Bank, folder: Path, **options: Any) -> Job:  # noqa: ANN401 (of Job)
    return Job(CORE, folder, bank.url, SECRET, thresholds=None, **options)


@pytest.mark.parametrize("seed", range(PROFILE.histories))
def test_whatever_happened_before_sifting_comes_to_what_a_remap_does(
    tmp_path: Path, any_database: str, seed: int
) -> None:
    bank = Bank(tmp_path, any_database)
    history, skipped = History(bank, seed), 0
    for number in range(STEPS):
        folder = history.step(f"step-{number}")
        remapped = run_job(job(bank, folder, rehearse=True, full_remap=True))
        report = run_job(job(bank, folder, bucket_size=history.draw.choice([3, 100])))
        # A delta is not sifted, and may call unchanged whose sibling is missing.
        assert report.kind == "delta" or told(report) == told(remapped), number
        settled = run_job(job(bank, folder, rehearse=True, full_remap=True))
        for tally in settled.tallies.values():
            assert (tally.published_new, tally.published_changed, tally.withdrawn) == (0, 0, 0), number
        assert_known(bank)
        skipped += report.skipped
        if history.draw.random() < 0.2:
            history.undo(report)
            assert_known(bank)
    assert skipped > 0


def assert_known(bank: Bank) -> None:
    """Hold whatever is served to being known: remembered, or forgotten and not gone."""
    published = "run_seq IN (SELECT p.run_seq FROM publications AS p)"
    known = f"""
        SELECT s.core_key FROM served AS s
        WHERE NOT EXISTS (SELECT 1 FROM fingerprints AS f WHERE f.core_key = s.core_key AND f.{published})
          AND NOT EXISTS (SELECT 1 FROM forgotten AS f WHERE f.core_key = s.core_key AND f.{published})
           OR EXISTS (SELECT 1 FROM forgotten AS f WHERE f.core_key = s.core_key AND f.gone = 1 AND f.{published}
                      AND f.run_seq > s.opened_run_seq)
    """
    assert bank.query(known) == []


def test_only_what_is_left_is_spilled_and_who_left_is_asked_for_once(bank: Bank) -> None:
    usual = [natural_person(f"F{number}", cpf(100_000_000 + number)) for number in range(5)]
    bank.run(*usual)
    changed = natural_person("F3", cpf(100_000_003), produtos={"cod_produto": "02"})
    folder = write_export(bank.folder / "next", *usual[1:3], changed, usual[4], day="2026-11-21")
    run = Run(job(bank, folder))
    with run.holding():
        run.extract()
        assert run.extracted.sifted is not None
        assert run.extracted.sifted.absent.to_pylist() == ["F0"]
        assert {table.rows.rows for table in run.extracted.tables.values()} <= {0, 1}
        report = run.execute()
    assert (report.skipped, report.customers, report.tallies[PI].withdrawn) == (3, 4, 1)
    assert absent(bank, "third", usual[1:3]) == ["F0", "F3", "F4"]
    assert absent(bank, "fourth", usual[1:3]) == ["F3", "F4"]
    assert absent(bank, "fifth", usual[1:3]) == []
    back = bank.run(*usual, day="2026-11-25")
    assert (back.skipped, back.tallies[PI].published_new) == (2, 3)


def absent(bank: Bank, name: str, registers: list[Register]) -> list[str]:
    """Run an export and return of whom it was asked whether anything is served."""
    run = Run(job(bank, write_export(bank.folder / name, *registers, day="2026-11-24")))
    with run.holding():
        run.extract()
        assert run.extracted.sifted is not None
        known: list[str] = sorted(run.extracted.sifted.absent.to_pylist())
        run.execute()
    return known


@pytest.fixture
def bank(tmp_path: Path, any_database: str) -> Bank:
    return Bank(tmp_path, any_database)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_census_has_the_fingerprints_of_the_buckets(
    tmp_path: Path, form: Literal["csv", "parquet"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.extract.csv_chunks", partial(csv_chunks, window=300))
    monkeypatch.setattr("mappings.extract._PARQUET_ROWS", 3)
    people = [
        natural_person(
            f"F{number}",
            cpf(100_000_000 + number % 4),
            emails=[{"email": f"a{number}@example.com"}, {"email": "b@example.com", "ind_principal": "N"}],
            enderecos={"logradouro": f'Rua "das" Acácias;\n{number}'},
        )
        for number in range(6)
    ]
    more = {
        "emails": [{"cod_cliente": key, "email": f"c{key}@example.com"} for key in ("F2", "F0", "F9", "F2")]
    }
    folder = write_export(tmp_path / "export", *people, more, file_format=form)
    source = open_export(folder, CORE)
    census = take_census(source, CORE, "made", str(tmp_path))
    assert census is not None
    plan = partition(read_export(folder, CORE), CORE, None)
    number = census.of(plan.keys)
    assert sorted(number.tolist()) == list(range(6))
    assert fingerprints(plan, "made").tolist() == census.fingerprints[number].tolist()
    alone = census.leaving(np.arange(6) != census.of(pa.array(["F2"]))[0])
    assert alone.are_registers(pa.array(["F1", "F2", "F9", None])).tolist() == [True, False, False, False]
    for name in source.names:
        whole = [chunk for chunk in source.chunks(name) if len(chunk.lines)]
        rest = [chunk for chunk in Remaining(source, alone).chunks(name) if len(chunk.lines)]
        keys = [key for chunk in whole for key in chunk.columns["cod_cliente"].to_pylist()]
        lines = [line for chunk in whole for line in chunk.lines.tolist()]
        assert [line for chunk in rest for line in chunk.lines.tolist()] == [
            line for line, key in zip(lines, keys, strict=True) if key in {"F2", "F9"}
        ]
        assert {key for chunk in rest for key in chunk.columns["cod_cliente"].to_pylist()} <= {"F2", "F9"}


def rewritten(folder: Path, table: str, change: Callable[[bytes], bytes]) -> Path:
    """Change the bytes of a table, and what the control file says of them."""
    path, control = folder / f"{table}.csv", folder / "_controle.json"
    path.write_bytes(change(path.read_bytes()))
    said = json.loads(control.read_text(encoding="utf-8"))
    said["tables"][table]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    control.write_text(json.dumps(said), encoding="utf-8")
    return folder


def test_a_record_that_no_parser_takes_refuses_a_sifted_export(bank: Bank) -> None:
    usual = [natural_person(f"F{number}", cpf(100_000_000 + number)) for number in range(3)]
    bank.run(*usual)
    folder = write_export(bank.folder / "next", *usual, day="2026-11-21")
    rewritten(folder, "produtos", lambda text: text.replace(b"F1;", b"F1;;", 1))
    with pytest.raises(ExportRefused, match=r"produtos\.csv: 1 records do not have"):
        run_job(job(bank, folder))


def test_equal_lines_under_another_header_are_other_rows(bank: Bank) -> None:
    usual = [
        natural_person(f"F{number}", cpf(100_000_000 + number), enderecos={"bairro": "Centro"})
        for number in range(3)
    ]
    bank.run(*usual)
    folder = write_export(bank.folder / "next", *usual, day="2026-11-21")
    assert run_job(job(bank, folder, rehearse=True)).skipped == 3
    rewritten(folder, "enderecos", lambda text: text.replace(b"bairro;cidade", b"cidade;bairro", 1))
    report = run_job(job(bank, folder))
    assert (report.skipped, report.tallies[PI].published_changed) == (0, 3)
