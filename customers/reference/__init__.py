"""Reference tables that rules look into, by name, each read when first asked for.

``iso-3166``: alpha-3 country codes; ``iso-4217``: currency codes (both from pycountry, imported only then);
``ibge-uf``: two-digit prefix of a town code to its state; ``ddd``: area code to its state;
``cnae-divisions``: two-digit division to its section.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from customers.brazil.ddd import UF_OF_DDD
from customers.brazil.ibge import UF_OF_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

TableName = Literal["iso-3166", "iso-4217", "ibge-uf", "ddd", "cnae-divisions"]


def _countries() -> dict[str, str]:
    from pycountry import countries  # noqa: PLC0415 (slow to import, rarely needed)

    return {country.alpha_3: country.name for country in countries}


def _currencies() -> dict[str, str]:
    from pycountry import currencies  # noqa: PLC0415 (as above)

    return {currency.alpha_3: currency.name for currency in currencies}


def _cnae_divisions() -> dict[str, str]:
    text = (files("customers") / "reference" / "cnae_divisions.toml").read_text(encoding="utf-8")
    sections: dict[str, str] = tomllib.loads(text)["sections"]
    return {division: section for section, divisions in sections.items() for division in divisions.split()}


@cache
def table(name: TableName) -> Mapping[str, str]:
    """Return a reference table: code to what it stands for.

    >>> table("iso-3166")["BRA"], table("cnae-divisions")["01"], "XX" in table("iso-4217")
    ('Brazil', 'A', False)
    """
    match name:
        case "iso-3166":
            return _countries()
        case "iso-4217":
            return _currencies()
        case "ibge-uf":
            return UF_OF_PREFIX
        case "ddd":
            return UF_OF_DDD
        case "cnae-divisions":
            return _cnae_divisions()
