"""What the texts ask of a company's identification."""

from __future__ import annotations

from decimal import Decimal

from customers.conditions import Includes, InRange, Not, equals
from customers.prose_rules.scopes import BI
from customers.rule_kinds import Must, ProseRule, RequiredWhen

COMPANIES: tuple[ProseRule, ...] = (
    Must(
        id="P-ID-CNPJ",
        on=BI,
        field="/data/businessId",
        that=Not(Includes("/data/businessId", "/data/cnpjNumber", ignoring="-")),
        klass="suspect",
        english="should not contain the CNPJ",
        portuguese="não deveria conter o CNPJ",
    ),
    RequiredWhen(
        id="P-PARTY-CIVILNAME",
        on=BI,
        field="/data/parties/civilName",
        when=equals("/data/parties/personType", "PESSOA_NATURAL"),
        english="must be present for a natural person",
        portuguese="deve estar presente para pessoa natural",
    ),
    RequiredWhen(
        id="P-PARTY-COMPANYNAME",
        on=BI,
        field="/data/parties/companyName",
        when=equals("/data/parties/personType", "PESSOA_JURIDICA"),
        english="must be present for a legal entity",
        portuguese="deve estar presente para pessoa jurídica",
    ),
    Must(
        id="P-SHARE-MIN",
        on=BI,
        field="/data/parties/shareholding",
        when=equals("/data/parties/type", "SOCIO"),
        that=InRange("/data/parties/shareholding", Decimal("0.25"), None),
        english="must be at least 0.250000 for a partner; a smaller partner is left out",
        portuguese="deve ser ao menos 0.250000 para um sócio; sócio menor não é informado",
    ),
    Must(
        id="P-SHARE-MAX",
        on=BI,
        field="/data/parties/shareholding",
        that=InRange("/data/parties/shareholding", None, Decimal(1)),
        english="must be at most 1.000000, which is the whole",
        portuguese="deve ser no máximo 1.000000, que é o todo",
    ),
    RequiredWhen(
        id="P-SHARE-REQUIRED",
        on=BI,
        field="/data/parties/shareholding",
        when=equals("/data/parties/type", "SOCIO"),
        klass="suspect",
        english="should be present for a partner",
        portuguese="deveria estar presente para um sócio",
    ),
    Must(
        id="P-PARTY-DOCTYPE",
        on=BI,
        field="/data/parties/documentType",
        when=equals("/data/parties/personType", "PESSOA_JURIDICA"),
        that=equals("/data/parties/documentType", "CNPJ"),
        klass="suspect",
        english="should be CNPJ for a legal entity",
        portuguese="deveria ser CNPJ para pessoa jurídica",
    ),
    Must(
        id="P-PARTY-DOCTYPE",
        on=BI,
        field="/data/parties/documentType",
        when=equals("/data/parties/personType", "PESSOA_NATURAL"),
        that=Not(equals("/data/parties/documentType", "CNPJ")),
        klass="suspect",
        english="should not be CNPJ for a natural person",
        portuguese="não deveria ser CNPJ para pessoa natural",
    ),
)
