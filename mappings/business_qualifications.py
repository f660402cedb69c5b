"""Business qualification: one document per company, from the register updated last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.structures import BUSINESS_QUALIFICATIONS
from mappings.columns import money, only
from mappings.profile import BusinessQualifications, EconomicActivities
from mappings.structure_map import BlockMap, StructureMap

if TYPE_CHECKING:
    from mappings.structure_map import Columns, Subject


def root(s: Subject, q: BusinessQualifications) -> Columns:
    """Map revenue and patrimony."""
    return {
        "/data/updateDateTime": s.updated_at,
        "/data/informedRevenue/frequency": q.informed_revenue_frequency,
        "/data/informedRevenue/frequencyAdditionalInfo": only(
            q.informed_revenue_frequency_additional_info, q.informed_revenue_frequency == "OUTROS"
        ),
        "/data/informedRevenue/amount/amount": money(q.informed_revenue_amount),
        "/data/informedRevenue/amount/currency": q.informed_revenue_currency,
        "/data/informedRevenue/year": q.informed_revenue_year,
        "/data/informedPatrimony/amount/amount": money(q.informed_patrimony_amount),
        "/data/informedPatrimony/amount/currency": q.informed_patrimony_currency,
        "/data/informedPatrimony/date": q.informed_patrimony_date,
    }


def economic_activities(a: EconomicActivities) -> Columns:
    """Map main and secondary activities in one list (N12)."""
    return {
        "/data/economicActivities/code": a.code,
        "/data/economicActivities/isMain": a.is_main,
    }


MAP = StructureMap(
    structure=BUSINESS_QUALIFICATIONS,
    joined=(BusinessQualifications,),
    root=root,
    dated_by=(BusinessQualifications,),
    blocks={"/data/economicActivities": BlockMap(EconomicActivities, economic_activities)},
)
