"""What the core knows about natural persons: register, other documents, nationalities, parents, income."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.cores.reference.sample import names, places
from mappings.cores.reference.sample.digits import as_kept, cnpj, random_cpf
from mappings.cores.reference.sample.dirt import (
    DATE_FILLERS,
    TEXT_FILLERS,
    ZERO_DOCUMENTS,
    amounts,
    blanks,
    clock_changes,
    fillers,
    shouted,
)
from mappings.cores.reference.sample.draw import (
    choose,
    constant,
    date_text,
    has_text,
    join,
    on,
    only,
    padded,
    spread,
)
from mappings.cores.reference.sample.layout import Rows
from mappings.cores.reference.sample.registers import person_names, year_of

if TYPE_CHECKING:
    from mappings.cores.reference.sample.draw import Draw, Ints, Mask, Text
    from mappings.cores.reference.sample.registers import Registers

OWN_CNPJS = cnpj(np.array(names.OWN_ROOTS))
_OF_AGE = 18 * 365 + 5
_DOCUMENTS = ("RG", "CNH", "NIF", "RNE", "OUT")


def persons(draw: Draw, registers: Registers) -> Rows:
    """Draw ``pessoas_fisicas``; who has no CPF has a passport, and some who have one have a passport too."""
    owner = np.flatnonzero(~registers.company)
    size, who = len(owner), registers.take(owner)
    other = draw.chance(size, 0.02)
    minor = who.born > draw.today - _OF_AGE
    other &= ~minor
    state = draw.word(size, {"1": 40, "2": 35, "3": 6, "4": 2, "5": 9, "6": 8})
    state = choose(minor, "1", choose(other, "9", state))
    social = on(
        draw.corner(np.ones(size, np.bool_), 0.01),
        constant("", size),
        lambda part: person_names(draw, len(part)),
    )
    return Rows(
        owner,
        {
            "nome_civil": blanks(draw, shouted(draw, who.name)),
            "nome_social": fillers(draw, social, TEXT_FILLERS),
            "dt_nascimento": date_text(who.born),
            "cod_estado_civil": only(other | draw.chance(size, 0.95), state),
            "desc_estado_civil": choose(
                other, "Separado de fato", draw.some(constant("Não se declarou", size), 0.01)
            ),
            "sexo": draw.some(choose(draw.chance(size, 0.005), "O", choose(who.woman, "F", "M")), 0.98),
            "ind_nac_brasileira": choose(who.foreign, "N", "S"),
            **_passports(draw, who),
            "desc_outros_produtos": constant("", size),
            "ts_atualizacao": clock_changes(draw, draw.updates(size, 0.1)),
        },
    )


def _passports(draw: Draw, who: Registers) -> dict[str, Text]:
    size = len(who)
    unnumbered = ~has_text(who.tax_id)
    present = unnumbered | draw.chance(size, 0.04)
    issued = draw.past(size, 9)
    country = choose(who.foreign | who.dual, names.COUNTRY_CODES.take(pa.array(who.country)), "BRA")
    number = join(draw.word(size, {"AB": 1, "F": 2, "YC": 1}), draw.number(size, 6))
    dated = present & draw.chance(size, 0.9)
    return {
        "passaporte_numero": fillers(draw, only(present, number), ZERO_DOCUMENTS, 0.02),
        "passaporte_pais": only(present, country),
        "passaporte_emissao": fillers(draw, only(dated, date_text(issued)), DATE_FILLERS, 0.02),
        "passaporte_validade": fillers(draw, only(dated, date_text(issued + 3652)), DATE_FILLERS, 0.02),
    }


def documents(draw: Draw, registers: Registers) -> Rows:
    """Draw ``documentos`` of natural persons; an RG names its issuer and state."""
    size = len(registers)
    person, foreign = ~registers.company, registers.foreign
    held = np.column_stack(
        [
            person & ~foreign & draw.chance(size, 0.75),
            person & (registers.born < draw.today - _OF_AGE) & draw.chance(size, 0.4),
            draw.corner(person, 0.01),
            foreign & draw.chance(size, 0.8),
            draw.corner(person, 0.03),
        ]
    )
    owner, kind = np.nonzero(held)
    size = len(owner)
    kinds = pa.array(_DOCUMENTS).take(pa.array(kind))
    is_kind = {name: kind == at for at, name in enumerate(_DOCUMENTS)}
    state = places.UFS.take(pa.array(registers.town[owner]))
    issuer = join(choose(is_kind["CNH"], "DETRAN/", draw.word(size, {"SSP/": 8, "SSP-": 1, "PC/": 1})), state)
    expires = date_text(draw.today + draw.below(size, 3650))
    return Rows(
        owner,
        {
            "tipo_documento": kinds,
            "desc_tipo": only(
                is_kind["OUT"], draw.word(size, {"Carteira de trabalho": 2, "Conselho; regional": 1})
            ),
            "numero": draw.number(size, 9),
            "digito": only(is_kind["RG"] & draw.chance(size, 0.6), draw.word(size, {"1": 5, "7": 5, "X": 1})),
            "orgao_emissor": only(is_kind["RG"] | (is_kind["CNH"] & draw.chance(size, 0.8)), issuer),
            "pais": constant("BRA", size),
            "validade": fillers(draw, only(is_kind["CNH"] | is_kind["RNE"], expires), DATE_FILLERS),
            "ts_atualizacao": draw.updates(size, 0.4),
        },
    )


def nationalities(draw: Draw, registers: Registers) -> tuple[Rows, Rows]:
    """Draw ``nacionalidades`` and ``nacionalidade_documentos``: with documents for each."""
    owner = np.flatnonzero(registers.foreign | registers.dual)
    country = pa.array(registers.country[owner])
    codes = names.COUNTRY_CODES.take(country)
    listed = Rows(owner, {"pais": codes, "ts_atualizacao": draw.updates(len(owner), 0.4)})
    at, _ = spread(1 + draw.chance(len(owner), 0.15).astype(np.int64))
    size, chosen = len(at), pa.array(at)
    issued = draw.past(size, 12)
    kinds = names.COUNTRY_DOCUMENTS.take(country).take(chosen)
    papers = {
        "pais": codes.take(chosen),
        "tipo": kinds,
        "numero": join(draw.number(size, 8), draw.some(constant("-K", size), 0.2)),
        "emissao": fillers(draw, only(draw.chance(size, 0.8), date_text(issued)), DATE_FILLERS),
        "validade": fillers(draw, only(draw.chance(size, 0.7), date_text(issued + 5478)), DATE_FILLERS),
        "pais_emissor": names.COUNTRY_NAMES.take(country).take(chosen),
        "complemento": fillers(draw, draw.some(constant("Emitido no consulado", size), 0.1), TEXT_FILLERS),
    }
    return listed, Rows(owner[at], papers)


def filiation(draw: Draw, registers: Registers) -> Rows:
    """Draw ``filiacao``: mother and father, either of them may be unknown."""
    person = ~registers.company
    known = np.column_stack([person & draw.chance(len(person), 0.95), person & draw.chance(len(person), 0.7)])
    owner, father = np.nonzero(known)
    chosen, is_father = pa.array(owner), father == 1
    name = choose(is_father, registers.father.take(chosen), registers.mother.take(chosen))
    return Rows(
        owner,
        {
            "tipo": choose(is_father, "P", "M"),
            "nome_civil": blanks(draw, shouted(draw, name)),
            "nome_social": fillers(draw, constant("", len(owner)), TEXT_FILLERS, 0.05),
        },
    )


def _occupations(draw: Draw, size: int) -> dict[str, Text]:
    code = draw.word(size, {"R": 40, "C": 35, "O": 20, "": 5})
    free = draw.pick(size, names.OCCUPATIONS_OTHER)
    listed = choose(
        np.asarray(pc.equal(code, "R")),
        draw.pick(size, names.OCCUPATIONS_RECEITA),
        draw.pick(size, names.OCCUPATIONS_CBO),
    )
    text = choose(np.asarray(pc.equal(code, "O")), free, listed)
    return {"cod_ocupacao": code, "ocupacao": only(has_text(code), text)}


def income_cents(draw: Draw, size: int) -> Ints:
    """Draw amounts: many small, few large, a fifth without cents."""
    cents = np.exp(draw.rng.normal(12.6, 0.9, size)).astype(np.int64) + 100
    return np.where(draw.chance(size, 0.3), cents // 100 * 100, cents)


def currencies(draw: Draw, present: Mask) -> Text:
    """Draw the currency of amounts that are present."""
    return only(present, draw.word(len(present), {"BRL": 98, "USD": 1, "EUR": 1}))


def qualifications(draw: Draw, registers: Registers) -> Rows:
    """Draw ``qualificacoes_pf``: most persons have one; income or patrimony may be missing as a whole."""
    owner = np.flatnonzero(~registers.company & draw.chance(len(registers), 0.93))
    size = len(owner)
    earns, owns = draw.chance(size, 0.88), draw.chance(size, 0.6)
    wealth = income_cents(draw, size) * 40 * np.where(draw.chance(size, 0.01), -1, 1)
    year = padded(year_of(draw.today) - 1 - draw.below(size, 6), 1)
    frequencies = {"M": 80, "Q": 5, "S": 3, "A": 4, "D": 2, "B": 1, "T": 1, "E": 1, "O": 3}
    return Rows(
        owner,
        {
            "cnpj_empresa": as_kept(draw, draw.pick(size, OWN_CNPJS)),
            **_occupations(draw, size),
            "freq_renda": only(earns, draw.word(size, frequencies)),
            "valor_renda": only(earns, amounts(draw, income_cents(draw, size))),
            "moeda_renda": currencies(draw, earns),
            "dt_renda": fillers(draw, only(earns, date_text(draw.past(size, 4))), DATE_FILLERS, 0.05),
            "valor_patrimonio": only(owns, amounts(draw, wealth)),
            "moeda_patrimonio": currencies(draw, owns),
            "ano_patrimonio": only(owns, year),
            "ts_atualizacao": draw.updates(size, 0.2),
        },
    )


def register_companies(draw: Draw, registers: Registers) -> Rows:
    """Draw ``empresas_cadastro``: the institutions of the group that keep the register."""
    owner, turn = spread(1 + draw.chance(len(registers), 0.1).astype(np.int64))
    first = draw.below(len(registers), len(OWN_CNPJS))
    chosen = OWN_CNPJS.take(pa.array((first[owner] + turn) % len(OWN_CNPJS)))
    return Rows(owner, {"cnpj_empresa": as_kept(draw, chosen)})


def representatives(draw: Draw, registers: Registers) -> Rows:
    """Draw ``representantes``: few of persons, one or two of most companies, now and then another company."""
    many = draw.weighted(len(registers), (0.2, 0.6, 0.2))
    minor = registers.born > draw.today - _OF_AGE
    owner, _ = spread(np.where(registers.company, many, minor | draw.chance(len(registers), 0.03)))
    size = len(owner)
    firm = registers.company[owner] & draw.chance(size, 0.03)
    number = on(
        firm, random_cpf(draw, size), lambda part: cnpj(draw.below(len(part), 90_000_000) + 1_000_000)
    )
    social = only(draw.chance(size, 0.01), person_names(draw, size))
    return Rows(
        owner,
        {
            "tipo": draw.word(size, {"R": 7, "P": 3}),
            "cpf_cnpj": as_kept(draw, number, either=True),
            "nome": blanks(draw, shouted(draw, person_names(draw, size))),
            "nome_social": fillers(draw, social, TEXT_FILLERS),
            "ts_atualizacao": draw.updates(size, 0.3),
        },
    )
