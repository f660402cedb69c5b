"""Addresses, telephones and e-mails of persons and companies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.cores.reference.sample import names, places
from mappings.cores.reference.sample.digits import without_zeros
from mappings.cores.reference.sample.dirt import (
    TEXT_FILLERS,
    blanks,
    clock_changes,
    coordinates,
    fillers,
    shouted,
)
from mappings.cores.reference.sample.draw import choose, constant, join, on, only, padded, spread
from mappings.cores.reference.sample.layout import Rows

if TYPE_CHECKING:
    from mappings.cores.reference.sample.draw import Draw, Ints, Mask, Text
    from mappings.cores.reference.sample.registers import Registers


def is_main(position: Ints) -> Text:
    """Flag the first row of each register."""
    return choose(position == 0, "S", "N")


def _cep(draw: Draw, town: Ints) -> Text:
    number = places.CEP_STARTS[town] + (draw.rng.random(len(town)) * places.CEP_SPANS[town]).astype(np.int64)
    text = padded(number, 8)
    _, masked, lost = draw.cases(len(town), (0.6, 0.3, 0.1))
    cut = pc.utf8_slice_codeunits
    text = on(masked, text, lambda part: join(cut(part, 0, 5), "-", cut(part, 5, 8)))
    return on(lost, text, without_zeros)


def _places(draw: Draw, town: Ints) -> dict[str, Text]:
    """Draw what depends on the municipality: its names and numbers agree with each other."""
    size, at = len(town), pa.array(town)
    located, points = draw.chance(size, 0.35), draw.chance(size, 0.3)
    latitude = places.LATITUDES[town] + draw.rng.uniform(-0.05, 0.05, size)
    longitude = places.LONGITUDES[town] + draw.rng.uniform(-0.05, 0.05, size)
    state = places.UFS.take(at)
    return {
        "cidade": blanks(draw, shouted(draw, places.TOWN_NAMES.take(at))),
        "cod_ibge": only(draw.chance(size, 0.9), places.IBGE_CODES.take(at)),
        "uf": state,
        "cep": _cep(draw, town),
        "pais": choose(draw.chance(size, 0.8), "Brasil", "BRASIL"),
        "cod_pais": constant("BRA", size),
        "latitude": only(located, coordinates(draw, latitude, points)),
        "longitude": only(located, coordinates(draw, longitude, points)),
    }


def _move_abroad(draw: Draw, rows: dict[str, Text], abroad: Mask) -> None:
    """Turn some rows into addresses abroad: no CEP, no state, no municipality of Brazil."""
    for name in ("cod_ibge", "uf", "cep", "numero", "latitude", "longitude"):
        rows[name] = only(~abroad, rows[name])
    country = draw.below(int(abroad.sum()), len(names.COUNTRIES))
    rows["logradouro"] = on(
        abroad, rows["logradouro"], lambda part: draw.pick(len(part), places.FOREIGN_STREETS)
    )
    rows["cidade"] = on(abroad, rows["cidade"], lambda part: constant("Porto Novo", len(part)))
    rows["pais"] = on(abroad, rows["pais"], lambda _: names.COUNTRY_NAMES.take(pa.array(country)))
    rows["cod_pais"] = on(abroad, rows["cod_pais"], lambda _: names.COUNTRY_CODES.take(pa.array(country)))


def addresses(draw: Draw, registers: Registers) -> Rows:
    """Draw ``enderecos``: one or two each, few without; only a company's second may be abroad."""
    owner, position = spread(draw.weighted(len(registers), (0.02, 0.83, 0.15)))
    size = len(owner)
    elsewhere = draw.weighted(size, places.TOWN_WEIGHTS)
    numbered = choose(draw.chance(size, 0.9), padded(1 + draw.below(size, 4000), 1), "S/N")
    street = join(draw.pick(size, places.STREET_KINDS), draw.pick(size, places.STREETS))
    rows = {
        "ind_principal": is_main(position),
        "logradouro": blanks(draw, shouted(draw, street)),
        "numero": draw.some(numbered, 0.93),
        "complemento": draw.some(draw.pick(size, places.COMPLEMENTS), 0.35),
        "bairro": draw.some(blanks(draw, draw.pick(size, places.DISTRICTS)), 0.96),
        **_places(draw, np.where(position == 0, registers.town[owner], elsewhere)),
        "ts_atualizacao": clock_changes(draw, draw.updates(size)),
    }
    _move_abroad(draw, rows, registers.company[owner] & (position > 0) & draw.chance(size, 0.05))
    return Rows(owner, rows)


def phones(draw: Draw, registers: Registers) -> Rows:
    """Draw ``telefones``: area codes of the register's town; some foreigners keep a telephone abroad."""
    owner, position = spread(draw.weighted(len(registers), (0.04, 0.68, 0.23, 0.05)))
    size = len(owner)
    company = registers.company[owner]
    fixed = draw.rng.random(size) < np.where(company, 0.6, 0.22)
    other = ~fixed & draw.chance(size, 0.08)
    mobile = ~fixed & ~other
    abroad = registers.foreign[owner] & (position > 0)
    number = join(only(mobile, "9"), padded(draw.rng.integers(20_000_000, 99_999_999, size), 8))
    area = places.DDDS.take(pa.array(registers.town[owner]))
    area = on(draw.chance(size, 0.02), area, lambda part: join("0", part))
    own = names.CALLING_CODES.take(pa.array(registers.country[owner]))
    note = draw.pick(size, names.PHONE_NOTES)
    return Rows(
        owner,
        {
            "ind_principal": is_main(position),
            "tipo": choose(mobile, "M", choose(fixed, "F", "O")),
            # A note on a mobile or a fixed telephone is not sent: its condition is not met.
            "desc_tipo": only(other | draw.chance(size, 0.04), note),
            "ddi": choose(abroad, own, only(draw.chance(size, 0.7), "55")),
            "ddd": on(abroad, area, lambda part: draw.number(len(part), 2)),
            "numero": number,
            "ramal": fillers(
                draw, only(fixed & draw.chance(size, 0.2), draw.number(size, 3)), TEXT_FILLERS, 0.02
            ),
            "ts_atualizacao": draw.updates(size),
        },
    )


def emails(draw: Draw, registers: Registers) -> Rows:
    """Draw ``emails`` in domains that belong to nobody."""
    owner, position = spread(draw.weighted(len(registers), (0.14, 0.75, 0.11)))
    size = len(owner)
    domain = draw.word(
        size, {"@example.com": 5, "@example.org": 3, "@correio.example.net": 2, "@EXAMPLE.COM": 1}
    )
    local = join(draw.pick(size, names.MAIL_WORDS), draw.word(size, {".": 3, "_": 2, "-": 1}))
    address = join(local, draw.pick(size, names.MAIL_WORDS), draw.some(draw.number(size, 2), 0.5), domain)
    return Rows(
        owner,
        {
            "ind_principal": is_main(position),
            "email": blanks(draw, address, 0.01),
            "ts_atualizacao": draw.updates(size, 0.4),
        },
    )
