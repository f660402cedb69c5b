"""IBGE: the seven digits of a Brazilian town, of which the first two are its state."""

from __future__ import annotations

import re

UF_OF_PREFIX: dict[str, str] = {
    "11": "RO",
    "12": "AC",
    "13": "AM",
    "14": "RR",
    "15": "PA",
    "16": "AP",
    "17": "TO",
    "21": "MA",
    "22": "PI",
    "23": "CE",
    "24": "RN",
    "25": "PB",
    "26": "PE",
    "27": "AL",
    "28": "SE",
    "29": "BA",
    "31": "MG",
    "32": "ES",
    "33": "RJ",
    "35": "SP",
    "41": "PR",
    "42": "SC",
    "43": "RS",
    "50": "MS",
    "51": "MT",
    "52": "GO",
    "53": "DF",
}

PREFIX_OF_UF: dict[str, str] = {uf: prefix for prefix, uf in UF_OF_PREFIX.items()}


def is_valid(text: str) -> bool:
    """Say whether a text has the shape of a town code of some state; the towns are not listed here.

    >>> is_valid("3550308"), is_valid("9950308"), is_valid("355030")
    (True, False, False)
    """
    return re.fullmatch("[0-9]{7}", text) is not None and text[:2] in UF_OF_PREFIX
