"""What the mapping owes to the reference core's layout, sentence by sentence: exports in, documents out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mappings.cores.reference.sample.layout import COLUMNS
from tests.bank import BF, BI, BQ, NAMES, PF, PI, PQ, documents_of, mapped
from tests.exports import CNPJ, CPF, Row, cnpj, company, cpf, natural_person, write_export

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Mapper = Callable[..., dict[str, dict[str, dict[str, Any]]]]
    OneMapper = Callable[..., dict[str, Any]]

EMPLOYER = {"employerName": "Padaria Exemplo Ltda", "employerCnpjCpf": CNPJ}


@pytest.fixture
def documents(tmp_path: Path) -> Mapper:
    """Return a function that maps registers to documents by structure and core key."""
    return lambda *registers, **options: documents_of(tmp_path / "export", *registers, **options)


@pytest.fixture
def person(documents: Mapper) -> OneMapper:
    """Return a function from a structure and the tables of one natural person to the document."""
    return lambda structure, **tables: documents(natural_person("F1", **tables))[structure]["F1"]


@pytest.fixture
def firm(documents: Mapper) -> OneMapper:
    """Return a function from a structure and the tables of one company to the document."""
    return lambda structure, **tables: documents(company("J1", **tables))[structure]["J1"]


# Every column of every table, in its place.


def test_a_whole_natural_person(documents: Mapper) -> None:
    found = documents(whole_natural_person())
    identification = found[PI]["F1"]
    assert len(identification.pop("personalId")) == 36
    assert identification == {
        "updateDateTime": "2026-11-19T13:00:00Z",
        "brandName": "Cadastra Digital",
        "civilName": "Ana Lima",
        "socialName": "Aninha",
        "birthDate": "1990-05-21",
        "maritalStatusCode": "OUTRO",
        "maritalStatusAdditionalInfo": "Em separação",
        "sex": "FEMININO",
        "companiesCnpj": [CNPJ, cnpj(2)],
        "documents": {"cpfNumber": CPF},
        "otherDocuments": [
            {
                "type": "OUTROS",
                "typeAdditionalInfo": "Carteira de ofício",
                "number": "12.345-X",
                "checkDigit": "7",
                "additionalInfo": "SSP/SP",
                "expirationDate": "2030-01-31",
            },
            {"type": "CNH", "number": "0123"},
        ],
        "hasBrazilianNationality": False,
        "nationality": [
            {
                "otherNationalitiesInfo": "CAN",
                "documents": [
                    {
                        "type": "PASSPORT",
                        "number": "C1",
                        "expirationDate": "2031-02-28",
                        "issueDate": "2020-02-29",
                        "country": "Canadá",
                        "additionalInfo": "renovado",
                    },
                    {"type": "ID", "number": "C2"},
                ],
            },
            {"otherNationalitiesInfo": "USA", "documents": [{"type": "PASSPORT", "number": "U1"}]},
        ],
        "filiation": [
            {"type": "MAE", "civilName": "Rita Lima", "socialName": "Rita"},
            {"type": "PAI", "civilName": "José Lima"},
        ],
        "contacts": {
            "postalAddresses": [
                {
                    "isMain": True,
                    "address": "Rua das Acácias, 10",
                    "additionalInfo": "Apto 3",
                    "districtName": "Centro",
                    "townName": "São Paulo",
                    "ibgeTownCode": "3550308",
                    "countrySubDivision": "SP",
                    "postCode": "01310100",
                    "country": "Brasil",
                    "countryCode": "BRA",
                    "geographicCoordinates": {"latitude": "-23.5505200", "longitude": "-46.633300"},
                }
            ],
            "phones": [
                {
                    "isMain": True,
                    "type": "OUTRO",
                    "additionalInfo": "Recado",
                    "countryCallingCode": "55",
                    "areaCode": "11",
                    "number": "22345678",
                    "phoneExtension": "12",
                }
            ],
            "emails": [{"isMain": False, "email": "ana.lima@example.com"}],
        },
    }
    assert found[PQ]["F1"] == {
        "updateDateTime": "2026-11-19T13:00:00Z",
        "companyCnpj": CNPJ,
        "occupationCode": "CBO",
        "occupationDescription": "2124-05",
        "informedIncome": {
            "frequency": "MENSAL",
            "amount": {"amount": "15004.00", "currency": "BRL"},
            "date": "2026-01-31",
        },
        "informedPatrimony": {"amount": {"amount": "-100.0004", "currency": "USD"}, "year": 2025},
    }
    assert found[PF]["F1"] == {
        "updateDateTime": "2026-11-19T13:00:00Z",
        "startDate": "2015-03-10T03:00:00Z",
        "productsServicesType": ["CONTA_DEPOSITO_A_VISTA", "OUTROS"],
        "productsServicesTypeAdditionalInfo": "Consórcio",
        "procurators": [
            {"type": "PROCURADOR", "cpfNumber": cpf(7), "civilName": "Rita Lima", "socialName": "Rita"},
            {"type": "REPRESENTANTE_LEGAL", "cpfNumber": CPF, "civilName": "Rita Lima"},
        ],
        "accounts": [
            {
                "compeCode": "001",
                "branchCode": "0123",
                "number": "00001234",
                "checkDigit": "X",
                "type": "CONTA_DEPOSITO_A_VISTA",
                "subtype": "CONJUNTA_SOLIDARIA",
            }
        ],
        "portabilitiesReceived": [
            {
                **EMPLOYER,
                "paycheckBankDetainerCnpj": cnpj(2),
                "paycheckBankDetainerIspb": "00000208",
                "portabilityApprovalDate": "2024-02-29",
            }
        ],
        "paychecksBankLink": [
            {
                "employerName": "Ana Lima",
                "employerCnpjCpf": cpf(191),
                "paycheckBankCnpj": cnpj(2),
                "paycheckBankIspb": "00000000",
                "accountOpeningDate": "2020-01-31",
            }
        ],
    }


def whole_natural_person(key: str = "F1", tax_id: str = CPF) -> dict[str, Sequence[Row]]:
    """Fill every column that a natural person may have at once."""
    return dict(
        natural_person(
            key,
            tax_id,
            clientes={"cod_marca": "02"},
            pessoas_fisicas={
                "nome_social": "Aninha",
                "cod_estado_civil": "9",
                "desc_estado_civil": "Em separação",
                "ind_nac_brasileira": "N",
                "desc_outros_produtos": "Consórcio",
            },
            empresas_cadastro=[{}, {"cnpj_empresa": cnpj(2)}],
            documentos=[
                {
                    "tipo_documento": "OUT",
                    "desc_tipo": "Carteira de ofício",
                    "numero": "12.345-X",
                    "digito": "7",
                    "orgao_emissor": "SSP/SP",
                    "validade": "31/01/2030",
                },
                {"numero": "0123"},
            ],
            nacionalidades=[{}, {"pais": "USA"}],
            nacionalidade_documentos=[
                {
                    "emissao": "29/02/2020",
                    "validade": "28/02/2031",
                    "pais_emissor": "Canadá",
                    "complemento": "renovado",
                },
                {"pais": "USA", "numero": "U1"},
                {"tipo": "ID", "numero": "C2"},
            ],
            filiacao=[{"nome_social": "Rita"}, {"tipo": "P", "nome_civil": "José Lima"}],
            enderecos={
                "complemento": "Apto 3",
                "bairro": "Centro",
                "cep": "1310-100",
                "latitude": "-23,5505200",
                "longitude": "-46.633300",
            },
            telefones={
                "tipo": "O",
                "desc_tipo": "Recado",
                "ddd": "011",
                "numero": "2234-5678",
                "ramal": "12",
            },
            emails={"ind_principal": "N", "email": "ana.lima@example.com"},
            qualificacoes_pf={
                "cod_ocupacao": "C",
                "ocupacao": "2124-05",
                "freq_renda": "M",
                "valor_renda": "15004,0",
                "moeda_renda": "BRL",
                "dt_renda": "31/01/2026",
                "valor_patrimonio": "-100,00040",
                "moeda_patrimonio": "USD",
                "ano_patrimonio": "2025",
            },
            produtos=[{"cod_produto": "01"}, {"cod_produto": "99"}],
            contas={"cod_compe": "1", "agencia": "123", "numero": "1234", "digito": "X", "subtipo": "C"},
            representantes=[{"cpf_cnpj": cpf(7), "nome_social": "Rita"}, {"tipo": "R"}],
            portabilidades={"cnpj_banco": cnpj(2), "ispb_banco": "208", "dt_aprovacao": "29/02/2024"},
            vinculos_folha={
                "nome_empregador": "Ana Lima",
                "doc_empregador": cpf(191).lstrip("0"),
                "cnpj_banco": cnpj(2),
                "ispb_banco": "0",
                "dt_abertura": "31/01/2020",
            },
        )
    )


def test_a_whole_company(documents: Mapper) -> None:
    found = documents(whole_company())
    identification = found[BI]["J1"]
    assert len(identification.pop("businessId")) == 36
    contacts = identification.pop("contacts")
    assert [len(contacts[name]) for name in ("postalAddresses", "phones", "emails")] == [1, 1, 1]
    assert identification == {
        "updateDateTime": "2026-11-19T13:00:00Z",
        "brandName": "Cadastra Empresas",
        "companyName": "Padaria Exemplo Ltda",
        "tradeName": "Padaria",
        "incorporationDate": "2001-03-01T03:00:00Z",
        "cnpjNumber": CNPJ,
        "companiesCnpj": [CNPJ],
        "otherDocuments": [
            {"type": "EIN nº", "number": "98-7", "country": "USA", "expirationDate": "2030-01-31"}
        ],
        "parties": [
            {
                "personType": "PESSOA_NATURAL",
                "type": "SOCIO",
                "civilName": "Ana Lima",
                "socialName": "Aninha",
                "startDate": "2001-03-01T03:00:00Z",
                "shareholding": "0.510000",
                "documentType": "CPF",
                "documentNumber": CPF,
                "documentAdditionalInfo": "2a via",
                "documentCountry": "BRA",
                "documentExpirationDate": "2030-01-31",
                "documentIssueDate": "2020-01-31",
            },
            {
                "personType": "PESSOA_JURIDICA",
                "type": "ADMINISTRADOR",
                "companyName": "Moinho Ltda",
                "tradeName": "Moinho",
                "documentType": "CNPJ",
                "documentNumber": cnpj(2),
            },
            {
                "personType": "PESSOA_NATURAL",
                "type": "ADMINISTRADOR",
                "civilName": "Rita Lima",
                "documentType": "PASSAPORTE",
                "documentNumber": "0.C-1",
            },
            {
                "personType": "PESSOA_NATURAL",
                "type": "ADMINISTRADOR",
                "civilName": "José Lima",
                "documentType": "OUTRO_DOCUMENTO_VIAGEM",
                "documentNumber": "77",
            },
        ],
    }
    assert found[BQ]["J1"] == {
        "updateDateTime": "2026-11-19T13:00:00Z",
        "economicActivities": [{"code": "0111301", "isMain": False}, {"code": "1091102", "isMain": True}],
        "informedRevenue": {
            "frequency": "OUTROS",
            "frequencyAdditionalInfo": "Safra",
            "amount": {"amount": "100000.04", "currency": "BRL"},
            "year": 2025,
        },
        "informedPatrimony": {"amount": {"amount": "7.00", "currency": "BRL"}, "date": "2026-01-31"},
    }
    assert found[BF]["J1"] == {
        "updateDateTime": "2026-11-19T13:00:00Z",
        "startDate": "2015-03-10T03:00:00Z",
        "productsServicesType": ["CONTA_PAGAMENTO_PRE_PAGA", "OUTROS"],
        "procurators": [
            {"type": "PROCURADOR", "cnpjCpfNumber": cnpj(2), "civilName": "Rita Lima"},
            {"type": "REPRESENTANTE_LEGAL", "cnpjCpfNumber": CPF, "civilName": "Rita Lima"},
        ],
        "accounts": [
            {"compeCode": "001", "number": "00001234", "checkDigit": "5", "type": "CONTA_PAGAMENTO_PRE_PAGA"}
        ],
    }


def whole_company(key: str = "J1", tax_id: str = CNPJ) -> dict[str, Sequence[Row]]:
    """Fill every column that a company may have at once."""
    return dict(
        company(
            key,
            tax_id,
            clientes={"cod_marca": "03"},
            pessoas_juridicas={"nome_fantasia": "Padaria"},
            documentos={
                "tipo_documento": "EIN nº",
                "numero": "98-7",
                "pais": "USA",
                "validade": "31/01/2030",
            },
            enderecos={},
            telefones={},
            emails={},
            qualificacoes_pj={
                "freq_faturamento": "O",
                "desc_frequencia": "Safra",
                "valor_faturamento": "100000,0400",
                "ano_faturamento": "2025",
                "valor_patrimonio": "7",
                "moeda_patrimonio": "BRL",
                "dt_patrimonio": "31/01/2026",
            },
            atividades_economicas=[{"cnae": "111301", "ind_principal": "N"}, {"cnae": "1091-1/02"}],
            socios=[
                {
                    "nome_social": "Aninha",
                    "dt_inicio": "01/03/2001 00:00:00",
                    "compl_documento": "2a via",
                    "pais_documento": "BRA",
                    "emissao": "31/01/2020",
                    "validade": "31/01/2030",
                },
                {
                    "tipo_pessoa": "J",
                    "perfil": "A",
                    "nome_civil": "",
                    "razao_social": "Moinho Ltda",
                    "nome_fantasia": "Moinho",
                    "pct_participacao": "",
                    "tipo_documento": "CNPJ",
                    "numero_documento": cnpj(2).lstrip("0"),
                },
                {
                    "perfil": "A",
                    "nome_civil": "Rita Lima",
                    "pct_participacao": "",
                    "tipo_documento": "PAS",
                    "numero_documento": "0.C-1",
                },
                {
                    "perfil": "A",
                    "nome_civil": "José Lima",
                    "pct_participacao": "",
                    "tipo_documento": "ODV",
                    "numero_documento": "77",
                },
            ],
            produtos=[{"cod_produto": "03"}, {"cod_produto": "99"}],
            contas={"tipo": "PP", "subtipo": ""},
            representantes=[{"cpf_cnpj": f"{cnpj(2)[:8]}/{cnpj(2)[8:12]}-{cnpj(2)[12:]}"}, {"tipo": "R"}],
        )
    )


def test_the_same_export_as_csv_and_as_parquet_gives_identical_documents(tmp_path: Path) -> None:
    registers = [
        whole_natural_person(),
        whole_company(),
        natural_person("F2", cpf(2)),
        company("J2", cnpj(9)),
    ]
    csv = documents_of(tmp_path / "csv", *registers)
    assert documents_of(tmp_path / "parquet", *registers, file_format="parquet") == csv
    assert documents_of(tmp_path / "lf", *registers, line_end="\n") == csv


def test_buckets_of_any_size_give_the_same_documents(tmp_path: Path) -> None:
    registers = [natural_person(f"F{number}", cpf(number // 2)) for number in range(2, 9)]
    folder = write_export(
        tmp_path, *registers, whole_natural_person("F1", cpf(1)), whole_company(), natural_person("F9", "")
    )
    whole = mapped(folder)
    assert all(mapped(folder, bucket_size=size) == whole for size in (1, 2, 3))
    assert {name: len(found) for name, found in whole.items()} == {PI: 9, BI: 1, PQ: 5, BQ: 1, PF: 5, BF: 1}


@pytest.mark.parametrize("table", [table for table in COLUMNS if table != "clientes"])
def test_any_table_may_be_empty_or_absent(tmp_path: Path, table: str) -> None:
    rest = [
        {name: rows for name, rows in who.items() if name != table}
        for who in (whole_natural_person(), whole_company())
    ]
    empty = documents_of(tmp_path / "empty", *rest)
    assert documents_of(tmp_path / "absent", *rest, absent=[table]) == empty
    assert empty[PI].keys() == {"F1"}


def test_no_customers_at_all(tmp_path: Path) -> None:
    nobody: dict[str, Any] = {name: {} for name in NAMES}
    assert documents_of(tmp_path / "empty") == nobody
    assert documents_of(tmp_path / "parquet", file_format="parquet") == nobody
    assert documents_of(tmp_path / "absent", absent=["clientes"]) == nobody
    assert documents_of(tmp_path / "nothing", absent=list(COLUMNS)) == nobody


# One code after the other.

CODES: list[tuple[str, str, str, list[str], str]] = [
    ("pessoas_fisicas", "cod_estado_civil", PI, ["maritalStatusCode"],
     "1 SOLTEIRO 2 CASADO 3 VIUVO 4 SEPARADO_JUDICIALMENTE 5 DIVORCIADO 6 UNIAO_ESTAVEL 9 OUTRO"),
    ("pessoas_fisicas", "sexo", PI, ["sex"], "F FEMININO M MASCULINO O OUTRO"),
    ("documentos", "tipo_documento", PI, ["otherDocuments", "type"], "CNH CNH RG RG NIF NIF RNE RNE OUT OUTROS"),
    ("filiacao", "tipo", PI, ["filiation", "type"], "M MAE P PAI"),
    ("telefones", "tipo", PI, ["contacts", "phones", "type"], "F FIXO M MOVEL O OUTRO"),
    ("qualificacoes_pf", "cod_ocupacao", PQ, ["occupationCode"], "R RECEITA_FEDERAL C CBO O OUTRO"),
    ("qualificacoes_pf", "freq_renda", PQ, ["informedIncome", "frequency"],
     "D DIARIA S SEMANAL Q QUINZENAL M MENSAL B BIMESTRAL T TRIMESTRAL E SEMESTRAL A ANUAL O OUTROS"),
    ("produtos", "cod_produto", PF, ["productsServicesType"],
     ("01 CONTA_DEPOSITO_A_VISTA 02 CONTA_POUPANCA 03 CONTA_PAGAMENTO_PRE_PAGA 04 CARTAO_CREDITO 05 OPERACAO_CREDITO "
     "06 SEGURO 07 PREVIDENCIA 08 INVESTIMENTO 09 OPERACOES_CAMBIO 10 CONTA_SALARIO 11 CREDENCIAMENTO 99 OUTROS")),
    ("contas", "tipo", PF, ["accounts", "type"],
     "CC CONTA_DEPOSITO_A_VISTA CP CONTA_POUPANCA PP CONTA_PAGAMENTO_PRE_PAGA"),
    ("contas", "subtipo", PF, ["accounts", "subtype"], "I INDIVIDUAL S CONJUNTA_SIMPLES C CONJUNTA_SOLIDARIA"),
    ("representantes", "tipo", PF, ["procurators", "type"], "R REPRESENTANTE_LEGAL P PROCURADOR"),
    ("clientes", "cod_marca", PI, ["brandName"], "01 Banco_Cadastra 02 Cadastra_Digital 03 Cadastra_Empresas"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "column", "structure", "path", "codes"), CODES, ids=[f"{c[0]}.{c[1]}" for c in CODES]
)
def test_every_code_has_its_meaning(
    documents: Mapper, table: str, column: str, structure: str, path: list[str], codes: str
) -> None:
    words = codes.split()
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    registers = [
        natural_person(f"F{code}", cpf(number), **{table: {column: code}})
        for number, code in enumerate(pairs, 1)
    ]
    found = documents(*registers)[structure]
    for code, meaning in pairs.items():
        value: Any = found[f"F{code}"]
        for step in path:
            value = value[step]
            value = value[0] if isinstance(value, list) else value
        assert value == (meaning if step != "brandName" else meaning.replace("_", " "))


# What the mapping owes.


@pytest.mark.parametrize(
    ("street", "number", "told"),
    [("Rua A", "10", "Rua A, 10"), ("Rua A", "", "Rua A"), ("Rua A", "S/N", "Rua A, S/N")],
)
def test_street_and_number_make_one_address(person: OneMapper, street: str, number: str, told: str) -> None:
    found = person(PI, enderecos={"logradouro": street, "numero": number})
    assert found["contacts"]["postalAddresses"][0]["address"] == told


@pytest.mark.parametrize(
    ("role", "percent", "told"),
    [
        ("S", "51,000000", "0.510000"),
        ("S", "25,000000", "0.250000"),
        ("S", "24,9999999999", None),
        ("S", "33,33335", "0.333334"),
        ("S", "33,33345", "0.333334"),
        ("S", "100", "1.000000"),
        ("A", "24,9999999999", "0.250000"),
        ("A", "0,000000", "0.000000"),
    ],
)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_shares_are_compared_and_then_rounded(
    documents: Mapper, role: str, percent: str, told: str | None, file_format: str
) -> None:
    if file_format == "parquet" and len(percent) > 12:
        percent = "24,99999999"
    parties = documents(
        company(socios={"perfil": role, "pct_participacao": percent}), file_format=file_format
    )[BI]["J1"]["parties"]
    assert [party["shareholding"] for party in parties] == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("100000,0400", "100000.04"),
        ("100000", "100000.00"),
        ("1,5", "1.50"),
        ("1,2345", "1.2345"),
        ("1,23450000", "1.2345"),
        ("1,23456", "1.23456"),
        ("-0,50", "-0.50"),
        ("0", "0.00"),
    ],
)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_amounts_keep_two_to_four_decimals_and_are_never_rounded(
    documents: Mapper, amount: str, told: str, file_format: str
) -> None:
    found = documents(company(qualificacoes_pj={"valor_faturamento": amount}), file_format=file_format)[BQ][
        "J1"
    ]
    assert found["informedRevenue"]["amount"]["amount"] == told


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("10/03/2015 00:00:00", "11/03/2015 00:00:00", "2015-03-10T03:00:00Z"),
        ("12/03/2015 00:00:00", "11/03/2015 00:00:00", "2015-03-11T03:00:00Z"),
        ("", "11/03/2015 00:00:00", "2015-03-11T03:00:00Z"),
        ("10/03/2015 00:00:00", "01/01/0001", "2015-03-10T03:00:00Z"),
    ],
)
def test_the_relation_starts_with_the_earlier_start(
    person: OneMapper, first: str, second: str, told: str
) -> None:
    assert person(PF, clientes={"dt_inicio_3040": first, "dt_inicio_ccs": second})["startDate"] == told


def at(day: int) -> Row:
    """Say when a row was changed: a day of January 2026."""
    return {"ts_atualizacao": f"{day:02}/01/2026 09:00:00"}


def changed(day: int) -> str:
    return f"2026-01-{day:02}T12:00:00Z"


NONE = {"ts_atualizacao": ""}
OWN_TABLES = {
    PI: ("pessoas_fisicas", "documentos", "nacionalidades", "enderecos", "telefones", "emails"),
    PQ: ("qualificacoes_pf",),
    PF: ("produtos", "contas", "representantes"),
}


@pytest.mark.parametrize(
    ("structure", "table"), [(name, table) for name in OWN_TABLES for table in OWN_TABLES[name]]
)
def test_a_document_was_updated_with_the_latest_row_of_its_own_tables(
    documents: Mapper, structure: str, table: str
) -> None:
    tables: dict[str, Any] = {name: at(2) for names in OWN_TABLES.values() for name in names} | {
        "clientes": at(9)
    }
    found = documents(
        natural_person(
            **tables
            | {table: [at(3), at(5), at(4)] if table[:1] not in "pq" or table == "produtos" else at(5)}
        )
    )
    assert {name: found[name]["F1"]["updateDateTime"] for name in OWN_TABLES} == {
        name: changed(5 if name == structure else 2) for name in OWN_TABLES
    }


@pytest.mark.parametrize("structure", [BI, BQ, BF])
def test_companies_have_own_tables_too(documents: Mapper, structure: str) -> None:
    tables = {BI: "pessoas_juridicas", BQ: "qualificacoes_pj", BF: "produtos"}
    rest: dict[str, Any] = {table: at(2) for table in tables.values()} | {
        tables[structure]: at(5),
        "clientes": at(9),
    }
    found = documents(company(**rest, socios={}, atividades_economicas={}))
    assert {name: found[name]["J1"]["updateDateTime"] for name in tables} == {
        name: changed(5 if name == structure else 2) for name in tables
    }


def test_where_a_row_has_no_time_that_of_clientes_stands_for_that_row_alone(person: OneMapper) -> None:
    assert person(PF, clientes=at(3), produtos=[at(2), NONE])["updateDateTime"] == changed(3)
    assert person(PF, clientes=at(3), produtos=[at(5), NONE])["updateDateTime"] == changed(5)
    assert person(PF, clientes=at(3), produtos=[at(2), at(1)])["updateDateTime"] == changed(2)


def test_without_a_row_the_time_of_clientes_holds(documents: Mapper) -> None:
    found = documents(
        natural_person(clientes=at(3), produtos=None),
        company(clientes=at(4), qualificacoes_pj=None, atividades_economicas={}),
    )
    assert found[PF]["F1"]["updateDateTime"] == changed(3)
    assert found[BQ]["J1"] == {
        "updateDateTime": changed(4),
        "economicActivities": [{"code": "1091102", "isMain": True}],
    }


def test_closed_rows_count_for_the_time_and_for_nothing_else(person: OneMapper) -> None:
    found = person(
        PF,
        produtos=[at(2), {"cod_produto": "01", "situacao": "E", **at(6)}],
        contas={"situacao": "E", **at(5)},
    )
    assert found["updateDateTime"] == changed(6)
    assert (found["productsServicesType"], found["accounts"]) == (["SEGURO"], [])


@pytest.mark.parametrize("kind", ["F", "M"])
def test_a_note_on_a_telephone_stays_only_for_others(person: OneMapper, kind: str) -> None:
    assert (
        "additionalInfo"
        not in person(PI, telefones={"tipo": kind, "desc_tipo": "Recado"})["contacts"]["phones"][0]
    )


def test_notes_without_their_condition_are_not_sent(documents: Mapper) -> None:
    found = documents(
        natural_person(
            pessoas_fisicas={"cod_estado_civil": "2", "desc_estado_civil": "x", "desc_outros_produtos": "x"},
            documentos={"tipo_documento": "RG", "desc_tipo": "x"},
        ),
        company(
            qualificacoes_pj={"freq_faturamento": "M", "desc_frequencia": "x"},
            socios=[{"razao_social": "x"}, {"tipo_pessoa": "J", "razao_social": "Moinho", "nome_civil": "x"}],
        ),
    )
    assert '"x"' not in str(found).replace("'", '"')


def test_a_passport_is_sent_by_who_has_no_cpf(documents: Mapper) -> None:
    passport = {
        "passaporte_numero": "CX12",
        "passaporte_pais": "CAN",
        "passaporte_emissao": "01/02/2020",
        "passaporte_validade": "01/02/2030",
    }
    found = documents(
        natural_person("F1", "000.000.000-00", pessoas_fisicas=passport),
        natural_person("F2", CPF, pessoas_fisicas=passport),
    )
    assert found[PI]["F1"]["documents"] == {
        "passport": {
            "number": "CX12",
            "country": "CAN",
            "expirationDate": "2030-02-01",
            "issueDate": "2020-02-01",
        }
    }
    assert found[PI]["F2"]["documents"] == {"cpfNumber": CPF}


@pytest.mark.parametrize(("kind", "told"), [("CC", "0001"), ("CP", "0001"), ("PP", None)])
def test_a_prepaid_account_has_no_branch(documents: Mapper, kind: str, told: str | None) -> None:
    found = documents(natural_person(contas={"tipo": kind}), company(contas={"tipo": kind}))
    assert {
        found[PF]["F1"]["accounts"][0].get("branchCode"),
        found[BF]["J1"]["accounts"][0].get("branchCode"),
    } == {told}


@pytest.mark.parametrize(("ddi", "told"), [("55", "55"), ("+55", "55"), ("1", "1"), ("", None)])
def test_the_country_calling_code_is_sent_if_there_is_one(
    person: OneMapper, ddi: str, told: str | None
) -> None:
    assert person(PI, telefones={"ddi": ddi})["contacts"]["phones"][0].get("countryCallingCode") == told


@pytest.mark.parametrize(
    ("approved", "day", "sent"),
    [
        ("20/11/2021", "2026-11-20", True),
        ("19/11/2021", "2026-11-20", False),
        ("28/02/2023", "2028-02-29", True),
        ("27/02/2023", "2028-02-29", False),
    ],
)
def test_a_portability_lasts_five_years_to_the_day(
    documents: Mapper,
    approved: str,
    day: str,
    sent: bool,  # noqa: FBT001 (a table of cases)
) -> None:
    found = documents(natural_person(portabilidades={"dt_aprovacao": approved}), day=day)[PF]["F1"]
    assert ("portabilitiesReceived" in found) is sent


@pytest.mark.parametrize(
    ("products", "sent"),
    [
        (["10"], False),
        (["10", "10"], False),
        (["10", "01"], True),
        (["01"], True),
    ],
)
def test_no_payroll_link_of_a_person_with_nothing_but_a_salary_account(
    person: OneMapper,
    products: list[str],
    sent: bool,  # noqa: FBT001
) -> None:
    found = person(PF, produtos=[{"cod_produto": code} for code in products], vinculos_folha={})
    assert ("paychecksBankLink" in found) is sent


def test_a_closed_product_does_not_save_the_payroll_link(person: OneMapper) -> None:
    products = [{"cod_produto": "10"}, {"cod_produto": "01", "situacao": "E"}]
    assert "paychecksBankLink" not in person(PF, produtos=products, vinculos_folha={})


def test_documents_of_a_nationality_go_to_the_first_of_its_name_in_source_order(person: OneMapper) -> None:
    found = person(
        PI,
        nacionalidades=[{"pais": "USA"}, {"pais": " CAN "}, {"pais": "USA"}],
        nacionalidade_documentos=[
            {"pais": "CAN", "numero": "1"},
            {"pais": "USA", "numero": "2"},
            {"pais": "CAN", "numero": "3"},
        ],
    )
    numbers = [[document["number"] for document in one["documents"]] for one in found["nationality"]]
    assert numbers == [["2"], ["1", "3"], []]


# The person: a tax id, and all its registers.


def test_several_registers_give_one_identification_each_and_one_relation(documents: Mapper) -> None:
    found = documents(
        natural_person("F2", CPF, produtos=[{"cod_produto": "05"}, {"cod_produto": "06"}]),
        natural_person("F10", "123.456.789-09", produtos=[{"cod_produto": "06"}, {"cod_produto": "04"}]),
        natural_person(
            "F3",
            CPF.lstrip("0"),
            produtos={"cod_produto": "08"},
            clientes={"dt_inicio_ccs": "01/01/2001 00:00:00"},
        ),
    )
    assert found[PI].keys() == {"F2", "F10", "F3"}
    assert {name: list(found[name]) for name in (PQ, PF)} == {PQ: ["F10"], PF: ["F10"]}
    relation = found[PF]["F10"]
    assert relation["productsServicesType"] == [
        "SEGURO",
        "CARTAO_CREDITO",
        "OPERACAO_CREDITO",
        "INVESTIMENTO",
    ]
    assert relation["startDate"] == "2001-01-01T02:00:00Z"


def test_lists_are_in_order_of_core_key_and_then_source_line(documents: Mapper) -> None:
    one = natural_person("B", CPF, representantes=[{"nome": "b1"}, {"nome": "a2"}, {"nome": "b1"}])
    other = natural_person("A", CPF, representantes=[{"nome": "z1"}, {"nome": "b1"}])
    names = [procurator["civilName"] for procurator in documents(one, other)[PF]["A"]["procurators"]]
    assert names == ["z1", "b1", "a2"]


def test_elements_that_differ_anywhere_are_both_sent(documents: Mapper) -> None:
    found = documents(
        natural_person("A", CPF, contas={"digito": "1"}, portabilidades={}, vinculos_folha={}),
        natural_person(
            "B",
            CPF,
            contas=[{"digito": "2"}, {"digito": "1"}],
            portabilidades={},
            vinculos_folha={"ispb_banco": "1"},
        ),
    )[PF]["A"]
    assert [account["checkDigit"] for account in found["accounts"]] == ["1", "2"]
    assert len(found["portabilitiesReceived"]) == 1
    assert [link["paycheckBankIspb"] for link in found["paychecksBankLink"]] == ["12345678", "00000001"]


def other_product(text: str, day: int) -> dict[str, Any]:
    return {
        "pessoas_fisicas": {"desc_outros_produtos": text},
        "clientes": at(day),
        "produtos": {"cod_produto": "99"},
    }


def test_the_free_text_is_that_of_the_register_updated_last_that_has_one(documents: Mapper) -> None:
    found = documents(
        natural_person("A", CPF, **other_product("oldest", 1)),
        natural_person("B", CPF, **other_product("newest with a text", 5)),
        natural_person("C", CPF, **other_product("", 9)),
    )
    assert found[PF]["A"]["productsServicesTypeAdditionalInfo"] == "newest with a text"


def test_the_qualification_is_that_of_the_register_updated_last(documents: Mapper) -> None:
    found = documents(
        natural_person("A", CPF, clientes=at(5), qualificacoes_pf={"cnpj_empresa": cnpj(1), **at(9)}),
        natural_person("B", CPF, clientes=at(7), qualificacoes_pf={"cnpj_empresa": cnpj(2), **at(3)}),
        natural_person("C", CPF, clientes=at(9), qualificacoes_pf=None),
    )
    assert found[PQ] == {"A": {"updateDateTime": changed(3), "companyCnpj": cnpj(2)}}


def test_united_documents_were_updated_with_the_latest_row_of_all_registers(documents: Mapper) -> None:
    found = documents(
        natural_person("A", CPF, clientes=at(9), produtos=at(3)),
        natural_person("B", CPF, clientes=at(8), produtos=at(4)),
    )
    assert found[PF]["A"]["updateDateTime"] == changed(4)


def test_the_same_number_of_a_person_and_of_a_company_is_not_one_person(documents: Mapper) -> None:
    found = documents(natural_person("F1", "191"), company("J1", "191"))
    assert found[PF].keys() == {"F1"}
    assert found[BF].keys() == {"J1"}
    assert found[BI]["J1"]["cnpjNumber"] == "00000000000191"
    assert found[PI]["F1"]["documents"]["cpfNumber"] == "00000000191"


def test_registers_without_a_tax_id_are_persons_of_their_own(documents: Mapper) -> None:
    found = documents(
        natural_person("F1", ""),
        natural_person("F2", "000.000.000-00"),
        company("J1", ""),
        company("J2", "0"),
    )
    assert {name: found[name].keys() for name in (PF, PQ, BF, BQ)} == {
        PF: {"F1", "F2"}, PQ: {"F1", "F2"}, BF: {"J1", "J2"}, BQ: {"J1", "J2"},
    }  # fmt: skip


def test_a_closed_register_adds_nothing_to_a_person_with_an_open_one(documents: Mapper) -> None:
    old = {"dt_inicio_ccs": "01/01/1999 00:00:00", "situacao": "E", **at(9)}
    found = documents(
        natural_person(
            "A",
            CPF,
            clientes=old,
            produtos={"cod_produto": "01", **at(9)},
            qualificacoes_pf={"cnpj_empresa": cnpj(2)},
        ),
        natural_person("B", CPF, clientes={"situacao": "B", **at(2)}, produtos=at(2)),
    )
    assert found[PF] == {
        "A": {
            "updateDateTime": changed(2),
            "startDate": "2015-03-10T03:00:00Z",
            "productsServicesType": ["SEGURO"],
            "procurators": [],
            "accounts": [],
        }
    }
    assert found[PQ]["A"]["companyCnpj"] == CNPJ


def test_a_person_with_only_closed_registers_has_no_relation(documents: Mapper) -> None:
    found = documents(*(natural_person(key, CPF, clientes={"situacao": "E"}) for key in ("A", "B")))
    assert found[PF] == {}
    assert found[PI].keys() == {"A", "B"}
    assert found[PQ].keys() == {"A"}


def test_the_core_key_is_opaque_text(documents: Mapper) -> None:
    keys = ["0001", "1", 'é ;"x', "NA", "12345678901234567890"]
    found = documents(*(natural_person(key, cpf(number)) for number, key in enumerate(keys)))
    assert found[PI].keys() == set(keys)
