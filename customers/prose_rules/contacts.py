"""What the texts ask of addresses and telephones."""

from __future__ import annotations

from decimal import Decimal

from customers.brazil.ddd import UF_OF_DDD
from customers.conditions import InRange, InTable, Not, TableGives, absent, equals
from customers.prose_rules.scopes import IDENTIFICATIONS
from customers.rule_kinds import ForbiddenWhen, Must, ProseRule, RequiredWhen

_ADDRESS = "/data/contacts/postalAddresses"
_PHONE = "/data/contacts/phones"

CONTACTS: tuple[ProseRule, ...] = (
    Must(
        id="P-IBGE-UF",
        on=IDENTIFICATIONS,
        field=f"{_ADDRESS}/ibgeTownCode",
        that=InTable(f"{_ADDRESS}/ibgeTownCode", "ibge-uf", prefix=2),
        english="must start with the IBGE number of a state",
        portuguese="deve começar com o número IBGE de uma UF",
    ),
    Must(
        id="P-IBGE-UF-MATCH",
        on=IDENTIFICATIONS,
        field=f"{_ADDRESS}/ibgeTownCode",
        that=TableGives(
            f"{_ADDRESS}/ibgeTownCode", "ibge-uf", prefix=2, other=f"{_ADDRESS}/countrySubDivision"
        ),
        english="must lie in the state that the address names",
        portuguese="deve pertencer à UF indicada no endereço",
    ),
    *(
        ForbiddenWhen(
            id="P-UF-FOREIGN",
            on=IDENTIFICATIONS,
            field=f"{_ADDRESS}/{name}",
            when=Not(equals(f"{_ADDRESS}/countryCode", "BRA")),
            klass="suspect",
            english="is Brazilian, yet the address is abroad",
            portuguese="é brasileiro, mas o endereço fica no exterior",
        )
        for name in ("countrySubDivision", "ibgeTownCode")
    ),
    Must(
        id="P-GEO-LAT",
        on=IDENTIFICATIONS,
        field=f"{_ADDRESS}/geographicCoordinates/latitude",
        that=InRange(f"{_ADDRESS}/geographicCoordinates/latitude", Decimal(-90), Decimal(90)),
        english="must lie between -90 and 90",
        portuguese="deve estar entre -90 e 90",
    ),
    Must(
        id="P-GEO-LON",
        on=IDENTIFICATIONS,
        field=f"{_ADDRESS}/geographicCoordinates/longitude",
        that=InRange(f"{_ADDRESS}/geographicCoordinates/longitude", Decimal(-180), Decimal(180)),
        english="must lie between -180 and 180",
        portuguese="deve estar entre -180 e 180",
    ),
    RequiredWhen(
        id="P-PHONE-OUTRO",
        on=IDENTIFICATIONS,
        field=f"{_PHONE}/additionalInfo",
        when=equals(f"{_PHONE}/type", "OUTRO"),
        english="must be present when the telephone's type is OUTRO",
        portuguese="deve estar presente quando o tipo do telefone é OUTRO",
    ),
    Must(
        id="P-CALLINGCODE",
        on=IDENTIFICATIONS,
        field=f"{_PHONE}/countryCallingCode",
        when=absent(f"{_PHONE}/countryCallingCode"),
        that=InTable(f"{_PHONE}/areaCode", "ddd"),
        klass="suspect",
        english="is missing, yet the area code is not Brazilian",
        portuguese="não foi informado, mas o DDD não é brasileiro",
    ),
    Must(
        id="P-DDD",
        on=IDENTIFICATIONS,
        field=f"{_PHONE}/areaCode",
        when=equals(f"{_PHONE}/countryCallingCode", "55"),
        that=InTable(f"{_PHONE}/areaCode", "ddd"),
        klass="suspect",
        english=f"should be one of the {len(UF_OF_DDD)} Brazilian area codes",
        portuguese=f"deveria ser um dos {len(UF_OF_DDD)} DDDs",
    ),
)
