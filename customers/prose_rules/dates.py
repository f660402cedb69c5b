"""Dates that record the past, and so cannot lie in the future."""

from __future__ import annotations

from customers.conditions import NotInFuture
from customers.prose_rules.scopes import BF, BI, BQ, PF, PI, PQ
from customers.rule_kinds import Must, ProseRule

# Dates that record the past, by structure; what expires is left out.
_PAST_DATES: dict[tuple[str, ...], tuple[str, ...]] = {
    PI: (
        "/data/updateDateTime",
        "/data/birthDate",
        "/data/documents/passport/issueDate",
        "/data/nationality/documents/issueDate",
    ),
    BI: (
        "/data/updateDateTime",
        "/data/incorporationDate",
        "/data/parties/startDate",
        "/data/parties/documentIssueDate",
    ),
    PQ: ("/data/updateDateTime", "/data/informedIncome/date"),
    BQ: ("/data/updateDateTime", "/data/informedPatrimony/date"),
    PF: (
        "/data/updateDateTime",
        "/data/startDate",
        "/data/portabilitiesReceived/portabilityApprovalDate",
        "/data/paychecksBankLink/accountOpeningDate",
    ),
    BF: ("/data/updateDateTime", "/data/startDate"),
}


FUTURE: tuple[ProseRule, ...] = tuple(
    Must(
        id="P-FUTURE",
        on=on,
        field=xpath,
        that=NotInFuture(xpath),
        klass="suspect",
        english="should not lie in the future",
        portuguese="não deveria estar no futuro",
    )
    for on, dates in _PAST_DATES.items()
    for xpath in dates
)
