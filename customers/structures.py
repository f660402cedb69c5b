"""The six response structures of the Customers API, by the names that the serving database uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["F", "J"]
Subject = Literal["identifications", "qualifications", "financial_relations"]


@dataclass(frozen=True, slots=True)
class Structure:
    """Name one response structure.

    ``grain`` says what one document is about: an identification belongs to a *register* (one core key), a
    qualification or a financial relation to the *person* that one or more registers describe.
    """

    name: str
    kind: Kind
    subject: Subject

    @property
    def grain(self) -> Literal["register", "person"]:
        """Say whether one document stands for a register or for a person."""
        return "register" if self.subject == "identifications" else "person"

    @property
    def official_name(self) -> str:
        """Return the name that the published dictionary files use, such as ``PersonalIdentifications``."""
        return "".join(word.capitalize() for word in self.name.split("_"))


PERSONAL_IDENTIFICATIONS = Structure("personal_identifications", "F", "identifications")
BUSINESS_IDENTIFICATIONS = Structure("business_identifications", "J", "identifications")
PERSONAL_QUALIFICATIONS = Structure("personal_qualifications", "F", "qualifications")
BUSINESS_QUALIFICATIONS = Structure("business_qualifications", "J", "qualifications")
PERSONAL_FINANCIAL_RELATIONS = Structure("personal_financial_relations", "F", "financial_relations")
BUSINESS_FINANCIAL_RELATIONS = Structure("business_financial_relations", "J", "financial_relations")

STRUCTURES: tuple[Structure, ...] = (
    PERSONAL_IDENTIFICATIONS,
    BUSINESS_IDENTIFICATIONS,
    PERSONAL_QUALIFICATIONS,
    BUSINESS_QUALIFICATIONS,
    PERSONAL_FINANCIAL_RELATIONS,
    BUSINESS_FINANCIAL_RELATIONS,
)

BY_NAME: dict[str, Structure] = {structure.name: structure for structure in STRUCTURES}
