"""Defects of addresses, telephones and e-mails, the same for persons and companies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.cores.reference.sample.bad import filled
from mappings.cores.reference.sample.homes import BI, PI, Defect, Home, add_each

if TYPE_CHECKING:
    from mappings.cores.reference.sample.bad import BadKind

ADDRESS = {
    "ind_principal": "N",
    "logradouro": "Rua Aurora",
    "numero": "100",
    "bairro": "República",
    "cidade": "São Paulo",
    "cod_ibge": "3550308",
    "uf": "SP",
    "cep": "01209001",
    "pais": "Brasil",
    "cod_pais": "BRA",
}
PHONE = {"ind_principal": "N", "tipo": "F", "ddi": "55", "ddd": "11", "numero": "31234567"}
EMAIL = {"ind_principal": "N", "email": "contato@example.com"}

_LATITUDE, _LONGITUDE = "geographicCoordinates/latitude", "geographicCoordinates/longitude"
_ADDRESSES: list[Defect] = [
    ("isMain", "type", {"ind_principal": "X"}),
    ("isMain", "required", {"ind_principal": ""}),
    ("address", "maxLength", {"logradouro": filled("Avenida", 151)}),
    ("additionalInfo", "maxLength", {"complemento": filled("Fundos", 31)}),
    ("districtName", "maxLength", {"bairro": filled("Jardim", 51)}),
    ("townName", "required", {"cidade": ""}),
    ("townName", "maxLength", {"cidade": filled("Cidade", 51)}),
    ("ibgeTownCode", "maxLength pattern", {"cod_ibge": "35503081"}),
    ("countrySubDivision", "enum", {"uf": "XX", "cod_ibge": ""}),
    ("postCode", "maxLength pattern", {"cep": "012090010"}),
    ("country", "required", {"pais": ""}),
    ("country", "maxLength", {"pais": filled("República", 81)}),
    (_LATITUDE, "pattern", {"latitude": "-3,1234567890", "longitude": "-46,6333"}),
    (_LATITUDE, "pattern", {"latitude": "-23", "longitude": "-46,6333"}),
    (_LATITUDE, "required", {"longitude": "-46,6333"}),
    (_LONGITUDE, "pattern", {"latitude": "-23,5505", "longitude": "-46,123456789"}),
    (_LONGITUDE, "required", {"latitude": "-23,5505"}),
]
_PERSONAL_ADDRESSES: list[Defect] = [
    ("address", "required", {"logradouro": "", "numero": ""}),
    ("postCode", "required", {"cep": ""}),
]
_BUSINESS_ADDRESSES: list[Defect] = [
    ("address", "minLength", {"logradouro": "A", "numero": ""}),
    ("townName", "minLength", {"cidade": "X"}),
    ("countryCode", "required", {"cod_pais": ""}),
]
_PHONES: list[Defect] = [
    ("isMain", "type", {"ind_principal": "1"}),
    ("isMain", "required", {"ind_principal": ""}),
    ("type", "enum", {"tipo": "X"}),
    ("type", "required", {"tipo": ""}),
    ("additionalInfo", "maxLength", {"tipo": "O", "desc_tipo": filled("Recado", 71)}),
    ("countryCallingCode", "maxLength pattern", {"ddi": "55555"}),
    ("areaCode", "minLength pattern", {"ddd": "1"}),
    ("areaCode", "maxLength pattern", {"ddd": "1199"}),
    ("number", "required", {"numero": ""}),
    ("number", "pattern", {"numero": "31234"}),
    ("number", "maxLength pattern", {"numero": "31234567890123"}),
    ("phoneExtension", "maxLength pattern", {"ramal": "123456"}),
]
_EMAILS: list[Defect] = [
    ("isMain", "type", {"ind_principal": "sim"}),
    ("isMain", "required", {"ind_principal": ""}),
    ("email", "required", {"email": ""}),
    ("email", "format", {"email": "contato.example.com"}),
]


def _contacts(structure: str, who: str, addresses: list[Defect]) -> list[BadKind]:
    return [
        *add_each(Home(structure, who, "enderecos", "contacts/postalAddresses"), ADDRESS, addresses),
        *add_each(Home(structure, who, "telefones", "contacts/phones"), PHONE, _PHONES),
        *add_each(Home(structure, who, "emails", "contacts/emails"), EMAIL, _EMAILS),
    ]


CONTACT_KINDS: tuple[BadKind, ...] = (
    *_contacts(PI, "F", _ADDRESSES + _PERSONAL_ADDRESSES),
    *_contacts(BI, "J", _ADDRESSES + _BUSINESS_ADDRESSES),
)
