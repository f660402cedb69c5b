"""Contacts, which both identifications have in the same form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.columns import address, area_code, only
from mappings.profile import Emails, Phones, PostalAddresses
from mappings.structure_map import BlockMap

if TYPE_CHECKING:
    from mappings.structure_map import Columns


def postal_addresses(a: PostalAddresses) -> Columns:
    """Map the addresses: street and number become one line."""
    return {
        "/data/contacts/postalAddresses/isMain": a.is_main,
        "/data/contacts/postalAddresses/address": address(a.street, a.street_number),
        "/data/contacts/postalAddresses/additionalInfo": a.additional_info,
        "/data/contacts/postalAddresses/districtName": a.district_name,
        "/data/contacts/postalAddresses/townName": a.town_name,
        "/data/contacts/postalAddresses/ibgeTownCode": a.ibge_town_code,
        "/data/contacts/postalAddresses/countrySubDivision": a.country_sub_division,
        "/data/contacts/postalAddresses/postCode": a.post_code,
        "/data/contacts/postalAddresses/country": a.country,
        "/data/contacts/postalAddresses/countryCode": a.country_code,
        "/data/contacts/postalAddresses/geographicCoordinates/latitude": a.latitude,
        "/data/contacts/postalAddresses/geographicCoordinates/longitude": a.longitude,
    }


def phones(p: Phones) -> Columns:
    """Map the telephones: area codes lose the trunk zero, notes stay only for OUTRO."""
    return {
        "/data/contacts/phones/isMain": p.is_main,
        "/data/contacts/phones/type": p.type,
        "/data/contacts/phones/additionalInfo": only(p.additional_info, p.type == "OUTRO"),
        "/data/contacts/phones/countryCallingCode": p.country_calling_code,
        "/data/contacts/phones/areaCode": area_code(p.area_code),
        "/data/contacts/phones/number": p.number,
        "/data/contacts/phones/phoneExtension": p.phone_extension,
    }


def emails(e: Emails) -> Columns:
    """Map the e-mail addresses."""
    return {
        "/data/contacts/emails/isMain": e.is_main,
        "/data/contacts/emails/email": e.email,
    }


CONTACTS = {
    "/data/contacts/postalAddresses": BlockMap(PostalAddresses, postal_addresses),
    "/data/contacts/phones": BlockMap(Phones, phones),
    "/data/contacts/emails": BlockMap(Emails, emails),
}
