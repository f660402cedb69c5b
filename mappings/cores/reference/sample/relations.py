"""What customers have with the bank: products, accounts, salary portabilities and payroll links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.cores.reference.sample import names
from mappings.cores.reference.sample.digits import as_kept, cnpj, random_cpf, without_zeros
from mappings.cores.reference.sample.dirt import TEXT_FILLERS, blanks, clock_changes, fillers
from mappings.cores.reference.sample.draw import (
    choose,
    constant,
    date_text,
    on,
    only,
    padded,
    pool,
    spread,
    timestamp_text,
)
from mappings.cores.reference.sample.layout import Rows
from mappings.cores.reference.sample.people import OWN_CNPJS
from mappings.cores.reference.sample.registers import company_names, person_names

if TYPE_CHECKING:
    from mappings.cores.reference.sample.draw import Draw, Ints, Mask, Text
    from mappings.cores.reference.sample.registers import Registers

_PRODUCTS = ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "99")
_SALARY = _PRODUCTS.index("10")
_FREE = _PRODUCTS.index("99")
_ACCOUNT_KINDS = pool(("CC", "CP", "PP"))
_COMPE = pool(("041", "077", "41", "719"))
DETAINER_CNPJS = cnpj(np.array(names.DETAINER_ROOTS))


def _flags(*sets: str) -> Mask:
    return np.array([[code in chosen.split() for code in _PRODUCTS] for chosen in sets])


_PERSON_SETS = _flags(
    *("01 04", "01", "01 02 04", "02", "03", "03 04", "01 04 05", "01 04 06 07 08"),
    *("10", "01 04 10", "02 10", "01 99", "01 02 03 04 05 06 07 08 09 10 99", "05", "04 99", "08 09"),
)
_PERSON_WEIGHTS = (22, 15, 12, 8, 8, 5, 8, 4, 5, 4, 2, 3, 1, 1, 1, 1)
_COMPANY_SETS = _flags(
    *("01", "01 04", "01 04 05", "01 11", "01 05 08 11", "01 02", "03 11", "01 09", "01 06 99", "05"),
)
_COMPANY_WEIGHTS = (25, 20, 15, 12, 8, 6, 6, 4, 3, 1)


@dataclass(frozen=True, slots=True)
class Contracts:
    """Say which products each register has in force and which it had, one column per product code."""

    active: Mask
    closed: Mask

    @property
    def free(self) -> Mask:
        """Say who has a product that only a free text describes."""
        return self.active[:, _FREE]

    @property
    def salary(self) -> Mask:
        """Say who has a salary account."""
        return self.active[:, _SALARY]


def contracts(draw: Draw, registers: Registers) -> Contracts:
    """Draw which products are in force; every register has one at least."""
    size = len(registers)
    person = _PERSON_SETS[draw.weighted(size, _PERSON_WEIGHTS)]
    company = _COMPANY_SETS[draw.weighted(size, _COMPANY_WEIGHTS)]
    active = np.where(registers.company[:, None], company, person)
    return Contracts(active, ~active & draw.chance(active.size, 0.015).reshape(active.shape))


def free_texts(draw: Draw, owner: Ints, held: Contracts) -> Text:
    """Draw ``desc_outros_produtos`` of the persons ``owner``; a filler or an old note where it has no use."""
    size = len(owner)
    free = held.free[owner] | draw.chance(size, 0.005)
    return fillers(draw, only(free, draw.pick(size, names.FREE_PRODUCTS)), TEXT_FILLERS, 0.03)


def products(draw: Draw, held: Contracts) -> Rows:
    """Draw ``produtos``: what is in force and what was closed."""
    owner, product = np.nonzero(held.active | held.closed)
    return Rows(
        owner,
        {
            "cod_produto": pa.array(_PRODUCTS).take(pa.array(product)),
            "situacao": choose(held.active[owner, product], "A", "E"),
            "ts_atualizacao": clock_changes(draw, draw.updates(len(owner), 0.3), 0.0005),
        },
    )


def _joint(draw: Draw, owner: Ints, possible: Mask) -> tuple[Mask, Ints]:
    """Pair accounts of neighbours: return which are joint, and the row whose numbers each shows."""
    source = np.arange(len(owner))
    chosen = np.flatnonzero(draw.corner(possible, 0.1))
    chosen = chosen[: len(chosen) // 2 * 2]
    first, second = chosen[::2], chosen[1::2]
    apart = owner[first] != owner[second]
    source[second[apart]] = first[apart]
    joint = np.zeros(len(owner), np.bool_)
    joint[first[apart]] = joint[second[apart]] = True
    return joint, source


def _account_numbers(draw: Draw, size: int) -> dict[str, Text]:
    branch = padded(1 + draw.below(size, 4000), 4)
    number = padded(draw.rng.integers(1, 10 ** draw.rng.integers(4, 13, size)), 8)
    return {
        "cod_compe": draw.pick(size, _COMPE),
        "agencia": on(draw.chance(size, 0.2), branch, without_zeros),
        "numero": on(draw.chance(size, 0.2), number, without_zeros),
        "digito": choose(draw.chance(size, 0.05), "X", padded(draw.below(size, 10), 1)),
    }


def accounts(draw: Draw, registers: Registers, held: Contracts) -> Rows:
    """Draw ``contas``: one for every account product in force, some have a second or a closed one."""
    holder, kind = np.nonzero(held.active[:, : len(_ACCOUNT_KINDS)])
    at, copy = spread(1 + draw.chance(len(holder), 0.1).astype(np.int64))
    owner, kind, size = holder[at], kind[at], len(at)
    company, prepaid = registers.company[owner], kind == len(_ACCOUNT_KINDS) - 1
    joint, source = _joint(draw, owner, (kind == 0) & (copy == 0) & ~company)
    rows = {name: column.take(pa.array(source)) for name, column in _account_numbers(draw, size).items()}
    rows["agencia"] = only(~prepaid | draw.chance(size, 0.4), rows["agencia"])
    together = draw.word(size, {"S": 1, "C": 1}).take(pa.array(source))
    subtype = only(~company | draw.chance(size, 0.1), choose(joint, together, "I"))
    return Rows(
        owner,
        {
            **rows,
            "tipo": _ACCOUNT_KINDS.take(pa.array(kind)),
            "subtipo": subtype,
            "situacao": choose((copy > 0) & draw.chance(size, 0.5), "E", "A"),
            "ts_atualizacao": draw.updates(size, 0.3),
        },
    )


def _employers(draw: Draw, size: int) -> dict[str, Text]:
    """Draw employers: companies, now and then a household; their names never start or end with a blank."""
    household = draw.chance(size, 0.06)
    # A few employers pay many persons.
    roots = 20_000_000 + draw.below(size, 400) * 170_003
    name = choose(household, person_names(draw, size), company_names(draw, size))
    document = choose(household, random_cpf(draw, size), cnpj(roots))
    return {
        "nome_empregador": pc.utf8_upper(blanks(draw, name, 0.02)),
        "doc_empregador": as_kept(draw, document, either=True),
    }


def _bank(draw: Draw, cnpjs: Text) -> dict[str, Text]:
    ispb = pc.utf8_slice_codeunits(cnpjs, 0, 8)
    lost = draw.chance(len(cnpjs), 0.2)
    return {
        "cnpj_banco": as_kept(draw, cnpjs),
        "ispb_banco": on(lost, ispb, without_zeros),
    }


def portabilities(draw: Draw, registers: Registers, held: Contracts) -> Rows:
    """Draw ``portabilidades`` of persons: some within five years, some longer ago."""
    owner = np.flatnonzero(draw.corner(~registers.company & ~held.salary, 0.1))
    days = draw.today - 1 - draw.below(len(owner), 9 * 365)
    bank = _bank(draw, draw.pick(len(owner), DETAINER_CNPJS))
    return Rows(owner, {**_employers(draw, len(owner)), **bank, "dt_aprovacao": date_text(days)})


def payroll_links(draw: Draw, registers: Registers, held: Contracts) -> Rows:
    """Draw ``vinculos_folha``: who has a salary account, be it the only product or one of many."""
    owner = np.flatnonzero(~registers.company & held.salary & draw.chance(len(registers), 0.95))
    bank = _bank(draw, draw.pick(len(owner), OWN_CNPJS))
    opened = date_text(draw.past(len(owner), 12))
    return Rows(owner, {**_employers(draw, len(owner)), **bank, "dt_abertura": opened})


def customers(draw: Draw, registers: Registers) -> Rows:
    """Draw ``clientes``: at least one of the two dates of start is known."""
    size = len(registers)
    earliest = np.maximum(registers.born, draw.today - 50 * 365)
    start = earliest + ((draw.today - 1 - earliest) * draw.rng.random(size)).astype(np.int64)
    _, only_ccs, only_3040 = draw.cases(size, (0.5, 0.25, 0.25))
    moved = np.minimum(start + draw.below(size, 30), draw.today - 1)
    opened = clock_changes(draw, timestamp_text(start, draw.below(size, 86_400)))
    empty = draw.some(constant("00/00/0000", size), 0.1)
    tax_id = as_kept(draw, registers.tax_id)
    zeros = draw.word(size, {"": 2, "00000000000": 1, "000.000.000-00": 1})
    return Rows(
        np.arange(size),
        {
            "tipo_pessoa": choose(registers.company, "J", "F"),
            "situacao": choose(registers.ended, "E", choose(registers.blocked, "B", "A")),
            "cod_marca": draw.word(size, {"01": 8, "02": 1, "03": 1}),
            "cpf_cnpj": choose(np.asarray(pc.equal(registers.tax_id, "")), zeros, tax_id),
            "dt_inicio_3040": choose(only_ccs, empty, opened),
            "dt_inicio_ccs": choose(only_3040, empty, timestamp_text(moved, draw.below(size, 86_400))),
            "ts_atualizacao": clock_changes(draw, draw.updates(size, 0)),
        },
    )
