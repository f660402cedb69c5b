"""What an operator does wrong is told in one line, and nothing is left behind by it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from customers.structures import STRUCTURES
from flows.cli import main
from tests.exports import cpf, natural_person, write_export

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cadastra = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cadastra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cadastra:
    """Give a function that runs the command line in this process, without a secret, in a folder of its own."""
    monkeypatch.delenv("CADASTRA_SECRET", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cadastra", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return call


def one_line(answer: tuple[int, str, str], *words: str) -> None:
    code, told, said = answer
    assert (code, told) == (2, ""), said
    assert len(said.splitlines()) == 1, said
    assert said.startswith("cadastra: ")
    assert "defect" not in said
    for word in words:
        assert word in said


def test_a_sample_that_cannot_be_written_is_told_in_a_line(cadastra: Cadastra, tmp_path: Path) -> None:
    out = ("sample", "--customers", 5, "--out")
    one_line(cadastra(*out, tmp_path / "delta", "--delta-of", tmp_path / "nowhere"), "nowhere")
    (tmp_path / "empty").mkdir()
    one_line(cadastra(*out, tmp_path / "delta", "--delta-of", tmp_path / "empty"), "no sample")
    (tmp_path / "file").touch()
    one_line(cadastra(*out, tmp_path / "file" / "out"), "no sample", "file")
    assert cadastra(*out, tmp_path / "whole")[0] == 0
    one_line(cadastra(*out, tmp_path / "whole", "--delta-of", tmp_path / "whole"), "cannot replace")
    (tmp_path / "whole" / "clientes.csv").write_bytes(b"12345678901;Ana\r\n")
    one_line(cadastra(*out, tmp_path / "delta", "--delta-of", tmp_path / "whole"), "no earlier sample")


def test_settings_that_cannot_be_used_are_named(
    cadastra: Cadastra, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one_line(cadastra("run", "--export", "x", "--database", "mysql://host/db"), "mysql", "sqlite")
    (tmp_path / "bank.db.secret").mkdir()
    database = f"sqlite:///{tmp_path / 'bank.db'}"
    one_line(cadastra("run", "--export", "x", "--database", database), "bank.db.secret")
    monkeypatch.setenv("CADASTRA_CORES_PATH", "/not/json")
    one_line(cadastra("runs"), "CADASTRA_CORES_PATH", "JSON")


def test_a_secret_is_made_only_when_something_is_published(cadastra: Cadastra, tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", natural_person("F1", cpf(1)))
    kept = tmp_path / "bank.db.secret"
    given = ("--export", export, "--database", f"sqlite:///{tmp_path / 'bank.db'}", "--quiet")
    assert cadastra("plan", *given)[0] == 0
    assert not kept.exists()
    emails = (export / "emails.csv").read_bytes()
    (export / "emails.csv").write_bytes(b"\xef\xbb\xbf" + emails)
    code, _, said = cadastra("run", *given, "--no-docs")
    assert code == 4
    assert not kept.exists()
    (export / "emails.csv").write_bytes(emails)
    code, _, said = cadastra("run", *given, "--no-docs")
    assert (code, "made one and kept it in bank.db.secret" in said) == (0, True)
    secret = kept.read_text(encoding="ascii")
    code, _, said = cadastra("run", *given, "--no-docs")
    assert (code, said) == (0, "")
    assert kept.read_text(encoding="ascii") == secret


def test_an_unknown_tax_id_is_erased_in_a_line(cadastra: Cadastra, tmp_path: Path) -> None:
    code, _, said = cadastra("erase", cpf(7), "--database", f"sqlite:///{tmp_path / 'bank.db'}")
    assert code == 0
    assert "nothing was known of this tax id" in said
    assert "stale_marks" not in said


def test_help_and_version_say_what_this_is(cadastra: Cadastra) -> None:
    code, told, _ = cadastra("--version")
    assert (code, told.split()[0]) == (0, "cadastra")
    code, told, _ = cadastra("--help")
    assert code == 0
    assert "Customers API" in told
    for number in ("0 published", "4 export refused", "143"):
        assert number in " ".join(told.split())


def test_the_column_of_an_unknown_status_or_kind_is_named(cadastra: Cadastra, tmp_path: Path) -> None:
    registers = [
        natural_person("F1", cpf(1)),
        natural_person("F2", cpf(2), clientes={"situacao": "Z"}),
        natural_person("F3", cpf(3), clientes={"tipo_pessoa": "X"}),
    ]
    export = write_export(tmp_path / "export", *registers)
    database = ("--database", f"sqlite:///{tmp_path / 'bank.db'}")
    assert cadastra("run", "--export", export, *database, "--quiet", "--no-docs")[0] == 0
    codes = json.loads(cadastra("findings", *database, "--json")[1])["unmapped_codes"]
    told = {(code["structure"] in {each.name for each in STRUCTURES}, code["column"]) for code in codes}
    assert told == {(True, "clientes.situacao"), (False, "clientes.tipo_pessoa")}
    assert "clientes.situacao" in cadastra("findings", *database)[2]
