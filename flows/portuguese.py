"""The words, numbers and dates of the Data Docs, the Brazilian way."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

_NOTHING = "-"
_STEP = re.compile(r"(?=/)|(?<=:)(?!/)")
TITLES = {
    "personal_identifications": "Identificação de pessoa natural",
    "business_identifications": "Identificação de pessoa jurídica",
    "personal_qualifications": "Qualificação de pessoa natural",
    "business_qualifications": "Qualificação de pessoa jurídica",
    "personal_financial_relations": "Relacionamento financeiro de pessoa natural",
    "business_financial_relations": "Relacionamento financeiro de pessoa jurídica",
}
WORDS = {
    "severidade": {"halt": "interrompe", "reject": "recusa", "omit": "omite", "warn": "avisa"},
    "tipo": {
        "full": "completo",
        "delta": "incremental",
        "rollback": "desfazimento",
        "release": "liberação",
        "quality": "qualidade",
    },
    "situacao": {
        "published": "publicada",
        "held": "retida",
        "failed": "falhou",
        "cancelled": "cancelada",
        "rolled_back": "desfeita",
        "running": "em andamento",
        "judged": "julgada",
    },
    "motivo": {
        "merged": "reunido ao documento da pessoa, levado por outro cadastro dela",
        "closed": "relacionamento encerrado: fica o último documento",
        "no-source": "sem dado de origem para esta estrutura",
        "sibling-missing": "lote incremental sem outro cadastro da mesma pessoa: fica o documento anterior",
    },
}


def breakable(name: str) -> Markup:
    """Let a rule id or an xpath break into lines at its steps."""
    from markupsafe import Markup, escape  # noqa: PLC0415 (Jinja's own)

    return Markup("<wbr>").join(escape(step) for step in _STEP.split(name))


def translated(words: dict[str, str]) -> Callable[[str], str]:
    """Return the filter that says a word of the database in Portuguese; unknown ones stay."""
    return lambda word: words.get(word, word)


def number(count: int) -> str:
    """Write a count the Brazilian way.

    >>> number(1234567)
    '1.234.567'
    """
    return f"{count:,}".replace(",", ".")


def rate(share: float | None) -> str:
    """Write a share in per cent, cut, so that only what is whole is called 100 %.

    >>> rate(0.99999), rate(1.0), rate(None)
    ('99,99 %', '100 %', '-')
    """
    if share is None:
        return _NOTHING
    hundredths = int(share * 10_000)
    return "100 %" if share == 1 else f"{hundredths // 100},{hundredths % 100:02} %"


def day(text: str | None) -> str:
    """Write an ISO date the Brazilian way."""
    return date.fromisoformat(text).strftime("%d/%m/%Y") if text else _NOTHING


def moment(text: str | None) -> str:
    """Write an ISO time in UTC the Brazilian way."""
    return datetime.fromisoformat(text).strftime("%d/%m/%Y %H:%M:%S UTC") if text else _NOTHING
