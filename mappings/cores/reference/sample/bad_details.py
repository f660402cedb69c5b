"""Defects of the schema in qualifications and financial relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.cores.reference.sample.bad import RECENT, add, both, filled, put
from mappings.cores.reference.sample.homes import (
    BF,
    BQ,
    NO_DATE,
    NO_NUMBER,
    NO_TIMESTAMP,
    PF,
    PQ,
    Defect,
    Home,
    add_each,
    kind_at,
    put_each,
)

if TYPE_CHECKING:
    from mappings.cores.reference.sample.bad import BadKind

INCOME = {"freq_renda": "M", "valor_renda": "5000,00", "moeda_renda": "BRL", "dt_renda": RECENT}
WEALTH = {"valor_patrimonio": "90000,00", "moeda_patrimonio": "BRL", "ano_patrimonio": "2019"}
REVENUE = {
    "freq_faturamento": "M",
    "valor_faturamento": "50000,00",
    "moeda_faturamento": "BRL",
    "ano_faturamento": "2019",
}
ASSETS = {"valor_patrimonio": "90000,00", "moeda_patrimonio": "BRL", "dt_patrimonio": RECENT}
ACCOUNT = {"cod_compe": "041", "agencia": "0102", "numero": "00123456", "digito": "7", "tipo": "CC"}
ACCOUNT |= {"subtipo": "I", "situacao": "A"}
AGENT = {"tipo": "P", "cpf_cnpj": "123.456.789-09", "nome": "Maria Aurora"}
PORTABILITY = {
    "nome_empregador": "Aurora Alimentos Ltda",
    "doc_empregador": "12.345.678/0001-95",
    "cnpj_banco": "60701190000104",
    "ispb_banco": "60701190",
    "dt_aprovacao": RECENT,
}
PAYROLL = {name: value for name, value in PORTABILITY.items() if name != "dt_aprovacao"} | {
    "dt_abertura": RECENT
}
_LONG_NUMBER = "1234567890123456,00"


def _amounts(path: str, amount: str, currency: str, *, negative: bool) -> list[Defect]:
    """List the defects that every amount can have; ``negative``: whether it may be below zero."""
    minus = [] if negative else [(f"{path}/amount/amount", "pattern", {amount: "-100,00"})]
    return [
        *minus,
        (f"{path}/amount/amount", "required", {amount: ""}),
        (f"{path}/amount/amount", "pattern", {amount: NO_NUMBER}),
        (f"{path}/amount/amount", "pattern", {amount: "1000,12345"}),
        (f"{path}/amount/amount", "pattern", {amount: _LONG_NUMBER}),
        (f"{path}/amount/currency", "required", {currency: ""}),
    ]


_INCOMES: list[Defect] = [
    *_amounts("informedIncome", "valor_renda", "moeda_renda", negative=False),
    ("informedIncome/frequency", "enum", {"freq_renda": "Z"}),
    ("informedIncome/frequency", "required", {"freq_renda": ""}),
    ("informedIncome/date", "required", {"dt_renda": ""}),
    ("informedIncome/date", "format", {"dt_renda": NO_DATE}),
]
_WEALTHS: list[Defect] = [
    *_amounts("informedPatrimony", "valor_patrimonio", "moeda_patrimonio", negative=True),
    ("informedPatrimony/year", "required", {"ano_patrimonio": ""}),
    ("informedPatrimony/year", "type", {"ano_patrimonio": "20A1"}),
]
_PERSONAL: list[Defect] = [
    ("companyCnpj", "required", {"cnpj_empresa": ""}),
    ("companyCnpj", "maxLength pattern", {"cnpj_empresa": "975318640001001"}),
    ("occupationCode", "enum", {"cod_ocupacao": "Z", "ocupacao": "Artesã"}),
    ("occupationDescription", "maxLength", {"cod_ocupacao": "O", "ocupacao": filled("Artesã", 101)}),
    ("updateDateTime", "format", {"ts_atualizacao": NO_TIMESTAMP}),
]
_REVENUES: list[Defect] = [
    *_amounts("informedRevenue", "valor_faturamento", "moeda_faturamento", negative=True),
    ("informedRevenue/frequency", "enum", {"freq_faturamento": "Z"}),
    (
        "informedRevenue/frequencyAdditionalInfo",
        "maxLength",
        {"freq_faturamento": "O", "desc_frequencia": filled("Safra", 101)},
    ),
    ("informedRevenue/year", "type", {"ano_faturamento": "dois mil"}),
]
_ASSETS: list[Defect] = [
    *_amounts("informedPatrimony", "valor_patrimonio", "moeda_patrimonio", negative=True),
    ("informedPatrimony/date", "required", {"dt_patrimonio": ""}),
    ("informedPatrimony/date", "format", {"dt_patrimonio": NO_DATE}),
    ("updateDateTime", "format", {"ts_atualizacao": NO_TIMESTAMP}),
]
_ACTIVITIES: list[Defect] = [
    ("code", "required", {"cnae": "", "ind_principal": "N"}),
    ("code", "pattern", {"cnae": "12345678", "ind_principal": "N"}),
    ("isMain", "type", {"cnae": "6201501", "ind_principal": "X"}),
    ("isMain", "required", {"cnae": "6201501", "ind_principal": ""}),
]
_ACCOUNTS: list[Defect] = [
    ("compeCode", "required", {"cod_compe": ""}),
    ("compeCode", "maxLength pattern", {"cod_compe": "1041"}),
    ("branchCode", "maxLength pattern", {"agencia": "10102"}),
    ("number", "required", {"numero": ""}),
    ("number", "maxLength pattern", {"numero": "123456789012345678901"}),
    ("checkDigit", "required", {"digito": ""}),
    ("checkDigit", "maxLength", {"digito": "17"}),
    ("type", "enum", {"tipo": "CS"}),
    ("type", "required", {"tipo": ""}),
]
_SUBTYPES: list[Defect] = [("subtype", "enum", {"subtipo": "X"}), ("subtype", "required", {"subtipo": ""})]
_AGENTS: list[Defect] = [
    ("type", "enum", {"tipo": "X"}),
    ("type", "required", {"tipo": ""}),
    ("civilName", "required", {"nome": ""}),
    ("civilName", "maxLength", {"nome": filled("Maria", 71)}),
    ("socialName", "maxLength", {"nome_social": filled("Aurora", 71)}),
]


def _payers(bank: str, date: str, date_column: str) -> list[Defect]:
    """List the defects of portabilities and payroll links; ``bank``: how the names of its numbers begin."""
    return [
        ("employerName", "required", {"nome_empregador": ""}),
        ("employerName", "maxLength", {"nome_empregador": filled("Companhia", 81)}),
        ("employerCnpjCpf", "required", {"doc_empregador": ""}),
        ("employerCnpjCpf", "maxLength pattern", {"doc_empregador": "123456780001950"}),
        (f"{bank}Cnpj", "required", {"cnpj_banco": ""}),
        (f"{bank}Cnpj", "maxLength pattern", {"cnpj_banco": "607011900001040"}),
        (f"{bank}Ispb", "required", {"ispb_banco": ""}),
        (f"{bank}Ispb", "maxLength pattern", {"ispb_banco": "607011901"}),
        (date, "required", {date_column: ""}),
        (date, "format", {date_column: NO_DATE}),
    ]


def _relations(structure: str, who: str, procurator: str, long_number: str) -> list[BadKind]:
    """List the defects that financial relations of persons and of companies share."""
    ended = both(put("produtos", situacao="E"), put("contas", situacao="E"))
    unstarted = put("clientes", dt_inicio_3040="", dt_inicio_ccs="")
    agents = [
        *_AGENTS,
        (procurator, "required", {"cpf_cnpj": ""}),
        (procurator, "maxLength pattern", {"cpf_cnpj": long_number}),
    ]
    customers, products = Home(structure, who, "clientes"), Home(structure, who, "produtos")
    unknown = add("produtos", cod_produto="77", situacao="A")
    return [
        kind_at(customers, "startDate", "required", unstarted, {}),
        *put_each(customers, {}, [("startDate", "format", {"dt_inicio_3040": NO_TIMESTAMP})]),
        *put_each(products, {}, [("updateDateTime", "format", {"ts_atualizacao": NO_TIMESTAMP})]),
        kind_at(products, "productsServicesType", "minItems", ended, {}),
        kind_at(products, "productsServicesType[]", "enum", unknown, {}),
        *add_each(Home(structure, f"{who} checking", "contas", "accounts"), ACCOUNT, _ACCOUNTS),
        *add_each(Home(structure, who, "representantes", "procurators"), AGENT, agents),
    ]


_FREE_TEXT = both(
    add("produtos", cod_produto="99", situacao="A"),
    put("pessoas_fisicas", desc_outros_produtos=filled("Consórcio", 101)),
)

_PQ_HOME = Home(PQ, "F qualified", "qualificacoes_pf")
_BQ_HOME = Home(BQ, "J qualified", "qualificacoes_pj")
_PORTABILITY_DEFECTS = _payers("paycheckBankDetainer", "portabilityApprovalDate", "dt_aprovacao")
_PAYROLL_DEFECTS = _payers("paycheckBank", "accountOpeningDate", "dt_abertura")

DETAIL_KINDS: tuple[BadKind, ...] = (
    *put_each(_PQ_HOME, INCOME, _INCOMES),
    *put_each(_PQ_HOME, WEALTH, _WEALTHS),
    *put_each(_PQ_HOME, {}, _PERSONAL),
    *put_each(_BQ_HOME, REVENUE, _REVENUES),
    *put_each(_BQ_HOME, ASSETS, _ASSETS),
    *add_each(Home(BQ, "J active", "atividades_economicas", "economicActivities"), {}, _ACTIVITIES),
    *_relations(PF, "F", "cpfNumber", "123456789012"),
    *_relations(BF, "J", "cnpjCpfNumber", "123456780001950"),
    *add_each(Home(PF, "F checking", "contas", "accounts"), ACCOUNT, _SUBTYPES),
    kind_at(Home(PF, "F", "produtos"), "productsServicesTypeAdditionalInfo", "maxLength", _FREE_TEXT, {}),
    *add_each(Home(PF, "F", "portabilidades", "portabilitiesReceived"), PORTABILITY, _PORTABILITY_DEFECTS),
    # Links are not sent of who has a salary account only.
    *add_each(Home(PF, "F checking", "vinculos_folha", "paychecksBankLink"), PAYROLL, _PAYROLL_DEFECTS),
)
