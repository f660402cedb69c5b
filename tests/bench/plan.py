"""What every rival has to do, said once: which columns feed which xpath, which rows are sent, what is checked.

Each rival writes it in its own idiom; ``Words`` are the few operations that the mapping needs of an engine. What a
table feeds and what a dictionary asks is read from the product's own data, so that no rival can differ by oversight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar

from customers.blocks import ROOT, blocks
from customers.dictionary import DEFAULT_VERSION, Field, effective_fields
from customers.formats import FORMATS
from customers.rules import field_rules
from mappings.core import load_core
from mappings.lineage import mapping_lines
from mappings.profile import NAMES, Kind, columns_of
from mappings.structure_maps import MAPS
from mappings.zones import local_offsets

if TYPE_CHECKING:
    from collections.abc import Callable

    from customers.structures import Structure
    from mappings.core import SourceTable

E = TypeVar("E")

CORE = load_core("reference")
OFFSETS = local_offsets(CORE.zone)
FILLERS = ("", *CORE.fillers)
WIDTHS = {
    Kind.CPF: 11,
    Kind.CNPJ: 14,
    Kind.CEP: 8,
    Kind.IBGE: 7,
    Kind.CNAE: 7,
    Kind.ISPB: 8,
    Kind.COMPE: 3,
    Kind.BRANCH: 4,
    Kind.ACCOUNT: 8,
}
UNMASKED = {Kind.CPF, Kind.CNPJ, Kind.CEP, Kind.IBGE, Kind.CNAE, Kind.DIGITS, Kind.TAX_ID, Kind.CPF_OR_CNPJ}
ZEROS_ARE_NOTHING = {Kind.CPF, Kind.CNPJ, Kind.TAX_ID, Kind.CPF_OR_CNPJ, Kind.NUMBER}
# Only these kinds can hold a sign that JSON has to escape.
FREE_TEXT = {Kind.TEXT, Kind.NUMBER}
ONLY_PAYROLL = "CONTA_SALARIO"
LINKS = "/data/paychecksBankLink"
PRODUCTS = "/data/productsServicesType"
NOTE = "/data/productsServicesTypeAdditionalInfo"
MASK_SIGNS = ".-/()+ "


class Words(Protocol[E]):
    """The operations that a mapping needs, in one engine's own expressions."""

    def col(self, name: str) -> E:
        """Return a staged column."""

    def keep(self, value: E, name: str, wanted: str | None, *, negated: bool = False) -> E:
        """Return a value where a column is what is wanted (None: missing), else nothing."""

    def address(self) -> E:
        """Return street and number in one line."""

    def money(self, name: str) -> E:
        """Return an amount with at least two decimals, zeros past the second dropped."""

    def share(self, name: str) -> E:
        """Return a percentage as a share with six decimals, rounded half to even."""

    def party_document(self) -> E:
        """Return a party's document, CPF and CNPJ restored by the document's type."""

    def area_code(self) -> E:
        """Return an area code without the trunk zeros."""


def _kept(name: str, by: str, wanted: str | None, *, negated: bool = False) -> Callable[[Words[E]], E]:
    return lambda words: words.keep(words.col(name), by, wanted, negated=negated)


def _money(name: str) -> Callable[[Words[E]], E]:
    return lambda words: words.money(name)


_PASSPORT = "/data/documents/passport"
_SPECIAL: dict[str, Callable[[Words], object]] = {  # type: ignore[type-arg]
    "/data/updateDateTime": lambda words: words.col("document_updated"),
    "/data/startDate": lambda words: words.col("started_at"),
    "/data/personalId": lambda words: words.col("customer_id"),
    "/data/businessId": lambda words: words.col("customer_id"),
    "/data/maritalStatusAdditionalInfo": _kept(
        "marital_status_additional_info", "marital_status_code", "OUTRO"
    ),
    f"{_PASSPORT}/number": _kept("passport_number", "tax_id", None),
    f"{_PASSPORT}/country": _kept("passport_country", "tax_id", None),
    f"{_PASSPORT}/expirationDate": _kept("passport_expiration_date", "tax_id", None),
    f"{_PASSPORT}/issueDate": _kept("passport_issue_date", "tax_id", None),
    "/data/otherDocuments/typeAdditionalInfo": _kept("type_additional_info", "type", "OUTROS"),
    "/data/contacts/postalAddresses/address": lambda words: words.address(),
    "/data/contacts/phones/additionalInfo": _kept("additional_info", "type", "OUTRO"),
    "/data/contacts/phones/areaCode": lambda words: words.area_code(),
    "/data/parties/civilName": _kept("civil_name", "person_type", "PESSOA_NATURAL"),
    "/data/parties/companyName": _kept("company_name", "person_type", "PESSOA_JURIDICA"),
    "/data/parties/shareholding": lambda words: words.share("share_percent"),
    "/data/parties/documentNumber": lambda words: words.party_document(),
    "/data/informedIncome/amount/amount": _money("informed_income_amount"),
    "/data/informedRevenue/amount/amount": _money("informed_revenue_amount"),
    "/data/informedPatrimony/amount/amount": _money("informed_patrimony_amount"),
    "/data/informedRevenue/frequencyAdditionalInfo": _kept(
        "informed_revenue_frequency_additional_info", "informed_revenue_frequency", "OUTROS"
    ),
    "/data/accounts/branchCode": _kept("branch_code", "type", "CONTA_PAGAMENTO_PRE_PAGA", negated=True),
    NOTE: lambda words: words.col("products_services_type_additional_info"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """Ask one thing of one xpath; ``siblings`` are the leaves whose presence makes a required one due (none: always)."""

    rule: str
    keyword: str
    xpath: str
    argument: object
    siblings: tuple[str, ...] = ()

    @property
    def bound(self) -> int:
        """Return the least or greatest length or number that is good; 0 where the check has none."""
        return self.argument if isinstance(self.argument, int) else 0


@dataclass(frozen=True, slots=True)
class List:
    """One list of a structure: the staging table that feeds it, its leaves and checks, and the list around it."""

    path: str
    table: str
    leaves: tuple[str, ...]
    checks: tuple[Check, ...]
    parent: str
    scalar: bool
    belongs_to: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One structure: its root's leaves and checks, its lists (children last), and the tables that date it."""

    structure: Structure
    leaves: tuple[str, ...]
    checks: tuple[Check, ...]
    joined: str
    dated_by: tuple[str, ...]
    lists: tuple[List, ...]

    def children(self, path: str) -> tuple[Field, ...]:
        """Return the fields directly below an object or list."""
        return _children(self.structure.name)[path]

    def leaves_below(self, xpath: str) -> tuple[str, ...]:
        """Return the leaves of an object."""
        every = (*self.leaves, *(leaf for item in self.lists for leaf in item.leaves))
        return tuple(leaf for leaf in every if leaf.startswith(xpath + "/"))

    def is_always_sent(self, field: Field) -> bool:
        """Say whether an object is there in every element of its block, with or without members."""
        blocks_above = {ROOT, *(item.path for item in self.lists)}
        return field.obligation == "required" and field.parent in blocks_above

    def lists_of(self, path: str) -> tuple[List, ...]:
        """Return the lists directly inside a block."""
        return tuple(item for item in self.lists if item.parent == path)


@cache
def _children(structure: str) -> dict[str, tuple[Field, ...]]:
    fields = effective_fields(structure, DEFAULT_VERSION)
    parents = {field.parent for field in fields if field.parent}
    return {path: tuple(field for field in fields if field.parent == path) for path in parents}


_KEYWORDS = ("required", "minLength", "maxLength", "pattern", "format", "enum", "minItems", "maxItems")


def _checks(structure: str, block: str, leaves: tuple[str, ...], lists: frozenset[str]) -> tuple[Check, ...]:
    """Return the dictionary's own checks of a block; occurrences are judged where the list hangs.

    An optional list is sent only with elements, so only a required one can have too few.
    """
    found = []
    required = {field.xpath for field in effective_fields(structure) if field.obligation == "required"}
    for rule in field_rules(structure):
        occurrence = rule.keyword in {"minItems", "maxItems"}
        if rule.keyword not in _KEYWORDS or (
            rule.xpath not in leaves and not (occurrence and rule.xpath in lists)
        ):
            continue
        if rule.keyword == "required" and rule.xpath == block:
            continue
        if rule.keyword == "minItems" and rule.xpath not in required:
            continue
        around = rule.xpath.rsplit("/", 1)[0]
        siblings = tuple(leaf for leaf in leaves if leaf.startswith(around + "/")) if around != block else ()
        always = any(
            field.xpath == around and field.obligation == "required" for field in effective_fields(structure)
        )
        due = (
            siblings
            if rule.keyword == "required" and not (always and around.count("/") == block.count("/") + 1)
            else ()
        )
        found.append(Check(rule.id, rule.keyword, rule.xpath, rule.argument, due))
    return tuple(found)


@cache
def plan(structure: str) -> Plan:
    """Return what is owed for a structure."""
    found = MAPS[structure]
    every = blocks(structure)
    lists = []
    for block in every[1:]:
        source = found.blocks[block.path]
        inside = frozenset(
            other.path for other in every[1:] if other.parent == block.path and other.path != block.path
        )
        checks = _checks(structure, block.path, block.xpaths, inside)
        lists.append(
            List(
                block.path,
                NAMES[source.table],
                block.xpaths,
                tuple(
                    check
                    for check in checks
                    if not (block.scalar and check.keyword in {"minItems", "maxItems"})
                ),
                block.parent or ROOT,
                block.scalar,
                source.belongs_to,
            )
        )
    top = frozenset(block.path for block in every[1:] if block.parent == ROOT)
    joined = [NAMES[table] for table in found.joined if NAMES[table] != "customers"]
    return Plan(
        found.structure,
        every[0].xpaths,
        _checks(structure, ROOT, every[0].xpaths, top),
        joined[0] if joined else "",
        tuple(NAMES[table] for table in found.dated_by),
        tuple(sorted(lists, key=lambda item: -item.path.count("/"))),
    )


def value(structure: str, xpath: str, words: Words[E]) -> E:
    """Return what an xpath says, in an engine's words."""
    if xpath in _SPECIAL:
        return _SPECIAL[xpath](words)  # type: ignore[return-value]
    return words.col(mapping_lines(structure)[xpath].columns[0].rpartition(".")[2])


@cache
def is_free(structure: str, xpath: str) -> bool:
    """Say whether an xpath can hold any text."""
    table, _, column = mapping_lines(structure)[xpath].columns[0].rpartition(".")
    kinds = {name: columns_of(source) for source, name in NAMES.items()}
    return kinds[table].get(column) in FREE_TEXT


def formats_of(check: Check) -> tuple[str, ...]:
    """Return the patterns that a check asks for: of its own, or of its format."""
    return FORMATS[str(check.argument)] if check.keyword == "format" else (str(check.argument),)


def sources() -> dict[str, SourceTable]:
    """Return the raw tables by the staging table that they feed."""
    return {table.stages: table for table in CORE.tables.values()}
