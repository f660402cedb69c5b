"""Business identification: one document per register of a company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.structures import BUSINESS_IDENTIFICATIONS
from mappings.columns import below, only, party_document, share
from mappings.contacts import CONTACTS
from mappings.personal_identifications import companies_cnpj
from mappings.profile import (
    Customers,
    Emails,
    LegalPersons,
    OtherDocuments,
    Parties,
    Phones,
    PostalAddresses,
    RegisteringCompanies,
)
from mappings.structure_map import BlockMap, StructureMap

if TYPE_CHECKING:
    from mappings.profile import Column
    from mappings.structure_map import Columns, Context, Subject

# C-PARTIES-25: a partner below this percentage is left out, an administrator never is.
SMALLEST_PARTNER = 25


def root(s: Subject, c: Customers, l: LegalPersons) -> Columns:  # noqa: E741 (one letter per table)
    """Map the company."""
    return {
        "/data/updateDateTime": s.updated_at,
        "/data/businessId": s.customer_id,
        "/data/brandName": c.brand_name,
        "/data/companyName": l.company_name,
        "/data/tradeName": l.trade_name,
        "/data/incorporationDate": l.incorporation_date,
        "/data/cnpjNumber": c.tax_id,
    }


def other_documents(d: OtherDocuments) -> Columns:
    """Map the documents of a company seated abroad: their type is free text."""
    return {
        "/data/otherDocuments/type": d.free_type,
        "/data/otherDocuments/number": d.number,
        "/data/otherDocuments/country": d.country,
        "/data/otherDocuments/expirationDate": d.expiration_date,
    }


def parties(p: Parties) -> Columns:
    """Map partners and administrators: names by kind of person, percentages become shares."""
    return {
        "/data/parties/personType": p.person_type,
        "/data/parties/type": p.type,
        "/data/parties/civilName": only(p.civil_name, p.person_type == "PESSOA_NATURAL"),
        "/data/parties/socialName": p.social_name,
        "/data/parties/companyName": only(p.company_name, p.person_type == "PESSOA_JURIDICA"),
        "/data/parties/tradeName": p.trade_name,
        "/data/parties/startDate": p.start_date,
        "/data/parties/shareholding": share(p.share_percent),
        "/data/parties/documentType": p.document_type,
        "/data/parties/documentNumber": party_document(p.document_number, p.document_type),
        "/data/parties/documentAdditionalInfo": p.document_additional_info,
        "/data/parties/documentCountry": p.document_country,
        "/data/parties/documentExpirationDate": p.document_expiration_date,
        "/data/parties/documentIssueDate": p.document_issue_date,
    }


def sent_parties(p: Parties, _: Context) -> Column:
    """Send every party but partners below 25 %."""
    return ~((p.type == "SOCIO") & below(p.share_percent, SMALLEST_PARTNER))


MAP = StructureMap(
    structure=BUSINESS_IDENTIFICATIONS,
    joined=(Customers, LegalPersons),
    root=root,
    dated_by=(LegalPersons, OtherDocuments, PostalAddresses, Phones, Emails),
    blocks={
        "/data/companiesCnpj": BlockMap(RegisteringCompanies, companies_cnpj),
        "/data/otherDocuments": BlockMap(OtherDocuments, other_documents),
        "/data/parties": BlockMap(Parties, parties, sends=sent_parties),
        **CONTACTS,
    },
)
