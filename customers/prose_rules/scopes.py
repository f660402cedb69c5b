"""Which structures a rule speaks of, by the abbreviations of the rule catalogue."""

from __future__ import annotations

PI = ("personal_identifications",)
BI = ("business_identifications",)
PQ = ("personal_qualifications",)
BQ = ("business_qualifications",)
PF = ("personal_financial_relations",)
BF = ("business_financial_relations",)
IDENTIFICATIONS = PI + BI
FINANCIAL_RELATIONS = PF + BF
