"""What the core knows about companies: register, foreign documents, partners, activities, revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.cores.reference.sample import names
from mappings.cores.reference.sample.contacts import is_main
from mappings.cores.reference.sample.digits import as_kept, random_cnpj, random_cpf, without_zeros
from mappings.cores.reference.sample.dirt import DATE_FILLERS, TEXT_FILLERS, amounts, blanks, fillers, shouted
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
    timestamp_text,
)
from mappings.cores.reference.sample.layout import Rows
from mappings.cores.reference.sample.people import currencies, income_cents
from mappings.cores.reference.sample.registers import person_names, year_of

if TYPE_CHECKING:
    from mappings.cores.reference.sample.draw import Draw, Ints, Mask, Text
    from mappings.cores.reference.sample.registers import Registers

# How partners share a company, in percent; rounding would lift 24.9999996 over the threshold of 25.
_SHARES = (
    ("100,000000",),
    ("50,000000", "50,000000"),
    ("51,000000", "49,000000"),
    ("75,000000", "25,000000"),
    ("90,000000", "10,000000"),
    ("70,000000", "20,000000", "10,000000"),
    ("33,333334", "33,333333", "33,333333"),
    ("25,000000", "25,000000", "25,000000", "25,000000"),
    ("75,0000004", "24,9999996"),
    ("62,5", "37,5"),
)
_SHARE_WEIGHTS = (30, 22, 12, 8, 8, 7, 6, 3, 2, 2)
_SHARE_COUNTS = np.array([len(shares) for shares in _SHARES])
_SHARE_STARTS = np.cumsum(_SHARE_COUNTS) - _SHARE_COUNTS
_FLAT_SHARES = pa.array([share for shares in _SHARES for share in shares])


def companies(draw: Draw, registers: Registers) -> Rows:
    """Draw ``pessoas_juridicas``."""
    owner = np.flatnonzero(registers.company)
    size, who = len(owner), registers.take(owner)
    hour = draw.below(size, 86_400) * draw.chance(size, 0.15)
    trade = join(draw.pick(size, names.BUSINESS_WORDS), draw.word(size, {"": 3, " Store": 1, " & Cia": 1}))
    return Rows(
        owner,
        {
            "razao_social": blanks(draw, shouted(draw, who.name)),
            "nome_fantasia": fillers(draw, draw.some(trade, 0.6), TEXT_FILLERS, 0.1),
            "dt_constituicao": timestamp_text(who.born, hour),
            "ts_atualizacao": draw.updates(size, 0.1),
        },
    )


def documents(draw: Draw, registers: Registers) -> Rows:
    """Draw ``documentos`` of companies: free types, always with a country."""
    owner = np.flatnonzero(draw.corner(registers.company, 0.08))
    size = len(owner)
    kind = draw.word(size, {"EIN": 3, "NIRE": 3, "Inscrição estadual": 3, "LEI": 1})
    expires = only(draw.chance(size, 0.3), date_text(draw.today + draw.below(size, 3650)))
    return Rows(
        owner,
        {
            "tipo_documento": kind,
            "desc_tipo": constant("", size),
            "numero": draw.number(size, 11),
            "digito": constant("", size),
            "orgao_emissor": constant("", size),
            "pais": choose(np.asarray(pc.equal(kind, "EIN")), "USA", "BRA"),
            "validade": fillers(draw, expires, DATE_FILLERS),
            "ts_atualizacao": draw.updates(size, 0.4),
        },
    )


def _seats(draw: Draw, registers: Registers) -> tuple[Ints, Mask, Text]:
    """Return (company, is administrator, percent) of each party: partners first, then administrators."""
    size = len(registers)
    pattern = draw.weighted(size, _SHARE_WEIGHTS)
    alone = registers.sole_trader | draw.chance(size, 0.03)
    partners = np.where(registers.company & ~alone, _SHARE_COUNTS[pattern], 0)
    managers = (registers.company & draw.chance(size, 0.35)).astype(np.int64)
    owner, position = spread(partners + managers)
    manages = position >= partners[owner]
    share_at = np.where(manages, 0, _SHARE_STARTS[pattern[owner]] + position)
    small = draw.some(constant("5,000000", len(owner)), 0.3)
    return owner, manages, choose(manages, small, _FLAT_SHARES.take(pa.array(share_at)))


def _papers(draw: Draw, firm: Mask) -> dict[str, Text]:
    size = len(firm)
    foreign = ~firm & draw.chance(size, 0.03)
    travel = foreign & draw.chance(size, 0.4)
    number = choose(firm, random_cnpj(draw, size), random_cpf(draw, size))
    number = choose(foreign, join("P", draw.number(size, 7)), as_kept(draw, number))
    issued = draw.past(size, 10)
    return {
        "tipo_documento": choose(travel, "ODV", choose(foreign, "PAS", choose(firm, "CNPJ", "CPF"))),
        "numero_documento": number,
        "compl_documento": fillers(draw, only(foreign, constant("Visto permanente", size)), TEXT_FILLERS),
        "pais_documento": choose(
            foreign, draw.pick(size, names.COUNTRY_CODES), draw.some(constant("BRA", size), 0.9)
        ),
        "emissao": fillers(draw, only(draw.chance(size, 0.3), date_text(issued)), DATE_FILLERS),
        "validade": fillers(draw, only(foreign, date_text(issued + 3652)), DATE_FILLERS),
    }


def parties(draw: Draw, registers: Registers) -> Rows:
    """Draw ``socios``: partners over, at and under 25 %, and administrators, who need no share."""
    owner, manages, percent = _seats(draw, registers)
    size = len(owner)
    firm = ~manages & draw.chance(size, 0.12)
    core = draw.pick(size, names.SURNAMES)
    firm_name = join(core, " ", draw.pick(size, names.PARTNER_FORMS))
    since = timestamp_text(np.maximum(registers.born[owner], draw.past(size, 15)), draw.below(size, 86_400))
    social = only(~firm & draw.chance(size, 0.01), person_names(draw, size))
    return Rows(
        owner,
        {
            "tipo_pessoa": choose(firm, "J", "F"),
            "perfil": choose(manages, "A", "S"),
            "nome_civil": only(~firm, blanks(draw, shouted(draw, person_names(draw, size)))),
            "nome_social": fillers(draw, social, TEXT_FILLERS),
            "razao_social": only(firm, blanks(draw, shouted(draw, firm_name))),
            "nome_fantasia": fillers(draw, only(firm & draw.chance(size, 0.4), core), TEXT_FILLERS),
            "dt_inicio": draw.some(since, 0.9),
            "pct_participacao": percent,
            **_papers(draw, firm),
        },
    )


def activities(draw: Draw, registers: Registers) -> Rows:
    """Draw ``atividades_economicas``: one main activity in any place of the list, none twice."""
    owner, position = spread(
        np.where(registers.company, draw.weighted(len(registers), (0.03, 0.55, 0.27, 0.15)), 0)
    )
    # Steps through the list from a random start: no activity comes twice.
    code = names.CNAES.take(
        pa.array((draw.below(len(registers), 1000)[owner] + position * 7) % len(names.CNAES))
    )
    cut = pc.utf8_slice_codeunits
    _, masked, lost = draw.cases(len(owner), (0.7, 0.15, 0.15))
    code = on(masked, code, lambda part: join(cut(part, 0, 4), "-", cut(part, 4, 5), "/", cut(part, 5, 7)))
    code = on(lost, code, without_zeros)
    main = np.where(draw.chance(len(registers), 0.9), 0, np.bincount(owner, minlength=len(registers)) - 1)
    return Rows(owner, {"cnae": code, "ind_principal": is_main(position - main[owner])})


def qualifications(draw: Draw, registers: Registers) -> Rows:
    """Draw ``qualificacoes_pj``: most companies have one; revenue or patrimony may be missing as a whole."""
    owner = np.flatnonzero(registers.company & draw.chance(len(registers), 0.94))
    size = len(owner)
    sells, owns = draw.chance(size, 0.9), draw.chance(size, 0.7)
    often = only(sells, draw.word(size, {"M": 70, "A": 15, "T": 4, "E": 4, "Q": 2, "": 3, "O": 3}))
    other = np.asarray(pc.equal(often, "O"))
    year = draw.some(padded(year_of(draw.today) - 1 - draw.below(size, 6), 1), 0.95)
    wealth = income_cents(draw, size) * 300 * np.where(draw.chance(size, 0.02), -1, 1)
    return Rows(
        owner,
        {
            "freq_faturamento": often,
            # A note on another frequency is not sent: its condition is not met.
            "desc_frequencia": only(
                other | (has_text(often) & draw.chance(size, 0.02)), _free_frequency(draw, size)
            ),
            "valor_faturamento": only(sells, amounts(draw, income_cents(draw, size) * 60)),
            "moeda_faturamento": currencies(draw, sells),
            "ano_faturamento": only(sells, year),
            "valor_patrimonio": only(owns, amounts(draw, wealth)),
            "moeda_patrimonio": currencies(draw, owns),
            "dt_patrimonio": fillers(draw, only(owns, date_text(draw.past(size, 4))), DATE_FILLERS, 0.05),
            "ts_atualizacao": draw.updates(size, 0.2),
        },
    )


def _free_frequency(draw: Draw, size: int) -> Text:
    return draw.pick(size, names.FREE_FREQUENCIES)
