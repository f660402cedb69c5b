"""Advice: nothing forbids it, yet somebody should look.

The check digits of single fields are in the errata files.
"""

from __future__ import annotations

from customers.conditions import CheckDigits, Count, Distinct, Matches, Not, Or, Present, absent, equals
from customers.prose_rules import PROSE_RULES
from customers.prose_rules.scopes import BI, BQ, FINANCIAL_RELATIONS, IDENTIFICATIONS, PI, PQ
from customers.rule_kinds import Must, ProseRule, RequiredWhen

_PHONE = "/data/contacts/phones"

# Duties whose other side is certain: where the condition is not met, the field is not to be sent.
_EXACT_CONDITIONS = frozenset(
    {
        "P-MARITAL-OUTRO",
        "P-OTHERDOC-OUTROS",
        "P-PHONE-OUTRO",
        "P-PARTY-CIVILNAME",
        "P-PARTY-COMPANYNAME",
        "P-FREQUENCY-OUTROS",
        "P-PRODUCTS-OUTROS",
        "P-BRANCH",
    }
)

_CONDITIONAL: tuple[ProseRule, ...] = tuple(
    rule.forbidden_otherwise("A-CONDITIONAL")
    for rule in PROSE_RULES
    if isinstance(rule, RequiredWhen) and rule.id in _EXACT_CONDITIONS
)

_MAIN: tuple[ProseRule, ...] = tuple(
    Must(
        id="A-MAIN",
        on=IDENTIFICATIONS,
        field=f"/data/contacts/{name}",
        when=Present(f"/data/contacts/{name}"),
        that=Count(f"/data/contacts/{name}/isMain", ("true",), at_least=1, at_most=1),
        klass="advice",
        english="should have exactly one main element",
        portuguese="deveria ter exatamente um elemento principal",
    )
    for name in ("postalAddresses", "phones", "emails")
)

_REPEATED: tuple[ProseRule, ...] = tuple(
    Must(
        id="A-DUP",
        on=on,
        field=field,
        that=Distinct(leaf),
        klass="advice",
        english="should not hold the same value twice",
        portuguese="não deveria trazer o mesmo valor duas vezes",
    )
    for on, field, leaf in (
        (IDENTIFICATIONS, "/data/companiesCnpj", "/data/companiesCnpj"),
        (BQ, "/data/economicActivities", "/data/economicActivities/code"),
        (FINANCIAL_RELATIONS, "/data/productsServicesType", "/data/productsServicesType"),
    )
)

ADVICE_RULES: tuple[ProseRule, ...] = (
    *_CONDITIONAL,
    *_MAIN,
    *_REPEATED,
    Must(
        id="A-PARTY-DOCNUMBER",
        on=BI,
        field="/data/parties/documentNumber",
        when=equals("/data/parties/documentType", "CPF"),
        that=CheckDigits("/data/parties/documentNumber", "cpf"),
        klass="advice",
        english="should be a CPF with the right check digits",
        portuguese="deveria ser um CPF com dígitos verificadores corretos",
    ),
    Must(
        id="A-PARTY-DOCNUMBER",
        on=BI,
        field="/data/parties/documentNumber",
        when=equals("/data/parties/documentType", "CNPJ"),
        that=CheckDigits("/data/parties/documentNumber", "cnpj"),
        klass="advice",
        english="should be a CNPJ with the right check digits",
        portuguese="deveria ser um CNPJ com dígitos verificadores corretos",
    ),
    Must(
        id="A-DUMMY-DATE",
        on=PI,
        field="/data/birthDate",
        that=Not(equals("/data/birthDate", "0001-01-01", "1800-01-01", "1900-01-01", "9999-12-31")),
        klass="advice",
        english="looks like a date that stands for no date",
        portuguese="parece uma data usada no lugar de nenhuma",
    ),
    Must(
        id="A-PHONE",
        on=IDENTIFICATIONS,
        field=f"{_PHONE}/number",
        when=Or((absent(f"{_PHONE}/countryCallingCode"), equals(f"{_PHONE}/countryCallingCode", "55"))),
        that=Matches(f"{_PHONE}/number", "^[0-9]{8,9}$"),
        klass="advice",
        english="should have eight or nine digits in Brazil",
        portuguese="deveria ter oito ou nove dígitos no Brasil",
    ),
    Must(
        id="A-CBO",
        on=PQ,
        field="/data/occupationDescription",
        when=equals("/data/occupationCode", "CBO"),
        that=Matches("/data/occupationDescription", "^[0-9]{4}-?[0-9]{2}$"),
        klass="advice",
        english="should have the six digits of a CBO code",
        portuguese="deveria ter os seis dígitos de um código CBO",
    ),
)

# Advice of the catalogue that has no rule, and why.
LEFT_OUT: dict[str, str] = {
    "A-META-TOTALS": "The envelope is the API's, which never sends them.",
    "A-EXTENSION": "The properties are allowed; other people's documents may have them.",
    "A-LINK-PREV": "The links are the API's and are tested there.",
    "A-LINK-FIRST": "As A-LINK-PREV.",
    "A-LINK-HTTP": "As A-LINK-PREV.",
    "A-TRIM": "The mapping trims every text.",
    "A-FILLER": "G-NA judges the words that the standard forbids; more would only guess.",
    "A-DATE-ORDER": "Issued after it expires: rare, and it would need a condition of its own.",
    "A-EMAIL": "The format judges what can be judged without sending a message.",
    "A-SHARE-SUM": "Needs a sum over a list, for a slip that no steward asked about.",
    "A-ISPB": "Needs the register of ISPB numbers.",
    "A-SALARY-PRODUCT": "The mapping leaves out what would contradict it (C-PAYCHECK).",
}
