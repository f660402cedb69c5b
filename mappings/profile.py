"""The core profile: what any core must be able to say, one class per staging table.

A staged column has the dictionary's name in snake_case wherever the dictionary has one. Its kind says how the raw
text is read; the core's ``core.toml`` says which raw column and which code table it comes from, and nothing else.
At mapping time every column is a pandas Series of Arrow strings in canonical form: see ``customers.unread``.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    Column = pd.Series  # of Arrow strings
else:
    Column = object  # at run time only the kinds are read, for which nobody need import pandas


class Kind(Enum):
    """How the raw text of a column is read; what does not read as its kind is kept, marked unread."""

    TEXT = "text: blanks trimmed and collapsed"
    CODE = "code: looked up in a code table of core.toml"
    FLAG = "flag: S or N"
    DATE = "date: dd/mm/aaaa"
    TIMESTAMP = "timestamp: dd/mm/aaaa HH:MM:SS, local time of the core's zone"
    DECIMAL = "number with a decimal comma"
    YEAR = "year: an integer"
    COORDINATE = "number with a decimal comma or point, digits untouched"
    DIGITS = "digits: mask stripped"
    NUMBER = "document number, kept as it is; all zeros mean no value"
    CPF = "CPF: mask stripped, eleven digits"
    CNPJ = "CNPJ: mask stripped, fourteen digits"
    TAX_ID = "CPF of a natural person, CNPJ of a company: mask stripped, zeros restored by person_kind"
    CPF_OR_CNPJ = "CPF or CNPJ: the mask decides, else up to eleven digits are a CPF"
    CEP = "CEP: mask stripped, eight digits"
    IBGE = "IBGE town code: mask stripped, seven digits"
    CNAE = "CNAE subclass: mask stripped, seven digits"
    ISPB = "ISPB: eight digits"
    COMPE = "COMPE: three digits"
    BRANCH = "branch: four digits"
    ACCOUNT = "account number: at least eight digits"


Text = Annotated[Column, Kind.TEXT]
Code = Annotated[Column, Kind.CODE]
Flag = Annotated[Column, Kind.FLAG]
Date = Annotated[Column, Kind.DATE]
Timestamp = Annotated[Column, Kind.TIMESTAMP]
Decimal = Annotated[Column, Kind.DECIMAL]
Year = Annotated[Column, Kind.YEAR]
Coordinate = Annotated[Column, Kind.COORDINATE]
Digits = Annotated[Column, Kind.DIGITS]
Number = Annotated[Column, Kind.NUMBER]
Cpf = Annotated[Column, Kind.CPF]
Cnpj = Annotated[Column, Kind.CNPJ]
TaxId = Annotated[Column, Kind.TAX_ID]
CpfOrCnpj = Annotated[Column, Kind.CPF_OR_CNPJ]
Cep = Annotated[Column, Kind.CEP]
Ibge = Annotated[Column, Kind.IBGE]
Cnae = Annotated[Column, Kind.CNAE]
Ispb = Annotated[Column, Kind.ISPB]
Compe = Annotated[Column, Kind.COMPE]
Branch = Annotated[Column, Kind.BRANCH]
Account = Annotated[Column, Kind.ACCOUNT]


class Table:
    """Mark a staging table, of which nobody makes one: it has the core key of its register and a source line, too."""


class OneRowTable(Table):
    """Mark a staging table with at most one row per register; a second row refuses all documents of the register."""


class Customers(OneRowTable):
    """Say who is a customer: one row per register."""

    person_kind: Code  # F or J
    status: Code  # A active, B temporarily blocked, E ended
    brand_name: Code
    tax_id: TaxId
    start_in_3040: Timestamp
    start_in_ccs: Timestamp
    updated_at: Timestamp


class NaturalPersons(OneRowTable):
    """Describe a natural person."""

    civil_name: Text
    social_name: Text
    birth_date: Date
    marital_status_code: Code
    marital_status_additional_info: Text
    sex: Code
    has_brazilian_nationality: Flag
    passport_number: Number
    passport_country: Text
    passport_issue_date: Date
    passport_expiration_date: Date
    products_services_type_additional_info: Text
    updated_at: Timestamp


class LegalPersons(OneRowTable):
    """Describe a company."""

    company_name: Text
    trade_name: Text
    incorporation_date: Timestamp
    updated_at: Timestamp


class RegisteringCompanies(Table):
    """Name the institutions of the brand that keep the register."""

    companies_cnpj: Cnpj


class OtherDocuments(Table):
    """List documents other than CPF, CNPJ and passport."""

    type: Code
    free_type: Text  # the type as text, for companies
    type_additional_info: Text
    number: Number
    check_digit: Text
    additional_info: Text
    country: Text
    expiration_date: Date
    updated_at: Timestamp


class Nationalities(Table):
    """List nationalities other than the Brazilian one."""

    other_nationalities_info: Text
    updated_at: Timestamp


class NationalityDocuments(Table):
    """List the documents of a nationality."""

    nationality: Text  # other_nationalities_info of the nationality it belongs to
    type: Text
    number: Number
    expiration_date: Date
    issue_date: Date
    country: Text
    additional_info: Text


class Filiation(Table):
    """Name the parents."""

    type: Code
    civil_name: Text
    social_name: Text


class PostalAddresses(Table):
    """List the addresses."""

    is_main: Flag
    street: Text
    street_number: Text
    additional_info: Text
    district_name: Text
    town_name: Text
    ibge_town_code: Ibge
    country_sub_division: Text
    post_code: Cep
    country: Text
    country_code: Text
    latitude: Coordinate
    longitude: Coordinate
    updated_at: Timestamp


class Phones(Table):
    """List the telephones."""

    is_main: Flag
    type: Code
    additional_info: Text
    country_calling_code: Digits
    area_code: Digits
    number: Digits
    phone_extension: Digits
    updated_at: Timestamp


class Emails(Table):
    """List the e-mail addresses."""

    is_main: Flag
    email: Text
    updated_at: Timestamp


class PersonalQualifications(OneRowTable):
    """Give occupation, income and patrimony of a natural person."""

    company_cnpj: Cnpj
    occupation_code: Code
    occupation_description: Text
    informed_income_frequency: Code
    informed_income_amount: Decimal
    informed_income_currency: Text
    informed_income_date: Date
    informed_patrimony_amount: Decimal
    informed_patrimony_currency: Text
    informed_patrimony_year: Year
    updated_at: Timestamp


class BusinessQualifications(OneRowTable):
    """Give revenue and patrimony of a company."""

    informed_revenue_frequency: Code
    informed_revenue_frequency_additional_info: Text
    informed_revenue_amount: Decimal
    informed_revenue_currency: Text
    informed_revenue_year: Year
    informed_patrimony_amount: Decimal
    informed_patrimony_currency: Text
    informed_patrimony_date: Date
    updated_at: Timestamp


class EconomicActivities(Table):
    """List the economic activities of a company."""

    code: Cnae
    is_main: Flag


class Parties(Table):
    """List partners and administrators of a company."""

    person_type: Code
    type: Code
    civil_name: Text
    social_name: Text
    company_name: Text
    trade_name: Text
    start_date: Timestamp
    share_percent: Decimal
    document_type: Code
    document_number: Number
    document_additional_info: Text
    document_country: Text
    document_issue_date: Date
    document_expiration_date: Date


class Products(Table):
    """List the contracted products; only those in force are served."""

    products_services_type: Code
    status: Code
    updated_at: Timestamp


class Accounts(Table):
    """List the accounts; only those in force are served."""

    compe_code: Compe
    branch_code: Branch
    number: Account
    check_digit: Text
    type: Code
    subtype: Code
    status: Code
    updated_at: Timestamp


class Procurators(Table):
    """List legal representatives and procurators."""

    type: Code
    tax_id: CpfOrCnpj
    civil_name: Text
    social_name: Text
    updated_at: Timestamp


class PortabilitiesReceived(Table):
    """List the salary portabilities received."""

    employer_name: Text
    employer_cnpj_cpf: CpfOrCnpj
    paycheck_bank_detainer_cnpj: Cnpj
    paycheck_bank_detainer_ispb: Ispb
    portability_approval_date: Date


class PaychecksBankLinks(Table):
    """List the salary accounts opened for an employer."""

    employer_name: Text
    employer_cnpj_cpf: CpfOrCnpj
    paycheck_bank_cnpj: Cnpj
    paycheck_bank_ispb: Ispb
    account_opening_date: Date


TABLES: dict[str, type[Table]] = {
    "customers": Customers,
    "natural_persons": NaturalPersons,
    "legal_persons": LegalPersons,
    "registering_companies": RegisteringCompanies,
    "other_documents": OtherDocuments,
    "nationalities": Nationalities,
    "nationality_documents": NationalityDocuments,
    "filiation": Filiation,
    "postal_addresses": PostalAddresses,
    "phones": Phones,
    "emails": Emails,
    "personal_qualifications": PersonalQualifications,
    "business_qualifications": BusinessQualifications,
    "economic_activities": EconomicActivities,
    "parties": Parties,
    "products": Products,
    "accounts": Accounts,
    "procurators": Procurators,
    "portabilities_received": PortabilitiesReceived,
    "paychecks_bank_links": PaychecksBankLinks,
}

# Tables that speak of one kind of person alone.
KIND_OF: dict[type[Table], str] = {
    NaturalPersons: "F",
    Nationalities: "F",
    NationalityDocuments: "F",
    Filiation: "F",
    PersonalQualifications: "F",
    PortabilitiesReceived: "F",
    PaychecksBankLinks: "F",
    LegalPersons: "J",
    BusinessQualifications: "J",
    EconomicActivities: "J",
    Parties: "J",
}

NAMES: dict[type[Table], str] = {table: name for name, table in TABLES.items()}


def _kinds(table: type[Table]) -> dict[str, Kind]:
    hints = get_type_hints(table, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


_KINDS = {table: _kinds(table) for table in NAMES}


def columns_of(table: type[Table]) -> Mapping[str, Kind]:
    """Return the columns of a staging table and their kinds, in order."""
    return _KINDS[table]
