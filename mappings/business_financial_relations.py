"""Business financial relation: one document per company, uniting the lists of all open registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.structures import BUSINESS_FINANCIAL_RELATIONS
from mappings.columns import only, stated
from mappings.personal_financial_relations import in_force, products
from mappings.profile import Accounts, Procurators, Products
from mappings.structure_map import BlockMap, StructureMap

if TYPE_CHECKING:
    from mappings.structure_map import Columns, Subject


def root(s: Subject) -> Columns:
    """Map the start of the relation."""
    return {
        "/data/updateDateTime": s.updated_at,
        "/data/startDate": s.started_at,
    }


def procurators(p: Procurators) -> Columns:
    """Map legal representatives and procurators, persons or companies."""
    return {
        "/data/procurators/type": p.type,
        "/data/procurators/cnpjCpfNumber": p.tax_id,
        "/data/procurators/civilName": p.civil_name,
        "/data/procurators/socialName": p.social_name,
    }


def accounts(a: Accounts) -> Columns:
    """Map the accounts in force: a prepaid account has no branch."""
    return {
        "/data/accounts/compeCode": a.compe_code,
        "/data/accounts/branchCode": only(a.branch_code, a.type != "CONTA_PAGAMENTO_PRE_PAGA"),
        "/data/accounts/number": a.number,
        "/data/accounts/checkDigit": a.check_digit,
        "/data/accounts/type": stated(a.type, a.status),
    }


MAP = StructureMap(
    structure=BUSINESS_FINANCIAL_RELATIONS,
    joined=(),
    root=root,
    dated_by=(Products, Accounts, Procurators),
    blocks={
        "/data/productsServicesType": BlockMap(Products, products, sends=in_force),
        "/data/procurators": BlockMap(Procurators, procurators),
        "/data/accounts": BlockMap(Accounts, accounts, sends=in_force),
    },
)
