"""Every core folder fits the profile, and a sample of it ends published."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from customers.dictionary import effective_fields
from customers.errors import UsageError
from customers.structures import STRUCTURES
from flows.cli import app
from flows.nightly import run_job
from flows.pipeline import Job
from mappings.core import SHIPPED_CORES, load_core
from mappings.core_check import complaints
from mappings.cores.reference.sample import write_sample

if TYPE_CHECKING:
    from pathlib import Path

CORES = sorted(path.parent.name for path in SHIPPED_CORES.glob("*/core.toml"))
SAMPLES = {"reference": write_sample}


def test_every_core_has_a_sample() -> None:
    assert set(CORES) == set(SAMPLES)


@pytest.mark.parametrize("name", CORES)
def test_a_sample_of_the_core_ends_published(name: str, tmp_path: Path, sqlite_url: str) -> None:
    SAMPLES[name](tmp_path / "export", customers=200, seed=2, date=date(2026, 11, 20))
    report = run_job(Job(load_core(name), tmp_path / "export", sqlite_url, "an invented secret"))
    assert report.state == "published"
    assert report.rejected == 0
    assert all(tally.published_new > 0 for tally in report.tallies.values())


def broken(tmp_path: Path, pattern: str, replacement: str) -> Path:
    """Write a copy of the reference core with one change."""
    text = (SHIPPED_CORES / "reference" / "core.toml").read_text(encoding="utf-8")
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "core.toml").write_text(changed, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (r'civil_name = "nome_civil"\n', "", "nothing feeds natural_persons.civil_name"),
        (r'civil_name = "nome_civil"', 'civil_nome = "nome_civil"', "has no column civil_nome"),
        (r'sex = \{ from = "sexo", codes = "sex" \}', 'sex = "sexo"', "sex and its code table do not agree"),
        (r'codes = "sex"', 'codes = "gender"', "gender"),
        (r'stages = "phones"', 'stages = "emails"', "emails has no column type"),
        (r"\[core\]", "[core", "cannot be used"),
    ],
)
def test_a_core_that_does_not_fit_is_named(tmp_path: Path, pattern: str, replacement: str, said: str) -> None:
    place = broken(tmp_path, pattern, replacement)
    with pytest.raises(UsageError, match=re.escape(said)):
        load_core("broken", (place,))


def test_an_unknown_core_is_told_which_are_known() -> None:
    with pytest.raises(UsageError, match="reference"):
        load_core("nobody")


@pytest.mark.parametrize("name", CORES)
def test_a_shipped_core_has_no_complaint(name: str) -> None:
    assert complaints(load_core(name)) == []


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (r'M = "MASCULINO"', 'M = "MACHO"', "column sexo: code M means MACHO"),
        (r'A = "A"\nB = "B"', 'A = "A"\nB = "BLOQUEADO"', "column situacao: code B means BLOQUEADO"),
        (
            r'M = "MOVEL"',
            'M = "MASCULINO"',
            "column tipo: code M means MASCULINO, which phones.type does not have",
        ),
        (r"America/Sao_Paulo", "America/Nowhere", "no time zone is called America/Nowhere"),
        (r'"cp1252"', '"cp0"', "no encoding is called cp0"),
        (r'separator = ";"', 'separator = ";;"', "the separator is not one character"),
        (r'false = "N"', 'false = "S"', "the same text stands for true and for false"),
    ],
)
def test_what_an_export_would_show_is_told_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, replacement: str, said: str
) -> None:
    monkeypatch.setenv("CADASTRA_CORES_PATH", json.dumps([str(broken(tmp_path, pattern, replacement))]))
    result = CliRunner().invoke(app, ["cores", "check", "broken"])
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    told = json.loads(CliRunner().invoke(app, ["cores", "check", "broken", "--json"]).stdout)
    assert len(told["complaints"]) == 1
    assert CliRunner().invoke(app, ["cores", "check", "reference"]).exit_code == 0


@pytest.mark.parametrize("name", CORES)
def test_code_tables_map_into_the_domains_of_the_dictionary(name: str) -> None:
    """A core may know fewer codes than the dictionary, never other values."""
    domains = {
        value
        for structure in STRUCTURES
        for field in effective_fields(structure.name)
        for value in field.domain
    }
    own = {"person_kind": {"F", "J"}, "status": {"A", "B", "E"}}  # what the profile itself asks for
    for table in load_core(name).tables.values():
        for column, source in table.columns.items():
            if source.codes is not None and column != "brand_name":
                assert set(source.codes.values()) <= own.get(column, domains), f"{table.name}.{column}"
