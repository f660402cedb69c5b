"""Personal qualification: one document per natural person, from the register updated last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.structures import PERSONAL_QUALIFICATIONS
from mappings.columns import money
from mappings.profile import PersonalQualifications
from mappings.structure_map import StructureMap

if TYPE_CHECKING:
    from mappings.structure_map import Columns, Subject


def root(s: Subject, q: PersonalQualifications) -> Columns:
    """Map occupation, income and patrimony."""
    return {
        "/data/updateDateTime": s.updated_at,
        "/data/companyCnpj": q.company_cnpj,
        "/data/occupationCode": q.occupation_code,
        "/data/occupationDescription": q.occupation_description,
        "/data/informedIncome/frequency": q.informed_income_frequency,
        "/data/informedIncome/amount/amount": money(q.informed_income_amount),
        "/data/informedIncome/amount/currency": q.informed_income_currency,
        "/data/informedIncome/date": q.informed_income_date,
        "/data/informedPatrimony/amount/amount": money(q.informed_patrimony_amount),
        "/data/informedPatrimony/amount/currency": q.informed_patrimony_currency,
        "/data/informedPatrimony/year": q.informed_patrimony_year,
    }


MAP = StructureMap(
    structure=PERSONAL_QUALIFICATIONS,
    joined=(PersonalQualifications,),
    root=root,
    dated_by=(PersonalQualifications,),
)
