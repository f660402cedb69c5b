"""Defects of the schema in what identifies persons and companies, contacts apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.cores.reference.sample.bad import add, both, drop, filled, lengthen, put
from mappings.cores.reference.sample.homes import (
    BI,
    FOREIGN_DATE,
    NO_DATE,
    NO_NUMBER,
    NO_TIMESTAMP,
    PI,
    Defect,
    Home,
    add_each,
    kind_at,
    put_each,
)

if TYPE_CHECKING:
    from mappings.cores.reference.sample.bad import BadKind, Change

_LONG_CNPJ = "975318640001001"

DOCUMENT = {"tipo_documento": "NIF", "numero": "123456789"}
BUSINESS_DOCUMENT = {"tipo_documento": "EIN", "numero": "770258974", "pais": "USA"}
NATIONALITY_DOCUMENT = {"pais": "AUS", "tipo": "PASSAPORTE", "numero": "PA1234567"}
PARENT = {"tipo": "M", "nome_civil": "Maria Aurora"}
PARTNER = {
    "tipo_pessoa": "F",
    "perfil": "A",
    "nome_civil": "Maria Aurora",
    "pct_participacao": "30,000000",
    "tipo_documento": "PAS",
    "numero_documento": "YC123456",
    "pais_documento": "BRA",
}
FIRM_PARTNER = {**PARTNER, "tipo_pessoa": "J", "nome_civil": "", "razao_social": "Aurora Holding Ltda"}
FIRM_PARTNER |= {"tipo_documento": "CNPJ", "numero_documento": "12345678000195"}


_PERSONS: list[Defect] = [
    ("civilName", "required", {"nome_civil": ""}),
    ("civilName", "maxLength", {"nome_civil": filled("Maria", 71)}),
    ("socialName", "maxLength", {"nome_social": filled("Aurora", 71)}),
    ("birthDate", "required", {"dt_nascimento": ""}),
    ("birthDate", "format", {"dt_nascimento": NO_DATE}),
    ("birthDate", "format", {"dt_nascimento": FOREIGN_DATE}),
    ("maritalStatusCode", "enum", {"cod_estado_civil": "7"}),
    ("sex", "enum", {"sexo": "X"}),
    ("hasBrazilianNationality", "type", {"ind_nac_brasileira": "1"}),
    ("hasBrazilianNationality", "required", {"ind_nac_brasileira": ""}),
    ("updateDateTime", "format", {"ts_atualizacao": NO_TIMESTAMP}),
]
_PASSPORTS: list[Defect] = [
    ("number", "maxLength", {"passaporte_numero": filled("AB12", 21)}),
    ("country", "required", {"passaporte_pais": ""}),
    ("issueDate", "format", {"passaporte_emissao": NO_DATE}),
    ("expirationDate", "format", {"passaporte_validade": NO_DATE}),
]
_DOCUMENTS: list[Defect] = [
    ("type", "enum", {"tipo_documento": "ZZZ"}),
    ("type", "required", {"tipo_documento": ""}),
    ("typeAdditionalInfo", "maxLength", {"tipo_documento": "OUT", "desc_tipo": filled("Carteira", 71)}),
    ("number", "required", {"numero": ""}),
    ("number", "maxLength", {"numero": filled("1234", 41)}),
    ("checkDigit", "maxLength", {"digito": "123"}),
    ("additionalInfo", "maxLength", {"orgao_emissor": filled("SSP", 51)}),
    ("expirationDate", "format", {"validade": NO_DATE}),
]
_NATIONALITY_DOCUMENTS: list[Defect] = [
    ("type", "required", {"tipo": ""}),
    ("type", "maxLength", {"tipo": "PASSAPORTES"}),
    ("number", "required", {"numero": ""}),
    ("number", "maxLength", {"numero": filled("1234", 41)}),
    ("issueDate", "format", {"emissao": NO_DATE}),
    ("expirationDate", "format", {"validade": NO_DATE}),
    ("country", "maxLength", {"pais_emissor": filled("Comunidade", 81)}),
    ("additionalInfo", "maxLength", {"complemento": filled("Consulado", 71)}),
]
_PARENTS: list[Defect] = [
    ("type", "enum", {"tipo": "X"}),
    ("type", "required", {"tipo": ""}),
    ("civilName", "required", {"nome_civil": ""}),
    ("civilName", "maxLength", {"nome_civil": filled("Aurora", 71)}),
    ("socialName", "maxLength", {"nome_social": filled("Aurora", 71)}),
]
_COMPANIES: list[Defect] = [
    ("companyName", "required", {"razao_social": ""}),
    ("companyName", "maxLength", {"razao_social": filled("Companhia", 71)}),
    ("tradeName", "maxLength", {"nome_fantasia": filled("Aurora", 71)}),
    ("incorporationDate", "required", {"dt_constituicao": ""}),
    ("incorporationDate", "format", {"dt_constituicao": NO_TIMESTAMP}),
    ("updateDateTime", "format", {"ts_atualizacao": NO_TIMESTAMP}),
]
_BUSINESS_DOCUMENTS: list[Defect] = [
    ("type", "required", {"tipo_documento": ""}),
    ("type", "maxLength", {"tipo_documento": filled("Inscrição", 21)}),
    ("number", "required", {"numero": ""}),
    ("number", "maxLength", {"numero": filled("1234", 21)}),
    ("country", "required", {"pais": ""}),
    ("expirationDate", "format", {"validade": NO_DATE}),
]
_PARTNERS: list[Defect] = [
    ("personType", "enum", {"tipo_pessoa": "X"}),
    ("personType", "required", {"tipo_pessoa": ""}),
    ("type", "enum", {"perfil": "X"}),
    ("type", "required", {"perfil": ""}),
    ("civilName", "maxLength", {"nome_civil": filled("Maria", 71)}),
    ("socialName", "maxLength", {"nome_social": filled("Aurora", 71)}),
    ("startDate", "format", {"dt_inicio": NO_TIMESTAMP}),
    ("shareholding", "pattern", {"pct_participacao": NO_NUMBER}),
    ("documentType", "enum", {"tipo_documento": "RG"}),
    ("documentType", "required", {"tipo_documento": ""}),
    ("documentNumber", "required", {"numero_documento": ""}),
    ("documentNumber", "maxLength", {"numero_documento": filled("YC12", 21)}),
    ("documentAdditionalInfo", "maxLength", {"compl_documento": filled("Visto", 101)}),
    ("documentIssueDate", "format", {"emissao": NO_DATE}),
    ("documentExpirationDate", "format", {"validade": NO_DATE}),
]
_FIRM_PARTNERS: list[Defect] = [
    ("companyName", "maxLength", {"razao_social": filled("Companhia", 71)}),
    ("tradeName", "maxLength", {"nome_fantasia": filled("Aurora", 71)}),
]


def nationality(code: str, **values: str) -> Change:
    """Add a nationality with one document."""
    return both(
        add("nacionalidades", pais=code),
        add("nacionalidade_documentos", **{**NATIONALITY_DOCUMENT, "pais": code, **values}),
    )


_NATIVES = Home(PI, "F native", "pessoas_fisicas")
_COMPANY = Home(BI, "J", "pessoas_juridicas")
_MARRIED_OTHERWISE = {"cod_estado_civil": "9", "desc_estado_civil": filled("Separado", 51)}

_PERSON_KINDS = (
    *put_each(_NATIVES, {}, [*_PERSONS, ("maritalStatusAdditionalInfo", "maxLength", _MARRIED_OTHERWISE)]),
    *put_each(Home(PI, "F foreign", "pessoas_fisicas", "documents/passport"), {}, _PASSPORTS),
    kind_at(_NATIVES, "documents/cpfNumber", "maxLength pattern", lengthen("clientes", "cpf_cnpj", 11), {}),
    *add_each(Home(PI, "F", "documentos", "otherDocuments"), DOCUMENT, _DOCUMENTS),
    *add_each(Home(PI, "F", "filiacao", "filiation"), PARENT, _PARENTS),
    kind_at(
        Home(PI, "F", "nacionalidades", "nationality"),
        "otherNationalitiesInfo",
        "maxLength",
        nationality("AUS ARG BOL CAN CHL CHN COL DEU ESP FRA GBR"),
        {},
    ),
    *(
        kind_at(
            Home(PI, "F", "nacionalidade_documentos", "nationality/documents"),
            leaf,
            keywords,
            nationality("AUS", **values),
            values,
        )
        for leaf, keywords, values in _NATIONALITY_DOCUMENTS
    ),
)
_COMPANY_KINDS = (
    *put_each(_COMPANY, {}, _COMPANIES),
    kind_at(_COMPANY, "cnpjNumber", "required", put("clientes", cpf_cnpj=""), {}),
    kind_at(_COMPANY, "cnpjNumber", "maxLength pattern", lengthen("clientes", "cpf_cnpj", 14), {}),
    *add_each(Home(BI, "J", "documentos", "otherDocuments"), BUSINESS_DOCUMENT, _BUSINESS_DOCUMENTS),
    *add_each(Home(BI, "J", "socios", "parties"), PARTNER, _PARTNERS),
    *add_each(Home(BI, "J", "socios", "parties"), FIRM_PARTNER, _FIRM_PARTNERS),
)


def _of_both(structure: str, who: str) -> list[BadKind]:
    return [
        *put_each(Home(structure, who, "clientes"), {}, [("brandName", "required", {"cod_marca": ""})]),
        kind_at(Home(structure, who, ""), "companiesCnpj", "minItems", drop("empresas_cadastro"), {}),
        *add_each(
            Home(structure, who, "empresas_cadastro"),
            {},
            [("companiesCnpj[]", "maxLength pattern", {"cnpj_empresa": _LONG_CNPJ})],
        ),
    ]


IDENTIFICATION_KINDS: tuple[BadKind, ...] = (
    *_PERSON_KINDS,
    *_COMPANY_KINDS,
    *_of_both(PI, "F"),
    *_of_both(BI, "J"),
)
