"""Personal financial relation: one document per natural person, uniting the lists of all open registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.structures import PERSONAL_FINANCIAL_RELATIONS
from mappings.columns import only, stated
from mappings.profile import (
    Accounts,
    NaturalPersons,
    PaychecksBankLinks,
    PortabilitiesReceived,
    Procurators,
    Products,
)
from mappings.rows import chosen_rows
from mappings.structure_map import BlockMap, StructureMap

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from customers.blocks import Documents
    from mappings.profile import Column
    from mappings.structure_map import Columns, Context, Subject


def root(s: Subject, n: NaturalPersons) -> Columns:
    """Map the start of the relation and the text on other products (kept by the assembly only for OUTROS)."""
    return {
        "/data/updateDateTime": s.updated_at,
        "/data/startDate": s.started_at,
        "/data/productsServicesTypeAdditionalInfo": n.products_services_type_additional_info,
    }


def products(p: Products) -> Columns:
    """Map the products with a contract in force."""
    return {"/data/productsServicesType": stated(p.products_services_type, p.status)}


def in_force(p: Products | Accounts, _: Context) -> Column:
    """Send what is not closed; a missing status, or one that no table lists, is not taken for closed."""
    return ~(p.status == "E")


def procurators(p: Procurators) -> Columns:
    """Map legal representatives and procurators."""
    return {
        "/data/procurators/type": p.type,
        "/data/procurators/cpfNumber": p.tax_id,
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
        "/data/accounts/subtype": a.subtype,
    }


def portabilities_received(p: PortabilitiesReceived) -> Columns:
    """Map the salary portabilities."""
    return {
        "/data/portabilitiesReceived/employerName": p.employer_name,
        "/data/portabilitiesReceived/employerCnpjCpf": p.employer_cnpj_cpf,
        "/data/portabilitiesReceived/paycheckBankDetainerCnpj": p.paycheck_bank_detainer_cnpj,
        "/data/portabilitiesReceived/paycheckBankDetainerIspb": p.paycheck_bank_detainer_ispb,
        "/data/portabilitiesReceived/portabilityApprovalDate": p.portability_approval_date,
    }


def within_five_years(p: PortabilitiesReceived, context: Context) -> Column:
    """Send a portability unless it was approved more than five years before the business date."""
    return ~(p.portability_approval_date < five_years_before(context.business_date).isoformat())


def paychecks_bank_link(p: PaychecksBankLinks) -> Columns:
    """Map the salary accounts (the assembly leaves out those of who has nothing but a salary account)."""
    return {
        "/data/paychecksBankLink/employerName": p.employer_name,
        "/data/paychecksBankLink/employerCnpjCpf": p.employer_cnpj_cpf,
        "/data/paychecksBankLink/paycheckBankCnpj": p.paycheck_bank_cnpj,
        "/data/paychecksBankLink/paycheckBankIspb": p.paycheck_bank_ispb,
        "/data/paychecksBankLink/accountOpeningDate": p.account_opening_date,
    }


def five_years_before(day: date) -> date:
    """Return the same day five years earlier, the 28th for a leap day.

    >>> from datetime import date
    >>> five_years_before(date(2028, 2, 29)).isoformat(), five_years_before(date(2026, 11, 20)).isoformat()
    ('2023-02-28', '2021-11-20')
    """
    years = day.year - 5
    return day.replace(year=years, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=years)


def refine(documents: Documents) -> None:
    """Keep the note on products only beside OUTROS, and no payroll link of who has nothing but a salary account."""
    offered = documents.blocks["/data/productsServicesType"]
    kinds = offered.columns["/data/productsServicesType"]
    count = len(documents)
    has_others = np.zeros(count, bool)
    has_others[offered.document[_where(pc.equal(kinds, "OUTROS"))]] = True
    note = "/data/productsServicesTypeAdditionalInfo"
    documents.root.columns[note] = pc.if_else(pa.array(has_others), documents.root.columns[note], None)
    products_of = np.bincount(offered.document, minlength=count)
    salaries_of = np.bincount(offered.document[_where(pc.equal(kinds, "CONTA_SALARIO"))], minlength=count)
    only_salary = (products_of > 0) & (products_of == salaries_of)
    links = documents.blocks["/data/paychecksBankLink"]
    kept = np.flatnonzero(~only_salary[links.document])
    documents.blocks["/data/paychecksBankLink"] = chosen_rows(links, kept)


def _where(mask: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return found


MAP = StructureMap(
    structure=PERSONAL_FINANCIAL_RELATIONS,
    joined=(NaturalPersons,),
    root=root,
    dated_by=(Products, Accounts, Procurators),
    blocks={
        "/data/productsServicesType": BlockMap(Products, products, sends=in_force),
        "/data/procurators": BlockMap(Procurators, procurators),
        "/data/accounts": BlockMap(Accounts, accounts, sends=in_force),
        "/data/portabilitiesReceived": BlockMap(
            PortabilitiesReceived, portabilities_received, sends=within_five_years
        ),
        "/data/paychecksBankLink": BlockMap(PaychecksBankLinks, paychecks_bank_link),
    },
    refine=refine,
)
