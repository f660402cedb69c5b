"""Personal identification: one document per register of a natural person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.structures import PERSONAL_IDENTIFICATIONS
from mappings.columns import only
from mappings.contacts import CONTACTS
from mappings.profile import (
    Customers,
    Emails,
    Filiation,
    Nationalities,
    NationalityDocuments,
    NaturalPersons,
    OtherDocuments,
    Phones,
    PostalAddresses,
    RegisteringCompanies,
)
from mappings.structure_map import BlockMap, StructureMap

if TYPE_CHECKING:
    from mappings.structure_map import Columns, Subject


def root(s: Subject, c: Customers, n: NaturalPersons) -> Columns:
    """Map the person: a passport is sent only by who has no CPF (N10)."""
    return {
        "/data/updateDateTime": s.updated_at,
        "/data/personalId": s.customer_id,
        "/data/brandName": c.brand_name,
        "/data/civilName": n.civil_name,
        "/data/socialName": n.social_name,
        "/data/birthDate": n.birth_date,
        "/data/maritalStatusCode": n.marital_status_code,
        "/data/maritalStatusAdditionalInfo": only(
            n.marital_status_additional_info, n.marital_status_code == "OUTRO"
        ),
        "/data/sex": n.sex,
        "/data/documents/cpfNumber": c.tax_id,
        "/data/documents/passport/number": only(n.passport_number, c.tax_id.isna()),
        "/data/documents/passport/country": only(n.passport_country, c.tax_id.isna()),
        "/data/documents/passport/expirationDate": only(n.passport_expiration_date, c.tax_id.isna()),
        "/data/documents/passport/issueDate": only(n.passport_issue_date, c.tax_id.isna()),
        "/data/hasBrazilianNationality": n.has_brazilian_nationality,
    }


def companies_cnpj(r: RegisteringCompanies) -> Columns:
    """Map the institutions that keep the register."""
    return {"/data/companiesCnpj": r.companies_cnpj}


def other_documents(d: OtherDocuments) -> Columns:
    """Map the other documents: the note on the type stays only for OUTROS (N02)."""
    return {
        "/data/otherDocuments/type": d.type,
        "/data/otherDocuments/typeAdditionalInfo": only(d.type_additional_info, d.type == "OUTROS"),
        "/data/otherDocuments/number": d.number,
        "/data/otherDocuments/checkDigit": d.check_digit,
        "/data/otherDocuments/additionalInfo": d.additional_info,
        "/data/otherDocuments/expirationDate": d.expiration_date,
    }


def nationality(n: Nationalities) -> Columns:
    """Map the other nationalities, one element each (N05)."""
    return {"/data/nationality/otherNationalitiesInfo": n.other_nationalities_info}


def nationality_documents(d: NationalityDocuments) -> Columns:
    """Map the documents of each nationality."""
    return {
        "/data/nationality/documents/type": d.type,
        "/data/nationality/documents/number": d.number,
        "/data/nationality/documents/expirationDate": d.expiration_date,
        "/data/nationality/documents/issueDate": d.issue_date,
        "/data/nationality/documents/country": d.country,
        "/data/nationality/documents/additionalInfo": d.additional_info,
    }


def filiation(f: Filiation) -> Columns:
    """Map the parents."""
    return {
        "/data/filiation/type": f.type,
        "/data/filiation/civilName": f.civil_name,
        "/data/filiation/socialName": f.social_name,
    }


MAP = StructureMap(
    structure=PERSONAL_IDENTIFICATIONS,
    joined=(Customers, NaturalPersons),
    root=root,
    dated_by=(NaturalPersons, OtherDocuments, Nationalities, PostalAddresses, Phones, Emails),
    blocks={
        "/data/companiesCnpj": BlockMap(RegisteringCompanies, companies_cnpj),
        "/data/otherDocuments": BlockMap(OtherDocuments, other_documents),
        "/data/nationality": BlockMap(Nationalities, nationality),
        "/data/nationality/documents": BlockMap(
            NationalityDocuments,
            nationality_documents,
            belongs_to=("nationality", "other_nationalities_info"),
        ),
        "/data/filiation": BlockMap(Filiation, filiation),
        **CONTACTS,
    },
)
