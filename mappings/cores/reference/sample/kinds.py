"""The registry of defects: those of the schema with its errata, and those of rules that only prose states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mappings.cores.reference.sample.bad import BadKind, Change, add, both, put, repeat
from mappings.cores.reference.sample.bad_contacts import ADDRESS, CONTACT_KINDS, PHONE
from mappings.cores.reference.sample.bad_details import (
    ACCOUNT,
    AGENT,
    ASSETS,
    DETAIL_KINDS,
    INCOME,
    REVENUE,
    WEALTH,
)
from mappings.cores.reference.sample.bad_identifications import (
    BUSINESS_DOCUMENT,
    DOCUMENT,
    FIRM_PARTNER,
    IDENTIFICATION_KINDS,
    PARENT,
    PARTNER,
    nationality,
)
from mappings.cores.reference.sample.homes import BF, BI, BQ, OF_COMPANY, OF_PERSON, PF, PI, PQ

if TYPE_CHECKING:
    from collections.abc import Iterable

_EMPTY_PASSPORT = {f"passaporte_{part}": "" for part in ("numero", "pais", "emissao", "validade")}
# Not among the fillers of the layout, so it reaches the rules as a value.
_NO_FILLER = "NAO SE APLICA"


def _rule(  # noqa: PLR0913, PLR0917 (everything that a kind is made of)
    rule: str, structure: str, name: str, apply: Change, among: str = "", implies: str = ""
) -> BadKind:
    kind: Literal["F", "J"] = "F" if structure in OF_PERSON else "J"
    breaks = tuple((structure, broken) for broken in (rule, implies) if broken)
    return BadKind(f"{structure}: {name}", breaks, kind, among or kind, apply)


def _address(rule: str, name: str, **values: str) -> Iterable[BadKind]:
    for structure in (PI, BI):
        yield _rule(rule, structure, name, add("enderecos", **{**ADDRESS, **values}))


def _twice(table: str, kind: Literal["F", "J"], among: str) -> BadKind:
    structures = OF_PERSON if kind == "F" else OF_COMPANY
    breaks = tuple((structure, "X-DUPLICATE-KEY") for structure in structures)
    return BadKind(f"{table}: {kind} twice", breaks, kind, among, repeat(table))


def _partner(rule: str, name: str, good: dict[str, str], **values: str) -> BadKind:
    return _rule(rule, BI, name, add("socios", **{**good, **values}))


_ABROAD = {"cod_ibge": "", "uf": ""}

_ERRATA: tuple[BadKind, ...] = (
    *(
        _rule("X-UNMAPPED", structure, "brand unknown", put("clientes", cod_marca="77"))
        for structure in (PI, BI)
    ),
    _rule("D-minItems", PI, "nationality without documents", add("nacionalidades", pais="AUS"), "F foreign"),
    _rule(
        "P-YEAR",
        PQ,
        "year of three digits",
        put("qualificacoes_pf", **{**WEALTH, "ano_patrimonio": "999"}),
        "F qualified",
    ),
    _rule(
        "P-YEAR",
        BQ,
        "year of three digits",
        put("qualificacoes_pj", **{**REVENUE, "ano_faturamento": "201"}),
        "J qualified",
    ),
    BadKind(
        "personal_qualifications: year of five digits",
        ((PQ, "S-maximum:/data/informedPatrimony/year"), (PQ, "P-YEAR")),
        "F",
        "F qualified",
        put("qualificacoes_pf", **{**WEALTH, "ano_patrimonio": "20190"}),
    ),
    BadKind(
        "business_qualifications: year of five digits",
        ((BQ, "S-maximum:/data/informedRevenue/year"), (BQ, "P-YEAR")),
        "J",
        "J qualified",
        put("qualificacoes_pj", **{**REVENUE, "ano_faturamento": "20190"}),
    ),
    _rule(
        "P-ISO3166", PI, "passport of no country", put("pessoas_fisicas", passaporte_pais="ZZZ"), "F foreign"
    ),
    *_address("P-ISO3166", "address in no country", **_ABROAD, cod_pais="ZZZ"),
    _rule(
        "P-ISO3166", BI, "document of no country", add("documentos", **{**BUSINESS_DOCUMENT, "pais": "ZZZ"})
    ),
    _partner("P-ISO3166", "partner's document of no country", PARTNER, pais_documento="ZZZ"),
    _partner("P-ISO3166", "partner's document with two letters", PARTNER, pais_documento="BR"),
    *(_twice(table, "F", "F qualified") for table in ("clientes", "pessoas_fisicas", "qualificacoes_pf")),
    *(_twice(table, "J", "J both") for table in ("clientes", "pessoas_juridicas", "qualificacoes_pj")),
)

SCHEMA_KINDS: tuple[BadKind, ...] = (*IDENTIFICATION_KINDS, *CONTACT_KINDS, *DETAIL_KINDS, *_ERRATA)

_OF_PERSONS: tuple[BadKind, ...] = (
    _rule(
        "P-MARITAL-OUTRO",
        PI,
        "other marital status unexplained",
        put("pessoas_fisicas", cod_estado_civil="9", desc_estado_civil=""),
    ),
    _rule(
        "P-DOC-CPF-OR-PASSPORT",
        PI,
        "neither CPF nor passport",
        both(put("clientes", cpf_cnpj="000.000.000-00"), put("pessoas_fisicas", **_EMPTY_PASSPORT)),
        "F native",
        implies="S-required:/data/documents",
    ),
    _rule(
        "P-OTHERDOC-OUTROS",
        PI,
        "other document unexplained",
        add("documentos", **{**DOCUMENT, "tipo_documento": "OUT"}),
    ),
    _rule(
        "P-NATIONALITY",
        PI,
        "foreigner of no nationality",
        put("pessoas_fisicas", ind_nac_brasileira="N"),
        "F native",
    ),
    _rule("P-NAT-ALPHA3", PI, "nationality of no country", nationality("ZZZ")),
    _rule("P-NAT-ALPHA3", PI, "nationality in words", nationality("Australiana")),
    _rule(
        "P-OCCUPATION-DESC",
        PQ,
        "occupation code without text",
        put("qualificacoes_pf", cod_ocupacao="R", ocupacao=""),
        "F qualified",
    ),
    _rule(
        "P-OCCUPATION-CODE",
        PQ,
        "job title under CBO",
        put("qualificacoes_pf", cod_ocupacao="C", ocupacao="Engenheira"),
        "F qualified",
    ),
    _rule(
        "P-ISO4217",
        PQ,
        "income in no currency",
        put("qualificacoes_pf", **{**INCOME, "moeda_renda": "XYZ"}),
        "F qualified",
    ),
    _rule(
        "P-ISO4217",
        PQ,
        "patrimony in no currency",
        put("qualificacoes_pf", **{**WEALTH, "moeda_patrimonio": "XYZ"}),
        "F qualified",
    ),
    _rule(
        "P-PRODUCTS-OUTROS",
        PF,
        "other product unexplained",
        both(
            add("produtos", cod_produto="99", situacao="A"),
            put("pessoas_fisicas", desc_outros_produtos="N/A"),
        ),
    ),
    _rule(
        "P-BRANCH", PF, "account without branch", add("contas", **{**ACCOUNT, "agencia": ""}), "F checking"
    ),
)
_OF_COMPANIES: tuple[BadKind, ...] = (
    _partner("P-PARTY-CIVILNAME", "person without name", PARTNER, nome_civil=""),
    _partner("P-PARTY-COMPANYNAME", "company without name", FIRM_PARTNER, razao_social=""),
    _partner("P-SHARE-MAX", "more than the whole company", PARTNER, pct_participacao="151,000000"),
    _rule(
        "P-ISO4217",
        BQ,
        "revenue in no currency",
        put("qualificacoes_pj", **{**REVENUE, "moeda_faturamento": "XYZ"}),
        "J qualified",
    ),
    _rule(
        "P-ISO4217",
        BQ,
        "patrimony in no currency",
        put("qualificacoes_pj", **{**ASSETS, "moeda_patrimonio": "XYZ"}),
        "J qualified",
    ),
    _rule(
        "P-CNAE-MAIN-MULTI",
        BQ,
        "two main activities",
        add("atividades_economicas", cnae="9700500", ind_principal="S"),
        "J active",
    ),
    _rule(
        "P-CNAE-MAIN-NONE",
        BQ,
        "no main activity",
        put("atividades_economicas", ind_principal="N"),
        "J active",
    ),
    _rule(
        "P-FREQUENCY-OUTROS",
        BQ,
        "other frequency unexplained",
        put("qualificacoes_pj", **REVENUE | {"freq_faturamento": "O", "desc_frequencia": ""}),
        "J qualified",
    ),
    _rule(
        "P-BRANCH", BF, "account without branch", add("contas", **{**ACCOUNT, "agencia": ""}), "J checking"
    ),
)
_OF_BOTH: tuple[BadKind, ...] = (
    *_address("P-IBGE-UF", "town of no state", uf="", cod_ibge="9912345"),
    *_address("P-IBGE-UF-MATCH", "town of another state", cod_ibge="3304557"),
    *_address("P-GEO-LAT", "north of the pole", latitude="95,1234", longitude="-46,6333"),
    *_address("P-GEO-LON", "beyond the date line", latitude="-23.5505", longitude="-190.1234"),
    *(
        _rule(
            "P-PHONE-OUTRO",
            structure,
            "other telephone unexplained",
            add("telefones", **{**PHONE, "tipo": "O"}),
        )
        for structure in (PI, BI)
    ),
)
_FILLED: tuple[BadKind, ...] = (
    _rule("G-NA", PI, "filler as social name", put("pessoas_fisicas", nome_social=_NO_FILLER)),
    _rule("G-NA", PI, "filler as issuer", add("documentos", **{**DOCUMENT, "orgao_emissor": _NO_FILLER})),
    _rule(
        "G-NA",
        PI,
        "filler as a parent's social name",
        add("filiacao", **{**PARENT, "nome_social": _NO_FILLER}),
    ),
    *_address("G-NA", "filler as complement", complemento="NAO_DISPONIVEL"),
    _rule("G-NA", BI, "filler as trade name", put("pessoas_juridicas", nome_fantasia=_NO_FILLER)),
    _partner("G-NA", "filler as a partner's note", PARTNER, compl_documento=_NO_FILLER),
    _rule(
        "G-NA",
        PQ,
        "filler as occupation",
        put("qualificacoes_pf", cod_ocupacao="O", ocupacao=_NO_FILLER),
        "F qualified",
    ),
    _rule(
        "G-NA",
        BQ,
        "filler as frequency",
        put("qualificacoes_pj", **REVENUE | {"freq_faturamento": "O", "desc_frequencia": _NO_FILLER}),
        "J qualified",
    ),
    _rule(
        "G-NA",
        PF,
        "filler as other product",
        both(
            add("produtos", cod_produto="99", situacao="A"),
            put("pessoas_fisicas", desc_outros_produtos=_NO_FILLER),
        ),
    ),
    *(
        _rule(
            "G-NA",
            structure,
            "filler as social name of a representative",
            add("representantes", **{**AGENT, "nome_social": _NO_FILLER}),
        )
        for structure in (PF, BF)
    ),
)

PROSE_KINDS: tuple[BadKind, ...] = (*_OF_PERSONS, *_OF_COMPANIES, *_OF_BOTH, *_FILLED)
