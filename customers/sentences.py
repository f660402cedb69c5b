"""What a rule of one field asks, in a sentence for the steward: English and Portuguese."""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "pt"]

_LONGEST_LIST = 12

_SENTENCES: dict[Language, dict[str, str]] = {
    "en": {
        "required": "must be present",
        "type": "must be of the JSON type {0}",
        "null": "must not be null",
        "minLength": "must have at least {0} characters",
        "maxLength": "must have at most {0} characters",
        "pattern": "must match {0}",
        "format": "must be a real {0}",
        "enum": "must be one of {0}",
        "minItems": "must have at least {0} element(s)",
        "maxItems": "must have at most {0} elements",
        "maximum": "must be at most {0}",
        "knownProperties": "must have no property but the dictionary's and those with a participant's prefix",
        "notBlank": "must not be empty or blank",
        "notFiller": "must not be a word that stands for no value",
        "yearRange": "must be a whole year of four digits ({0})",
        "utcDateTime": "must be a date-time in UTC written YYYY-MM-DDTHH:MM:SSZ",
        "isoCountry": "must be a country's alpha-3 code of ISO 3166, in capitals",
        "checkDigits": "should have the right check digits of a {0}",
    },
    "pt": {
        "required": "deve estar presente",
        "type": "deve ser do tipo JSON {0}",
        "null": "não pode ser nulo",
        "minLength": "deve ter ao menos {0} caracteres",
        "maxLength": "deve ter no máximo {0} caracteres",
        "pattern": "deve seguir o formato {0}",
        "format": "deve ser um valor real do formato {0}",
        "enum": "deve ser um destes: {0}",
        "minItems": "deve ter ao menos {0} elemento(s)",
        "maxItems": "deve ter no máximo {0} elementos",
        "maximum": "deve ser no máximo {0}",
        "knownProperties": "não pode ter propriedade fora do dicionário, salvo com o prefixo do participante",
        "notBlank": "não pode ser vazio nem só de brancos",
        "notFiller": "não pode ser uma palavra que significa ausência de valor",
        "yearRange": "deve ser um ano inteiro de quatro dígitos ({0})",
        "utcDateTime": "deve ser data e hora em UTC, escrita AAAA-MM-DDTHH:MM:SSZ",
        "isoCountry": "deve ser um código alpha-3 de país da ISO 3166, em maiúsculas",
        "checkDigits": "deveria ter os dígitos verificadores corretos ({0})",
    },
}


def _spell(argument: object) -> str:
    if isinstance(argument, tuple):
        more = ", …" if len(argument) > _LONGEST_LIST else ""
        return ", ".join(str(item) for item in argument[:_LONGEST_LIST]) + more
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in str(argument))


def sentence(language: Language, keyword: str, argument: object) -> str:
    """Say what a keyword asks with an argument.

    >>> sentence("en", "maxLength", 70)
    'must have at most 70 characters'
    """
    return _SENTENCES[language][keyword].format(_spell(argument))
