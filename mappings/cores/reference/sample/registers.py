"""Who the registers of a batch are about: persons first, then one or more registers of each."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.cores.reference.sample import names, places
from mappings.cores.reference.sample.digits import cnpj, cpf, scrambled
from mappings.cores.reference.sample.draw import Draw, choose, join, on, only, padded

if TYPE_CHECKING:
    from mappings.cores.reference.sample.draw import Ints, Mask, Text

_COMPANIES = 0.15
_REPEATED = 0.02
_EPOCH_YEAR = 1970


@dataclass(frozen=True, slots=True)
class Registers:
    """Hold one value per register (or, while they are drawn, one per person).

    ``born``: birth or incorporation, days since 1970. ``tax_id``: digits, empty for a foreigner without CPF.
    """

    company: Mask
    sole_trader: Mask
    foreign: Mask
    dual: Mask
    woman: Mask
    country: Ints
    town: Ints
    born: Ints
    tax_id: Text
    name: Text
    mother: Text
    father: Text
    ended: Mask
    blocked: Mask

    def __len__(self) -> int:
        return len(self.company)

    def take(self, positions: Ints) -> Registers:
        """Return the values at the given positions, in that order."""
        return Registers(*(_take(getattr(self, field.name), positions) for field in fields(self)))


def _take(values: Any, positions: Ints) -> Any:  # noqa: ANN401 (pyarrow has no type stubs)
    return values[positions] if isinstance(values, np.ndarray) else values.take(pa.array(positions))


def person_names(draw: Draw, size: int, woman: Mask | None = None) -> Text:
    """Invent names of persons; at most 60 characters."""
    woman = draw.chance(size, 0.5) if woman is None else woman
    first = choose(woman, draw.pick(size, names.WOMEN), draw.pick(size, names.MEN))
    second = choose(woman, draw.pick(size, names.WOMEN), draw.pick(size, names.MEN))
    second = only(draw.chance(size, 0.3), join(" ", second))
    last = join(draw.pick(size, names.PARTICLES), draw.pick(size, names.SURNAMES))
    middle = join(draw.pick(size, names.PARTICLES), draw.pick(size, names.SURNAMES))
    middle = only(draw.chance(size, 0.6), middle)
    heir = only(~woman & draw.chance(size, 0.06), draw.word(size, {" Filho": 3, " Neto": 2, " Júnior": 1}))
    return join(first, second, middle, last, heir)


def _foreign_names(draw: Draw, size: int) -> Text:
    return join(draw.pick(size, names.FOREIGN_GIVEN), " ", draw.pick(size, names.FOREIGN_SURNAMES))


def company_names(draw: Draw, size: int) -> Text:
    """Invent names of companies; at most 60 characters."""
    fancy = draw.chance(size, 0.6)
    word = choose(fancy, draw.pick(size, names.BUSINESS_WORDS), draw.pick(size, names.SURNAMES))
    return join(word, " ", draw.pick(size, names.ACTIVITIES), " ", draw.pick(size, names.LEGAL_FORMS))


def _sole_trader_names(draw: Draw, cnpjs: Text) -> Text:
    """Name sole traders as the tax office registers them: the root of the CNPJ, then the person."""
    root = [pc.utf8_slice_codeunits(cnpjs, start, stop) for start, stop in ((0, 2), (2, 5), (5, 8))]
    person = pc.utf8_slice_codeunits(pc.utf8_upper(person_names(draw, len(cnpjs))), 0, 59)
    return join(root[0], ".", root[1], ".", root[2], " ", person)


def _born(draw: Draw, company: Mask) -> Ints:
    size = len(company)
    age = np.where(company, 45 * draw.rng.random(size) ** 2, 1 + 88 * draw.rng.beta(2.2, 2.8, size))
    born = draw.today - 30 - (age * 365.25).astype(np.int64)
    # Before 1914 the zone's offset was no whole number of minutes.
    century_old = draw.corner(company, 0.02)
    old = np.array(["1881-01-01"], "datetime64[D]").astype(np.int64) + draw.below(size, 33 * 365)
    return np.where(century_old, old, born)


def _persons(draw: Draw, positions: Ints, seed: int) -> Registers:
    size = len(positions)
    company = draw.corner(np.ones(size, np.bool_), _COMPANIES)
    sole_trader = company & draw.chance(size, 0.25)
    foreign = draw.corner(~company, 0.03)
    woman = draw.chance(size, 0.52)
    cnpjs = cnpj(scrambled(positions, 8, seed))
    numbered = ~foreign | draw.chance(size, 0.5)
    name = on(foreign, person_names(draw, size, woman), lambda part: _foreign_names(draw, len(part)))
    name = on(company, name, lambda part: company_names(draw, len(part)))
    tax_id = only(numbered, choose(company, cnpjs, cpf(scrambled(positions, 9, seed))))
    return Registers(
        company=company,
        sole_trader=sole_trader,
        foreign=foreign,
        dual=draw.corner(~company & ~foreign, 0.02),
        woman=woman,
        country=draw.below(size, len(names.COUNTRIES)),
        town=draw.weighted(size, places.TOWN_WEIGHTS),
        born=_born(draw, company),
        tax_id=tax_id,
        name=on(sole_trader, name, lambda _: _sole_trader_names(draw, cnpjs.filter(pa.array(sole_trader)))),
        mother=person_names(draw, size, np.ones(size, np.bool_)),
        father=person_names(draw, size, np.zeros(size, np.bool_)),
        ended=np.zeros(size, np.bool_),
        blocked=np.zeros(size, np.bool_),
    )


def draw_registers(draw: Draw, first: int, size: int, seed: int) -> Registers:
    """Draw ``size`` registers, the first of them at position ``first`` of the export.

    About 2 % of the persons have two or more; who has no tax id has one, for nothing would join them.
    """
    again = round(size * _REPEATED)
    persons = _persons(draw, np.arange(first, first + size - again), seed)
    joinable = np.flatnonzero(np.asarray(pc.not_equal(persons.tax_id, "")))
    person = np.concatenate([np.arange(size - again), joinable[draw.below(again, max(len(joinable), 1))]])
    registers = persons.take(person[draw.rng.permutation(size)])
    _, blocked, ended = draw.cases(size, (0.97, 0.01, 0.02))
    return replace(registers, blocked=blocked, ended=ended)


def keys(first: int, size: int, seed: int) -> Text:
    """Give each register an opaque key of ten digits, zeros on the left included."""
    return padded(scrambled(np.arange(first, first + size), 10, seed), 10)


def year_of(day: int) -> int:
    """Return the year of a day since 1970."""
    return int(np.datetime64(day, "D").astype("datetime64[Y]").astype(np.int64)) + _EPOCH_YEAR
