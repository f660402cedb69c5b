"""What cannot be read or placed: one finding with file, line and shape, the document refused, the rest served."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from customers.pseudonyms import customer_refs
from tests.bank import BF, BI, BQ, NAMES, PF, PI, PQ, SECRET, Bank
from tests.exports import Register, cnpj, company, cpf, natural_person, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.exports import Row


@dataclass(frozen=True)
class Case:
    """State one cell that is wrong, and the one finding that must come of it."""

    table: str
    column: str
    value: str
    structure: str
    occurrence: str
    rule: str
    beside: Mapping[str, Any] | None = None
    shape: str | None = None

    @property
    def name(self) -> str:
        """Name the test."""
        return f"{self.table}.{self.column}={self.value}"

    def register(self, number: int) -> Register:
        """Make the register whose one cell is wrong."""
        tables: dict[str, Any] = dict(self.beside or {})
        cell = {self.column: self.value}
        tables[self.table] = {**tables.get(self.table, {}), **cell}
        if self.structure in {BI, BQ, BF}:
            return company(self.key(number), cnpj(1000 + number), **tables)
        return natural_person(self.key(number), tables.pop("cpf", cpf(1000 + number)), **tables)

    def key(self, number: int) -> str:
        """Return the core key of the case of this number."""
        return f"K{number:03}"


NO_DAY, NO_MOMENT = "31/02/1990", "31/02/1990 10:00:00"
INCOME = {"freq_renda": "M", "valor_renda": "1,00", "moeda_renda": "BRL", "dt_renda": "31/01/2026"}
PATRIMONY = {"valor_patrimonio": "1,00", "moeda_patrimonio": "BRL", "ano_patrimonio": "2025"}
PASSPORT = {"passaporte_numero": "C1", "passaporte_pais": "CAN"}
CURRENT = {"cod_produto": "01"}

CASES = [
    Case("pessoas_fisicas", "dt_nascimento", NO_DAY, PI, "$.birthDate", "S-format:/data/birthDate", shape="99/99/9999"),
    Case("pessoas_fisicas", "cod_estado_civil", "8", PI, "$.maritalStatusCode", "S-enum:/data/maritalStatusCode", shape="9"),
    Case("pessoas_fisicas", "sexo", "X", PI, "$.sex", "S-enum:/data/sex", shape="A"),
    Case("pessoas_fisicas", "ind_nac_brasileira", "1", PI, "$.hasBrazilianNationality", "S-type:/data/hasBrazilianNationality"),
    *(
        Case(
            "pessoas_fisicas",
            column,
            NO_DAY,
            PI,
            f"$.documents.passport.{field}",
            f"S-format:/data/documents/passport/{field}",
            {"cpf": "", "pessoas_fisicas": PASSPORT},
        )
        for column, field in (("passaporte_emissao", "issueDate"), ("passaporte_validade", "expirationDate"))
    ),
    Case("pessoas_fisicas", "ts_atualizacao", NO_MOMENT, PI, "$.updateDateTime", "S-format:/data/updateDateTime"),
    Case("clientes", "cod_marca", "77", PI, "$.brandName", "X-UNMAPPED", shape="99"),
    Case("documentos", "tipo_documento", "CPF", PI, "$.otherDocuments[0].type", "S-enum:/data/otherDocuments/type"),
    Case("documentos", "validade", NO_DAY, PI, "$.otherDocuments[0].expirationDate", "S-format:/data/otherDocuments/expirationDate"),
    Case("documentos", "ts_atualizacao", "hoje", PI, "$.updateDateTime", "S-format:/data/updateDateTime", shape="AAAA"),
    Case(
        "nacionalidade_documentos",
        "emissao",
        NO_DAY,
        PI,
        "$.nationality[0].documents[0].issueDate",
        "S-format:/data/nationality/documents/issueDate",
        {"nacionalidades": {}},
    ),
    Case("filiacao", "tipo", "X", PI, "$.filiation[0].type", "S-enum:/data/filiation/type"),
    Case("enderecos", "ind_principal", "X", PI, "$.contacts.postalAddresses[0].isMain", "S-type:/data/contacts/postalAddresses/isMain"),
    Case(
        "enderecos",
        "latitude",
        "norte",
        PI,
        "$.contacts.postalAddresses[0].geographicCoordinates.latitude",
        "S-pattern:/data/contacts/postalAddresses/geographicCoordinates/latitude",
        {"enderecos": {"longitude": "-46,6"}},
    ),
    Case("telefones", "tipo", "X", PI, "$.contacts.phones[0].type", "S-enum:/data/contacts/phones/type"),
    Case("emails", "ind_principal", "X", PI, "$.contacts.emails[0].isMain", "S-type:/data/contacts/emails/isMain"),
    Case("qualificacoes_pf", "cod_ocupacao", "X", PQ, "$.occupationCode", "S-enum:/data/occupationCode", {"qualificacoes_pf": {"ocupacao": "1"}}),
    Case("qualificacoes_pf", "freq_renda", "X", PQ, "$.informedIncome.frequency", "S-enum:/data/informedIncome/frequency", {"qualificacoes_pf": INCOME}),
    *(
        Case(
            "qualificacoes_pf",
            "valor_renda",
            amount,
            PQ,
            "$.informedIncome.amount.amount",
            "S-pattern:/data/informedIncome/amount/amount",
            {"qualificacoes_pf": INCOME},
        )
        for amount in ("1.500,00", "1,23456", "mil", "15004.00")
    ),
    Case("qualificacoes_pf", "dt_renda", NO_DAY, PQ, "$.informedIncome.date", "S-format:/data/informedIncome/date", {"qualificacoes_pf": INCOME}),
    Case(
        "qualificacoes_pf",
        "ano_patrimonio",
        "20X1",
        PQ,
        "$.informedPatrimony.year",
        "S-type:/data/informedPatrimony/year",
        {"qualificacoes_pf": PATRIMONY},
        "99A9",
    ),
    Case("qualificacoes_pf", "ts_atualizacao", NO_MOMENT, PQ, "$.updateDateTime", "S-format:/data/updateDateTime"),
    Case("clientes", "dt_inicio_3040", NO_MOMENT, PF, "$.startDate", "S-format:/data/startDate"),
    Case("clientes", "dt_inicio_ccs", NO_MOMENT, PF, "$.startDate", "S-format:/data/startDate"),
    Case("produtos", "cod_produto", "77", PF, "$.productsServicesType[0]", "S-enum:/data/productsServicesType[]"),
    Case("produtos", "situacao", "Z", PF, "$.productsServicesType[0]", "S-enum:/data/productsServicesType[]", shape="A"),
    Case("produtos", "situacao", "", PF, "$.productsServicesType[0]", "S-enum:/data/productsServicesType[]", shape=""),
    Case("produtos", "ts_atualizacao", NO_MOMENT, PF, "$.updateDateTime", "S-format:/data/updateDateTime"),
    Case("contas", "tipo", "X", PF, "$.accounts[0].type", "S-enum:/data/accounts/type"),
    Case("contas", "subtipo", "X", PF, "$.accounts[0].subtype", "S-enum:/data/accounts/subtype", {"produtos": CURRENT}),
    Case("contas", "situacao", "Z", PF, "$.accounts[0].type", "S-enum:/data/accounts/type"),
    Case("contas", "ts_atualizacao", NO_MOMENT, PF, "$.updateDateTime", "S-format:/data/updateDateTime", {"produtos": CURRENT}),
    Case("representantes", "tipo", "X", PF, "$.procurators[0].type", "S-enum:/data/procurators/type"),
    Case(
        "portabilidades",
        "dt_aprovacao",
        NO_DAY,
        PF,
        "$.portabilitiesReceived[0].portabilityApprovalDate",
        "S-format:/data/portabilitiesReceived/portabilityApprovalDate",
    ),
    Case("vinculos_folha", "dt_abertura", NO_DAY, PF, "$.paychecksBankLink[0].accountOpeningDate", "S-format:/data/paychecksBankLink/accountOpeningDate"),
    Case("pessoas_juridicas", "dt_constituicao", NO_MOMENT, BI, "$.incorporationDate", "S-format:/data/incorporationDate"),
    Case("socios", "tipo_pessoa", "X", BI, "$.parties[0].personType", "S-enum:/data/parties/personType"),
    Case("socios", "perfil", "X", BI, "$.parties[0].type", "S-enum:/data/parties/type"),
    Case("socios", "dt_inicio", "1990-11-04T09:10:43", BI, "$.parties[0].startDate", "S-format:/data/parties/startDate", shape="9999-99-99A99:99:99"),
    Case("socios", "pct_participacao", "51.0", BI, "$.parties[0].shareholding", "S-pattern:/data/parties/shareholding"),
    Case("socios", "tipo_documento", "ITIN", BI, "$.parties[0].documentType", "S-enum:/data/parties/documentType"),
    Case("socios", "emissao", NO_DAY, BI, "$.parties[0].documentIssueDate", "S-format:/data/parties/documentIssueDate"),
    Case("qualificacoes_pj", "freq_faturamento", "X", BQ, "$.informedRevenue.frequency", "S-enum:/data/informedRevenue/frequency"),
    Case("qualificacoes_pj", "valor_faturamento", "x", BQ, "$.informedRevenue.amount.amount", "S-pattern:/data/informedRevenue/amount/amount"),
    Case("qualificacoes_pj", "ano_faturamento", "x", BQ, "$.informedRevenue.year", "S-type:/data/informedRevenue/year"),
    Case(
        "qualificacoes_pj",
        "dt_patrimonio",
        NO_DAY,
        BQ,
        "$.informedPatrimony.date",
        "S-format:/data/informedPatrimony/date",
        {"qualificacoes_pj": {"valor_patrimonio": "1,00", "moeda_patrimonio": "BRL"}},
    ),
    Case("atividades_economicas", "ind_principal", "X", BQ, "$.economicActivities[0].isMain", "S-type:/data/economicActivities/isMain"),
    Case("contas", "situacao", "", BF, "$.accounts[0].type", "S-enum:/data/accounts/type"),
]  # fmt: skip


class Night:
    """One run over registers, and the findings of each."""

    def __init__(self, bank: Bank, registers: Sequence[Register]) -> None:
        self.bank, self.registers = bank, registers
        self.report = bank.run(*registers)
        found = bank.query("SELECT * FROM findings WHERE run_id = :run_id", run_id=self.report.run_id)
        self.findings = found
        self.served = {name: bank.served(name) for name in NAMES}

    def of(self, key: str, structure: str | None = None, severity: str = "reject") -> list[dict[str, Any]]:
        """Return the findings on one register."""
        (ref,) = customer_refs(pa.array([key]), SECRET).to_pylist()
        wanted = {"customer_ref": ref, "severity": severity} | (
            {} if structure is None else {"structure": structure}
        )
        return [row for row in self.findings if wanted.items() <= row.items()]

    def line(self, table: str, key: str) -> int:
        """Return the line of the first row of a register in a table."""
        keys = [row["cod_cliente"] for register in self.registers for row in register.get(table, ())]
        return keys.index(key) + 2


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    folder = tmp_path_factory.mktemp("night")
    bank = Bank(folder, f"sqlite:///{folder / 'cadastra.db'}")
    return Night(bank, [*(case.register(number) for number, case in enumerate(CASES)), *PLACES])


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_a_value_that_cannot_be_read_gives_one_finding_on_its_field(night: Night, number: int) -> None:
    case = CASES[number]
    key = case.key(number)
    (finding,) = night.of(key)
    told = {name: finding[name] for name in ("structure", "occurrence", "rule", "source_file", "source_line")}
    assert told == {
        "structure": case.structure,
        "occurrence": case.occurrence,
        "rule": case.rule,
        "source_file": f"{case.table}.csv",
        "source_line": night.line(case.table, key),
    }
    assert case.shape in {None, finding["shape"]}
    kin = [name for name in NAMES if name.startswith(case.structure.split("_", 1)[0])]
    assert {name: key in night.served[name] for name in kin} == {name: name != case.structure for name in kin}


# What is not a cell: states without a field, missing and repeated rows, rows of nobody.

PLACES: list[Register] = [
    natural_person("STATUS", cpf(1), clientes={"situacao": "Z"}),
    natural_person("NOSTATUS", cpf(2), clientes={"situacao": ""}),
    natural_person("KIND", cpf(3), clientes={"tipo_pessoa": "X"}, emails=[{}, {}]),
    natural_person("TIME", cpf(4), clientes={"ts_atualizacao": "31/12/9999 23:59:59"}),
    natural_person("NODETAIL", cpf(5), pessoas_fisicas=None),
    company("NOFIRM", cnpj(5), pessoas_juridicas=None),
    natural_person("TWICE", cpf(6), pessoas_fisicas=[{}, {}]),
    natural_person("TWICEQ", cpf(7), qualificacoes_pf=[{}, {"cnpj_empresa": cnpj(1)}]),
    natural_person("AGAIN", cpf(8)),
    rows("clientes", natural_person("AGAIN", cpf(9))["clientes"][0]),
    natural_person("NOSOURCE", cpf(10), qualificacoes_pf=None),
    company("NOCNPJ", ""),
    natural_person("LOST", cpf(11), nacionalidades={}, nacionalidade_documentos=[{}, {"pais": "USA"}]),
    natural_person("CLOSED", cpf(12), clientes={"situacao": "E"}),
    rows(
        "emails",
        {"cod_cliente": "GHOST", "email": "x@example.com"},
        {"cod_cliente": "", "email": "x@example.com"},
    ),
    rows("produtos", {"cod_cliente": " GHOST ", "cod_produto": "01"}),
]


def rules(night: Night, key: str, severity: str = "reject") -> set[tuple[str, str, str]]:
    return {(row["structure"], row["occurrence"], row["rule"]) for row in night.of(key, severity=severity)}


@pytest.mark.parametrize("key", ["STATUS", "NOSTATUS"])
def test_a_state_of_the_relation_that_no_table_lists_refuses_every_document(night: Night, key: str) -> None:
    assert rules(night, key) == {(name, "$", "X-UNMAPPED") for name in (PI, PQ, PF)}
    assert {(row["source_file"], row["source_line"]) for row in night.of(key)} == {
        ("clientes.csv", night.line("clientes", key))
    }
    assert not any(key in night.served[name] for name in NAMES)


def test_a_customer_of_no_known_kind_is_found_once(night: Night) -> None:
    (finding,) = night.of("KIND")
    assert (finding["structure"], finding["rule"], finding["source_file"]) == (
        "",
        "X-UNMAPPED",
        "clientes.csv",
    )
    assert night.of("KIND", severity="warn") == []


def test_a_time_of_clientes_that_cannot_be_read_is_not_dropped(night: Night) -> None:
    assert rules(night, "TIME") == {
        (name, "$.updateDateTime", "S-format:/data/updateDateTime") for name in (PI, PQ, PF)
    }
    assert {row["source_file"] for row in night.of("TIME")} == {"clientes.csv"}


def test_without_a_detail_row_what_it_should_say_is_missing(night: Night) -> None:
    required = ["/data/birthDate", "/data/civilName", "/data/hasBrazilianNationality"]
    assert {rule for _, _, rule in rules(night, "NODETAIL")} == {f"S-required:{xpath}" for xpath in required}
    assert {rule for _, _, rule in rules(night, "NOFIRM")} == {
        "S-required:/data/companyName",
        "S-required:/data/incorporationDate",
    }
    assert {row["source_file"] for row in night.of("NODETAIL")} == {"clientes.csv"}
    assert "NODETAIL" in night.served[PQ]


@pytest.mark.parametrize(
    ("key", "table"), [("TWICE", "pessoas_fisicas"), ("TWICEQ", "qualificacoes_pf"), ("AGAIN", "clientes")]
)
def test_a_key_twice_in_a_table_of_one_row_refuses_every_document(night: Night, key: str, table: str) -> None:
    found = night.of(key)
    assert rules(night, key) == {(name, "$", "X-DUPLICATE-KEY") for name in (PI, PQ, PF)}
    assert {(row["source_file"], row["source_line"]) for row in found} == {
        (f"{table}.csv", night.line(table, key) + 1)
    }
    assert not any(key in night.served[name] for name in NAMES)


def test_no_qualification_row_is_no_document_and_no_finding(night: Night) -> None:
    assert night.of("NOSOURCE") == []
    assert "NOSOURCE" not in night.served[PQ]
    assert night.report.tallies[PQ].excluded == {"no-source": 1}


def test_a_person_with_only_a_closed_register_is_excluded_by_name(night: Night) -> None:
    assert night.report.tallies[PF].excluded == {"closed": 1}
    assert "CLOSED" in night.served[PI]
    assert "CLOSED" not in night.served[PF]


def test_a_company_without_cnpj_has_no_identification(night: Night) -> None:
    assert rules(night, "NOCNPJ") == {(BI, "$.cnpjNumber", "S-required:/data/cnpjNumber")}
    assert "NOCNPJ" in night.served[BF]


def test_rows_of_nobody_are_counted_and_reported(night: Night) -> None:
    assert night.report.orphans == {"clientes.csv": 1, "emails.csv": 2, "produtos.csv": 1}
    assert [(row["source_file"], row["rule"]) for row in night.of("GHOST", severity="warn")] == [
        ("emails.csv", "X-ORPHAN"),
        ("produtos.csv", "X-ORPHAN"),
    ]
    assert [row["rule"] for row in night.of("", severity="warn")] == ["X-NO-KEY"]


def test_a_document_of_no_nationality_is_reported_and_refuses_nothing(night: Night) -> None:
    assert (PI, "$", "X-ORPHAN") in rules(night, "LOST", "warn")
    (nationality,) = night.served[PI]["LOST"]["nationality"]
    assert len(nationality["documents"]) == 1


def test_no_finding_holds_a_value(night: Night) -> None:
    told = [
        row[name] or ""
        for row in night.findings
        for name in ("shape", "occurrence", "rule", "customer_ref", "source_file")
    ]
    assert all(re.fullmatch(r"[9A !-/:-@\[-`{-~?…]*", row["shape"] or "") for row in night.findings)
    for value in ("Lima", "Acácias", "example.com", "GHOST", "K001", cpf(1), cnpj(5), "ITIN", "Padaria"):
        assert not any(value in text for text in told)


def test_every_register_is_accounted_for(night: Night) -> None:
    tallies = night.report.tallies
    kinds = {kind: sum(1 for row in _customers() if row["tipo_pessoa"] == kind) for kind in "FJ"}
    assert kinds["F"] - 1 == tallies[PI].read  # AGAIN stands twice
    assert kinds["J"] == tallies[BI].read
    assert tallies[PI].read == tallies[PQ].read == tallies[PF].read


def _customers() -> list[Row]:
    registers = [*(case.register(number) for number, case in enumerate(CASES)), *PLACES]
    return [row for register in registers for row in register.get("clientes", ())]


def test_without_the_omitted_nothing_but_the_bad_was_refused(night: Night) -> None:
    refused = {row["customer_ref"] for row in night.findings if row["severity"] in {"reject", "halt"}}
    expected = [case.key(number) for number, case in enumerate(CASES)]
    expected += [
        "STATUS",
        "NOSTATUS",
        "KIND",
        "TIME",
        "NODETAIL",
        "NOFIRM",
        "TWICE",
        "TWICEQ",
        "AGAIN",
        "NOCNPJ",
    ]
    assert refused == set(customer_refs(pa.array(expected), SECRET).to_pylist())


def test_a_row_of_the_wrong_kind_of_person_is_reported(tmp_path: Path, sqlite_url: str) -> None:
    bank = Bank(tmp_path, sqlite_url)
    bank.run(company("J1"), rows("qualificacoes_pf", {"cod_cliente": "J1", "cnpj_empresa": cnpj(1)}))
    found = bank.query("SELECT severity, source_file, source_line FROM findings WHERE rule = 'X-WRONG-KIND'")
    assert found == [{"severity": "warn", "source_file": "qualificacoes_pf.csv", "source_line": 2}]
