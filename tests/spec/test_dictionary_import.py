"""The import of published dictionaries: ours are nothing else, and what is no dictionary is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from customers.dictionary import fields, versions
from customers.dictionary_import import import_dictionary, write_dictionary
from customers.errata import apply, errata
from customers.errors import UnreadableInput
from customers.field import read_dictionary
from customers.structures import STRUCTURES, Structure

if TYPE_CHECKING:
    from pathlib import Path

EVERY = [pytest.param(structure, id=structure.name) for structure in STRUCTURES]
EVERY_VERSION = [pytest.param(version, id=version) for version in versions()]
HEADER = (
    "Xpath;Tipo de Dado;Tamanho;Mandatoriedade;Formato;Domínio;Mínimo de Ocorrências;Máximo de Ocorrências;"
    "Nulidade;Tipo de Dado Json;Tamanho mínimo"
)
ROOT_LINE = "/data;Objeto;;Obrigatório;;;1;1;Não permitido;object;"


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("structure", EVERY)
def test_ours_equals_an_import_of_the_official_file(
    shared_spec: Path, structure: Structure, version: str
) -> None:
    file = shared_spec / "dictionary" / version / f"customersGet{structure.official_name}_v{version}.csv"
    assert import_dictionary(file) == (structure.name, fields(structure.name, version))


@pytest.mark.parametrize("structure", EVERY)
def test_the_draft_of_the_next_version_can_be_imported(
    shared_spec: Path, tmp_path: Path, structure: Structure
) -> None:
    file = shared_spec / "dictionary/2.3.0-draft" / f"customersGet{structure.official_name}_v2.3.0.csv"
    name, found = import_dictionary(file)
    write_dictionary(found, tmp_path / "ours.csv")
    assert name == structure.name
    assert read_dictionary(tmp_path / "ours.csv") == found
    for field in apply(errata("2.3.0"), name, found, "2.3.0"):
        re.compile(field.pattern or "")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("other.csv", f"{HEADER}\n{ROOT_LINE}\n", "does not say which structure"),
        ("customersGetPersonalQualifications.csv", "a;b\n1;2\n", "lacks the columns Xpath"),
        ("customersGetPersonalQualifications.csv", "", "lacks the columns Xpath"),
        ("customersGetPersonalQualifications.csv", f"{HEADER}\n", "no field below the header"),
        (
            "customersGetPersonalQualifications.csv",
            f"{HEADER}\n{ROOT_LINE}\n/data/x;Texto;a;Opcional;;;0;1;Não permitido;string;\n",
            "line 3, column Tamanho: 'a' is no number",
        ),
        (
            "customersGetPersonalQualifications.csv",
            f"{HEADER}\n{ROOT_LINE}\n/data/x;Moeda;;Opcional;;;0;1;Não permitido;string;\n",
            "line 3, column Tipo de Dado: unknown type 'Moeda'",
        ),
        (
            "customersGetPersonalQualifications.csv",
            f"{HEADER}\n{ROOT_LINE}\n/data/x/y;Texto;;Opcional;;;0;1;Não permitido;string;\n",
            "line 3, column Xpath: nothing above holds",
        ),
        (
            "customersGetPersonalQualifications.csv",
            f"{HEADER}\n{ROOT_LINE}\n{ROOT_LINE}\n",
            "line 3, column Xpath: /data stands twice",
        ),
        (
            "customersGetPersonalQualifications.csv",
            f"{HEADER}\n{ROOT_LINE}\n/data/x;Texto;;Talvez;;;0;1;Não permitido;string;\n",
            "line 3, column Mandatoriedade",
        ),
    ],
)
def test_a_file_that_is_no_dictionary_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableInput, match=re.escape(message)) as refusal:
        import_dictionary(tmp_path / name)
    assert str(tmp_path / name) in str(refusal.value)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="not readable"):
        import_dictionary(tmp_path / "customersGetPersonalQualifications.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableInput, match="not readable"):
        import_dictionary(tmp_path / "x.csv", "personal_qualifications")
