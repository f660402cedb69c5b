"""What a steward asks: where a value came from, what was refused and what is new, and the Data Docs."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from customers.errors import UsageError
from customers.pseudonyms import customer_ids
from customers.rules import rules
from customers.structures import STRUCTURES
from flows.cli import app
from flows.nightly import run_job
from flows.pipeline import Job
from mappings.core import load_core
from mappings.cores.reference.sample import write_sample
from mappings.extract import read_export
from mappings.lookup import excerpt, keys_by_customer_id, keys_by_tax_id, open_haystack
from mappings.staging import keys_of
from tests.conftest import ROOT
from tests.exports import CPF, company, cpf, natural_person, write_export

if TYPE_CHECKING:
    from flows.pipeline import Report
    from tests.exports import Register

SECRET = "an invented secret that only the tests use"
DATE = date(2026, 11, 20)
PHONES = "/data/contacts/phones"
STREET = "Rua do Canto; fundos\r\ncasa 2"  # quoted, and two lines of the file


def person(number: int, **tables: Any) -> Register:  # noqa: ANN401 (rows of any table)
    return natural_person(f"F{number}", cpf(100 + number), **tables)


def everybody(day: int) -> list[Register]:
    """Return the registers of two nights: on the second F3 is gone and F4 has a sex that no table lists."""
    phones = [
        {"ind_principal": "N", "ddd": "", "numero": "33334444"},
        {"ind_principal": "S", "desc_tipo": "recado com o vizinho"},
    ]
    one = person(1, telefones=phones, enderecos={"logradouro": STREET, "numero": ""})
    same = [
        natural_person(key, cpf(300), clientes={"situacao": state})
        for key, state in (("F5", "A"), ("F6", "E"))
    ]
    partners = [
        {"perfil": "S", "pct_participacao": "24,000000"},
        {"perfil": "A", "nome_civil": "Bia Reis", "pct_participacao": "1,000000"},
    ]
    changed = person(4, pessoas_fisicas={"sexo": "X" if day == 2 else "F"}, representantes=[])
    left = [person(3)] if day == 1 else []
    return [
        one,
        person(2, pessoas_fisicas={"dt_nascimento": "31/02/1990"}, emails={}),
        *left,
        changed,
        *same,
        company(socios=partners),
    ]


@dataclass(frozen=True)
class Nights:
    """Two published nights: their database, exports and reports."""

    database: str
    exports: tuple[Path, Path]
    reports: tuple[Report, Report]


def published(export: Path, database: str, **options: Any) -> Report:  # noqa: ANN401 (the job's own)
    return run_job(Job(load_core("reference"), export, database, SECRET, **options))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    folder = tmp_path_factory.mktemp("nights")
    database = f"sqlite:///{folder / 'cadastra.db'}"
    first = write_export(folder / "first", *everybody(1))
    second = write_export(folder / "second", *everybody(2), day="2026-11-21")
    reports = (
        published(first, database, docs=folder / "docs"),
        published(second, database, docs=folder / "docs"),
    )
    return Nights(database, (first, second), reports)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADASTRA_SECRET", SECRET)


def cadastra(*arguments: str, database: str) -> Any:  # noqa: ANN401 (parsed JSON)
    result = CliRunner().invoke(app, [*arguments, "--database", database, "--json"])
    if result.exception is not None:
        raise result.exception
    return json.loads(result.stdout)


def values(nights: Nights, *question: str) -> list[dict[str, Any]]:
    answer = cadastra("explain", *question, database=nights.database)
    return [value for document in answer["documents"] for value in document["values"]]


def documents(nights: Nights, *question: str) -> dict[str, dict[str, Any]]:
    answer = cadastra("explain", *question, database=nights.database)
    return {document["structure"]: document for document in answer["documents"]}


def line_of(export: Path, table: str, key: str, place: int = 0) -> int:
    raw = read_export(export, load_core("reference")).tables[table]
    mine = [
        int(line)
        for line, owner in zip(raw.lines, keys_of(raw, load_core("reference")).to_pylist(), strict=True)
        if owner == key
    ]
    return mine[place]


def test_a_served_value_is_followed_to_its_cell_and_its_mapping_line(nights: Nights) -> None:
    (value,) = values(nights, "F1", "/data/contacts/postalAddresses/address")
    assert value["status"] == "served"
    assert value["source"] == {
        "table": "enderecos",
        "columns": ["logradouro", "numero"],
        "file": "enderecos.csv",
        "line": line_of(nights.exports[1], "enderecos", "F1"),
        "shape": "AAA AA AAAAA; AAAAAA??AAAA 9",
    }
    mapping = (ROOT / value["mapping"]["file"]).read_text(encoding="utf-8").splitlines()
    assert value["xpath"] in mapping[value["mapping"]["line"] - 1]
    assert "S-maxLength:/data/contacts/postalAddresses/address" in value["rules_passed"]
    assert value["rules_passed_count"] == len(value["rules_passed"])
    assert value["run_id"] == nights.reports[0].run_id  # the second night changed nothing
    assert value["published_at"].startswith("20")


def test_lines_below_a_quoted_line_end_are_physical_lines(nights: Nights) -> None:
    second = (nights.exports[1] / "enderecos.csv").read_bytes().count(b"\n")
    assert second == 3  # the header and one record of two lines
    (value,) = values(nights, "F4", "/data/sex")
    assert value["source"]["line"] == line_of(nights.exports[1], "pessoas_fisicas", "F4")


@pytest.mark.parametrize(
    "mask", ["{}", "{0[0]}{0[1]}{0[2]}.{0[3]}{0[4]}{0[5]}.{0[6]}{0[7]}{0[8]}-{0[9]}{0[10]}"]
)
def test_a_customer_is_found_by_any_of_three_keys(nights: Nights, mask: str) -> None:
    customer_id = customer_ids(pa.array(["F1"]), SECRET)[0].as_py()
    tax_id = mask.format(cpf(101))
    asked = {
        name: cadastra("explain", key, "/data/civilName", database=nights.database)
        for name, key in (("core_key", "F1"), ("customer_id", customer_id), ("tax_id", tax_id))
    }
    assert {name: answer["found_by"] for name, answer in asked.items()} == {name: name for name in asked}
    assert asked["core_key"]["documents"] == asked["customer_id"]["documents"] == asked["tax_id"]["documents"]


@pytest.mark.parametrize("secret", ["another invented secret, which made nothing here", ""])
def test_a_core_key_is_found_without_the_secret(
    nights: Nights, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = cadastra("explain", "F1", "/data/civilName", database=nights.database)
    monkeypatch.setenv("CADASTRA_SECRET", secret)
    answer = cadastra("explain", "F1", "/data/civilName", database=nights.database)
    assert answer["found_by"] == "core_key"
    assert [document["customer_id"] for document in answer["documents"]] == [
        document["customer_id"] for document in known["documents"]
    ]
    assert any("not the one that this database was written with" in note for note in answer["notes"])


def test_a_value_is_missing_because_the_core_never_sent_it(nights: Nights) -> None:
    (value,) = values(nights, "F1", "/data/socialName")
    assert (value["status"], value["why"]) == (
        "never sent",
        "the core sent nothing in pessoas_fisicas.nome_social",
    )
    (value,) = values(nights, "F1", "/data/contacts/emails/email")
    assert (value["status"], value["why"]) == (
        "never sent",
        "the core sent no row in emails, so the list is empty",
    )


def test_a_value_is_missing_because_its_condition_is_not_met(nights: Nights) -> None:
    asked = values(nights, "F1", f"{PHONES}/additionalInfo")
    sent = [value for value in asked if value["source"]["shape"]]
    assert [(value["status"], value["why"]) for value in sent] == [
        ("not sent", "the condition of the mapping line is not met")
    ]


def test_a_row_is_left_out_by_the_mapping(nights: Nights) -> None:
    asked = {value["occurrence"]: value for value in values(nights, "J1", "/data/parties/type")}
    assert asked["$.parties[0].type"]["status"] == "served"
    assert asked["$.parties[].type"]["status"] == "not sent"
    assert "sent_parties (mappings/business_identifications.py:" in asked["$.parties[].type"]["why"]
    assert asked["$.parties[].type"]["source"]["line"] == line_of(nights.exports[1], "socios", "J1")


def test_an_omitted_element_is_explained_and_the_others_keep_their_published_places(nights: Nights) -> None:
    omitted, served = values(nights, "F1", f"{PHONES}/number")
    assert (omitted["occurrence"], omitted["status"]) == ("$.contacts.phones[].number", "omitted")
    assert "S-required:/data/contacts/phones/areaCode" in omitted["why"]
    assert (served["occurrence"], served["status"]) == ("$.contacts.phones[0].number", "served")
    assert served["source"]["line"] == line_of(nights.exports[1], "telefones", "F1", 1)
    (by_place,) = values(nights, "F1", "$.contacts.phones[0].number")
    assert by_place == served


def test_a_value_that_is_refused_names_its_rule_and_its_run(nights: Nights) -> None:
    (broken,) = values(nights, "F2", "/data/birthDate")
    assert broken["status"] == "rejected"
    assert [finding["rule"] for finding in broken["rules_failed"]] == ["S-format:/data/birthDate"]
    assert broken["source"]["shape"] == "99/99/9999"
    (sound,) = values(nights, "F2", "/data/civilName")
    assert sound["status"] == "rejected"
    assert "S-format:/data/birthDate" in sound["why"]
    assert documents(nights, "F2")["personal_identifications"]["state"] == "rejected"
    assert documents(nights, "F2")["personal_qualifications"]["state"] == "served"


def test_a_document_is_rejected_since_the_first_run_that_refused_it(nights: Nights) -> None:
    document = documents(nights, "F2")["personal_identifications"]
    assert document["since_run"] == nights.reports[0].run_id
    assert cadastra("explain", "F2", database=nights.database)["read_in"] == nights.reports[1].run_id


def test_a_required_list_without_rows_is_served_empty(nights: Nights) -> None:
    relations = documents(nights, "F4")["personal_financial_relations"]["values"]
    (empty,) = [value for value in relations if value["occurrence"] == "$.procurators[]"]
    assert empty["status"] == "served"
    assert empty["why"] == "the core sent no row in representantes, so the list is empty"
    (optional,) = [value for value in relations if value["occurrence"] == "$.portabilitiesReceived[]"]
    assert optional["status"] == "never sent"
    (inside,) = values(nights, "F4", "/data/procurators/type")
    assert inside["status"] == "never sent"


def test_a_stale_document_says_since_which_run(nights: Nights) -> None:
    document = documents(nights, "F4")["personal_identifications"]
    assert (document["state"], document["since_run"]) == ("stale", nights.reports[1].run_id)
    assert document["run_id"] == nights.reports[0].run_id
    (value,) = [value for value in document["values"] if value["xpath"] == "/data/sex"]
    assert value["status"] == "rejected"
    assert nights.reports[1].run_id in value["why"]


def test_a_withdrawn_customer_says_by_which_run(nights: Nights) -> None:
    (value,) = values(nights, "F3", "/data/civilName")
    assert value["status"] == "withdrawn"
    assert nights.reports[1].run_id in value["why"]
    assert value["mapping"]["file"] == "mappings/personal_identifications.py"
    assert value["source"]["columns"] == ["nome_civil"]


def test_registers_of_one_person_are_explained_together(nights: Nights) -> None:
    by_key = cadastra("explain", "F6", database=nights.database)
    structures = [document["structure"] for document in by_key["documents"]]
    assert structures == [
        "personal_identifications",
        "personal_qualifications",
        "personal_financial_relations",
    ]
    (products,) = [
        document for document in by_key["documents"] if document["structure"].endswith("relations")
    ]
    why = {value["why"] for value in products["values"] if value["occurrence"] == "$.productsServicesType[]"}
    assert why == {"its register is closed"}
    by_tax_id = cadastra("explain", cpf(300), database=nights.database)
    assert [document["structure"] for document in by_tax_id["documents"]].count(
        "personal_identifications"
    ) == 2


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (("nobody",), "no customer is known"),
        ((" ",), "the key is empty"),
        (("F1", "/data/contacts/phone/areaCode"), "did you mean /data/contacts/phones/areaCode"),
        (("F1", "areaCode"), "did you mean /data/contacts/phones/areaCode"),
        (("F1", "$.contacts.phones[7].number"), "have no"),
        (("F1", "/data/companyName"), "no document"),
        (("F1", "--structure", "phones"), "no structure is called phones"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(nights: Nights, question: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as problem:
        cadastra("explain", *question, database=nights.database)
    assert problem.value.exit_code == 2


def test_without_the_export_table_column_mapping_and_run_are_still_told(
    nights: Nights, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(nights.exports[1], elsewhere)
    try:
        answer = cadastra("explain", "F1", "/data/civilName", database=nights.database)
        (moved,) = values(nights, "F1", "/data/civilName", "--export", str(elsewhere))
    finally:
        shutil.move(elsewhere, nights.exports[1])
    assert "is gone" in answer["notes"][0]
    (value,) = answer["documents"][0]["values"]
    assert (value["status"], value["source"]["columns"], value["source"]["line"]) == (
        "served",
        ["nome_civil"],
        None,
    )
    assert value["source"]["shape"] == "AAA AAAA"
    assert value["run_id"] == nights.reports[0].run_id
    assert moved["source"]["line"] == line_of(nights.exports[1], "pessoas_fisicas", "F1")


def test_explaining_to_a_person_prints_no_value(nights: Nights) -> None:
    told = ""
    for key in ("F1", "F2", "F3", "F4", "F5", "J1", cpf(101)):
        for xpath in ([], [PHONES] if key != "J1" else ["/data/parties"]):
            result = CliRunner().invoke(app, ["explain", key, *xpath, "--database", nights.database])
            assert result.exit_code == 0
            told += result.output
    assert "mappings/contacts.py" in told or "contacts.py:" in told
    for canary in (
        "Ana",
        "Bia",
        "Canto",
        "912345678",
        "33334444",
        "vizinho",
        CPF,
        cpf(101),
        "1990",
        "Padaria",
    ):
        assert canary not in told


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_an_excerpt_holds_what_reading_the_whole_export_finds(
    tmp_path: Path, file_format: Literal["csv", "parquet"]
) -> None:
    core = load_core("reference")
    folder = tmp_path / "sample"
    write_sample(folder, customers=400, seed=5, bad=0.1, date=DATE, format=file_format)
    whole = read_export(folder, core)
    hay = open_haystack(folder, core)
    keys = keys_of(whole.tables["clientes"], core).to_pylist()
    for key in keys[::9]:
        part = excerpt(hay, [key])
        assert part is not None
        known = keys_of(part.tables["clientes"], core)
        assert key in known.to_pylist()
        for name, raw in whole.tables.items():
            wanted = pc.is_in(keys_of(raw, core), known)
            lines = raw.lines[wanted.to_numpy(zero_copy_only=False)].tolist()
            found = part.tables.get(name)
            assert ([] if found is None else found.lines.tolist()) == lines
            if found is not None:
                assert found.columns.to_pylist() == raw.columns.filter(wanted).to_pylist()


def test_keys_are_found_by_whatever_way_a_tax_id_is_written(tmp_path: Path) -> None:
    numbers = {"F1": "00123456797", "F2": "1234567890", "F3": "555.666.777-20"}
    registers = [natural_person(key, number) for key, number in numbers.items()]
    hay = open_haystack(write_export(tmp_path / "export", *registers), load_core("reference"))
    assert keys_by_tax_id(hay, "123456797") == keys_by_tax_id(hay, "001.234.567-97") == ["F1"]
    assert keys_by_tax_id(hay, "01234567890") == ["F2"]
    assert keys_by_tax_id(hay, "55566677720") == ["F3"]
    assert keys_by_tax_id(hay, "55566677721") == []
    customer_id = customer_ids(pa.array(["F2"]), SECRET)[0].as_py()
    assert keys_by_customer_id(hay, customer_id, SECRET) == ["F2"]


def test_findings_are_grouped_by_rule_worst_first(nights: Nights) -> None:
    answer = cadastra("findings", database=nights.database)
    assert answer["run_id"] == nights.reports[1].run_id
    told = {group["rule"]: group for group in answer["rules"]}
    assert told["S-format:/data/birthDate"]["customers"] == 1
    assert told["S-format:/data/birthDate"]["sentences"] == ["must be a real date"]
    assert told["S-required:/data/contacts/phones/areaCode"]["severity"] == "omit"
    order = [("halt", "reject", "omit", "warn").index(group["severity"]) for group in answer["rules"]]
    assert order == sorted(order)
    assert [(code["xpath"], code["shape"], code["customers"]) for code in answer["unmapped_codes"]] == [
        ("/data/sex", "A", 1)
    ]


def test_findings_tell_what_is_new_and_list_single_ones(nights: Nights) -> None:
    new = cadastra("findings", "--since", nights.reports[0].run_id, database=nights.database)
    assert [group["rule"] for group in new["rules"]] == ["S-enum:/data/sex"]
    one = cadastra("findings", "--rule", "S-enum:/data/sex", database=nights.database)
    (finding,) = one["findings"]
    assert (finding["source_file"], finding["shape"]) == ("pessoas_fisicas.csv", "A")
    assert finding["source_line"] == line_of(nights.exports[1], "pessoas_fisicas", "F4")
    other = cadastra("findings", "--structure", "business_identifications", database=nights.database)
    assert not [group for group in other["rules"] if group["structures"] != ["business_identifications"]]


@pytest.mark.parametrize(
    "question", [("--run", "no-run"), ("--since", "no-run"), ("--rule", "S-enum:/data/sx")]
)
def test_findings_of_what_does_not_exist_are_a_usage_error(nights: Nights, question: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as problem:
        cadastra("findings", *question, database=nights.database)
    assert problem.value.exit_code == 2


def test_findings_for_a_person_print_sentences(nights: Nights) -> None:
    result = CliRunner().invoke(
        app, ["findings", "--rule", "S-enum:/data/sex", "--database", nights.database]
    )
    assert "must be one of" in result.output
    assert "pessoas_fisicas.csv:" in result.output


def pages(report: Report) -> dict[str, str]:
    assert report.docs is not None
    return {path.name: path.read_text(encoding="utf-8") for path in Path(report.docs).parent.iterdir()}


def test_the_data_docs_tell_every_rule_in_portuguese(nights: Nights) -> None:
    site = pages(nights.reports[1])
    assert set(site) == {"index.html", *(f"{structure.name}.html" for structure in STRUCTURES)}
    for structure in STRUCTURES:
        page = re.sub("<wbr>", "", site[f"{structure.name}.html"])
        for rule in rules(structure.name):
            assert f"<code>{rule.id}</code>" in page
        assert "uma regra de outra versão" not in page
    told = site["personal_identifications.html"]
    assert "Documentos recusados, por regra" in told
    assert "deve ser um valor real do formato date" in told
    assert "99/99/9999" in told


def test_the_data_docs_ask_nobody_for_anything_and_show_no_value(nights: Nights) -> None:
    assert nights.reports[1].docs is not None
    root = Path(nights.reports[1].docs).parents[1]
    everything = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*.html"))
    assert not re.search(r"https?:|\bsrc=|@import|url\(|<link|fetch\(|XMLHttpRequest|[\"'(]//", everything)
    for canary in (
        "Ana",
        "Bia",
        "Canto",
        "912345678",
        "vizinho",
        CPF,
        cpf(101),
        "31/02/1990",
        "Padaria",
        "F1<",
    ):
        assert canary not in everything


def test_the_steward_s_verbs_are_the_same_on_both_databases(any_database: str, tmp_path: Path) -> None:
    exports = [write_export(tmp_path / str(day), *everybody(day), day=f"2026-11-{day:02}") for day in (1, 2)]
    first, second = (published(export, any_database, docs=tmp_path / "docs") for export in exports)
    assert first.docs is not None
    assert second.docs is not None
    stale = cadastra("explain", cpf(104), "/data/sex", database=any_database)
    (value,) = stale["documents"][0]["values"]
    assert (value["status"], stale["documents"][0]["since_run"]) == ("rejected", second.run_id)
    (left,) = cadastra("explain", "F3", "/data/sex", database=any_database)["documents"]
    assert (left["state"], left["since_run"]) == ("withdrawn", second.run_id)
    new = cadastra("findings", "--since", first.run_id, "--rule", "S-enum:/data/sex", database=any_database)
    assert [finding["source_file"] for finding in new["findings"]] == ["pessoas_fisicas.csv"]


def test_the_latest_page_leads_to_the_latest_run_and_docs_are_made_again(nights: Nights) -> None:
    assert nights.reports[1].docs is not None
    index = Path(nights.reports[1].docs)
    root = index.parents[1]
    latest = (root / "latest.html").read_text(encoding="utf-8")
    assert f"url={nights.reports[1].run_id}/index.html" in latest
    before = pages(nights.reports[1])
    shutil.rmtree(index.parent)
    result = CliRunner().invoke(
        app,
        ["docs", nights.reports[1].run_id, "--database", nights.database],
        env={"CADASTRA_DOCS": str(root)},
    )
    assert result.exit_code == 0
    assert pages(nights.reports[1]) == before


def test_docs_are_off_on_demand_beside_the_database_by_default_and_never_undo_a_run(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", natural_person())
    for options, expected in (([], True), (["--no-docs"], False)):
        report = cadastra(
            "run", "--export", str(export), *options, database=f"sqlite:///{tmp_path / f'{len(options)}.db'}"
        )
        assert (report["docs"] is not None) is expected
        assert (tmp_path / f"{len(options)}-docs").exists() is expected
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    report = published(export, f"sqlite:///{tmp_path / 'c.db'}", docs=blocked)
    assert (report.state, report.docs) == ("published", None)
    assert report.docs_problem is not None
