"""What the texts ask of financial relations."""

from __future__ import annotations

from customers.conditions import ListedIn, Not, NotOlderThan, contains, equals
from customers.prose_rules.scopes import FINANCIAL_RELATIONS, PF
from customers.rule_kinds import Must, ProseRule, RequiredWhen

_PREPAID = "CONTA_PAGAMENTO_PRE_PAGA"
_ACCOUNT_PRODUCTS = ("CONTA_DEPOSITO_A_VISTA", "CONTA_POUPANCA", _PREPAID)


def _product_needs_account(product: str) -> ProseRule:
    return Must(
        id="P-PRODUCT-ACCOUNT",
        on=FINANCIAL_RELATIONS,
        field="/data/productsServicesType",
        when=contains("/data/productsServicesType", product),
        that=contains("/data/accounts/type", product),
        klass="suspect",
        english=f"names {product}, yet no such account is listed",
        portuguese=f"indica {product}, mas não há conta desse tipo na lista",
    )


RELATIONS: tuple[ProseRule, ...] = (
    RequiredWhen(
        id="P-PRODUCTS-OUTROS",
        on=PF,
        field="/data/productsServicesTypeAdditionalInfo",
        when=contains("/data/productsServicesType", "OUTROS"),
        english="must be present when OUTROS is among the products",
        portuguese="deve estar presente quando OUTROS está entre os produtos",
    ),
    RequiredWhen(
        id="P-BRANCH",
        on=FINANCIAL_RELATIONS,
        field="/data/accounts/branchCode",
        when=Not(equals("/data/accounts/type", _PREPAID)),
        english="must be present unless the account is prepaid",
        portuguese="deve estar presente, salvo em conta pré-paga",
    ),
    Must(
        id="P-ACCOUNT-PRODUCT",
        on=FINANCIAL_RELATIONS,
        field="/data/accounts/type",
        that=ListedIn("/data/accounts/type", "/data/productsServicesType"),
        klass="suspect",
        english="should be among the products",
        portuguese="deveria estar entre os produtos",
    ),
    *(_product_needs_account(product) for product in _ACCOUNT_PRODUCTS),
    Must(
        id="P-PORTABILITY-5Y",
        on=PF,
        field="/data/portabilitiesReceived/portabilityApprovalDate",
        that=NotOlderThan("/data/portabilitiesReceived/portabilityApprovalDate", years=5),
        klass="suspect",
        english="should not be older than five years",
        portuguese="não deveria ter mais de cinco anos",
    ),
)
