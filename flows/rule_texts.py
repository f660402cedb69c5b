"""What every rule asks, as a sentence in English and in Portuguese, by structure, rule and xpath."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from customers.dictionary import DEFAULT_VERSION
from customers.rules import rules


class RuleText(NamedTuple):
    """One rule in both languages."""

    english: str
    portuguese: str


# Rules on the export itself, which no dictionary states.
ON_THE_EXPORT: dict[str, RuleText] = {
    "X-UNMAPPED": RuleText(
        "must come from a value that the core's configuration knows",
        "deve vir de um valor que a configuração do core conhece",
    ),
    "X-DUPLICATE-KEY": RuleText(
        "a customer must stand once in a table of one row per customer",
        "um cliente deve aparecer uma só vez em tabela de uma linha por cliente",
    ),
    "X-ORPHAN": RuleText(
        "a row must belong to a customer of the customers' table",
        "uma linha deve pertencer a um cliente da tabela de clientes",
    ),
    "X-NO-KEY": RuleText("a row must have the customer's key", "uma linha deve ter a chave do cliente"),
}
_UNKNOWN = RuleText("a rule of another version of this program", "uma regra de outra versão deste programa")


@cache
def _texts(structure: str, version: str) -> dict[tuple[str, str], RuleText]:
    texts: dict[tuple[str, str], RuleText] = {}
    for rule in rules(structure, version):
        before = texts.get((rule.id, rule.xpath))
        after = RuleText(rule.english, rule.portuguese)
        # Prose rules may share id and xpath: they are judged as one.
        texts[rule.id, rule.xpath] = (
            after
            if before is None
            else RuleText(*("; ".join(pair) for pair in zip(before, after, strict=True)))
        )
    return texts


def rule_text(structure: str, rule: str, xpath: str, version: str = DEFAULT_VERSION) -> RuleText:
    """Return what a rule asks at an xpath of a structure."""
    if rule in ON_THE_EXPORT:
        return ON_THE_EXPORT[rule]
    return _texts(structure, version).get((rule, xpath), _UNKNOWN) if structure else _UNKNOWN
