"""The rules that the dictionaries state only in their texts, and a few of plain logic, as data.

Ids are those of the rule catalogue; one id may stand at several xpaths. How a rule is judged:
``customers.rule_kinds``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.prose_rules.companies import COMPANIES
from customers.prose_rules.contacts import CONTACTS
from customers.prose_rules.dates import FUTURE
from customers.prose_rules.persons import PERSONS
from customers.prose_rules.qualifications import QUALIFICATIONS
from customers.prose_rules.relations import RELATIONS

if TYPE_CHECKING:
    from customers.rule_kinds import ProseRule

PROSE_RULES: tuple[ProseRule, ...] = (
    *PERSONS,
    *COMPANIES,
    *CONTACTS,
    *QUALIFICATIONS,
    *RELATIONS,
    *FUTURE,
)
