"""Generated valid documents, written back into an export of the core, must come out of the mapping as they were.

The documents are drawn from the dictionary's facts; the writer is the inverse of ``core.toml``: codes by their
tables, numbers with or without masks and leading zeros, local times, decimal commas.
"""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from customers.dictionary import Field, effective_fields
from customers.structures import BY_NAME, STRUCTURES
from customers.text import FILLERS
from mappings.cores.reference.sample.layout import KEY
from mappings.profile import Kind
from tests.bank import CORE, mapped
from tests.exports import cnpj, cpf, write_export

if TYPE_CHECKING:
    from mappings.core import Source

NAMES = [structure.name for structure in STRUCTURES]
BUSINESS_DATE = date(2026, 11, 20)
SHORTEST_ACCOUNT = 8
LOCAL = ZoneInfo("America/Sao_Paulo")
SIGNS = "".join(
    sign
    for sign in map(chr, range(33, 0x2123))
    if sign.isprintable() and sign.encode("cp1252", "ignore") and sign != "\xad"
)
BRANDS = list(CORE.stage_of("customers").columns["brand_name"].codes or {})
SUBJECTS = {"personal": "F", "business": "J"}


# Documents.


def is_zeros(text: str) -> bool:
    return not text.strip("0.-/ ")


@cache
def texts(longest: int) -> st.SearchStrategy[str]:
    """Draw tidy text: single blanks inside, none around, no filler, nothing that is all zeros."""
    words = st.lists(st.text(SIGNS, min_size=1, max_size=8), min_size=1, max_size=4)
    joined = words.map(lambda parts: " ".join(parts)[:longest].strip())
    return joined.filter(
        lambda text: bool(text) and text not in {*FILLERS, *CORE.fillers} and not is_zeros(text)
    )


def day_text(days: st.SearchStrategy[date]) -> st.SearchStrategy[str]:
    return days.map(date.isoformat)


def has_local_time(moment: datetime) -> bool:
    """Say whether a local time can name this moment: of a repeated hour only the first can."""
    return moment.astimezone(LOCAL).replace(tzinfo=LOCAL, fold=0).astimezone(UTC) == moment


MOMENTS = (
    st.datetimes(datetime(1905, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (bounds)
    .map(lambda moment: moment.replace(microsecond=0))
    .filter(has_local_time)
)
DAYS = st.dates(date(1905, 1, 1), date(2090, 1, 1))
MONEY = st.decimals(Decimal(0), Decimal(10**14), places=4).map(
    lambda amount: re.sub(r"(\.[0-9]{2}[0-9]*?)0+$", r"\1", f"{amount:.4f}")
)


@cache
def digits(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "brandName": st.sampled_from(
        [(CORE.stage_of("customers").columns["brand_name"].codes or {})[code] for code in BRANDS]
    ),
    "areaCode": digits("[1-9][0-9]{1,2}"),
    "shareholding": st.decimals(Decimal("0.25"), Decimal(1), places=6).map(str),
    "year": st.integers(1000, 9999),
    "email": digits("[a-z]{1,8}@[a-z]{1,8}[.]example"),
    "portabilityApprovalDate": day_text(st.dates(date(2021, 11, 20), BUSINESS_DATE)),
    "latitude": digits("-?[0-8]?[0-9][.][0-9]{1,9}"),
    "longitude": digits("-?1?[0-7]?[0-9][.][0-9]{1,8}"),
}


def leaf(field: Field) -> st.SearchStrategy[Any]:  # noqa: PLR0911 (one way for each kind of leaf)
    """Draw a value of one leaf from what the dictionary says of it."""
    if field.name in SPECIAL:
        return SPECIAL[field.name]
    if field.domain:
        return st.sampled_from(field.domain)
    if field.type == "boolean":
        return st.booleans()
    if field.format == "date-time" or field.name.endswith("DateTime"):
        return MOMENTS.map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if field.format == "date" or (field.pattern or "").startswith("^[0-9]{4}-"):
        return day_text(DAYS)
    if field.xpath.endswith("/amount/amount"):
        return MONEY
    if (
        field.pattern
        and "[0-9]" in field.pattern
        and "\\s" not in field.pattern
        and "A-Z" not in field.pattern
    ):
        return digits(field.pattern).filter(lambda text: field.name.endswith("Ispb") or not is_zeros(text))
    if field.pattern == "^[A-Z]{3}$":
        return digits("[A-Z]{3}").filter(lambda text: text != "NA")
    return texts(min(field.max_length or 40, 60))


def value(field: Field, children: dict[str, list[Field]]) -> st.SearchStrategy[Any]:
    """Draw the value of any field, object or list."""
    if field.type == "object":
        return members(field.xpath, children)
    if field.type == "array":
        least = (field.min_items or 0) if field.obligation == "required" else max(field.min_items or 0, 1)
        item = members(field.xpath, children) if field.items == "object" else leaf(field)
        return st.lists(item, min_size=least, max_size=3, unique_by=repr)
    return leaf(field)


def members(path: str, children: dict[str, list[Field]]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object: its required members, and any of the others."""
    fields = [field for field in children[path] if field.name not in {"personalId", "businessId"}]
    required = {field.name: value(field, children) for field in fields if field.obligation == "required"}
    others = {field.name: value(field, children) for field in fields if field.obligation != "required"}
    return st.fixed_dictionaries(required, optional=others)


def noted(item: dict[str, Any], kind: str, note: str, *others: str) -> None:
    """Keep a note exactly where its condition holds."""
    if item.get(kind) in others:
        item.setdefault(note, "Nota")
    else:
        item.pop(note, None)


def sound(document: dict[str, Any]) -> dict[str, Any]:  # noqa: C901 (one condition after the other)
    """Make a drawn document one that the layout can say: conditional fields exactly where their condition holds."""
    noted(document, "maritalStatusCode", "maritalStatusAdditionalInfo", "OUTRO")
    if "documents" in document:
        who = document["documents"]
        who.pop("passport" if "cpfNumber" in who else "none", None)
        if not who:
            who["cpfNumber"] = cpf(99)
    for item in document.get("otherDocuments", []):
        if "country" not in item:
            noted(item, "type", "typeAdditionalInfo", "OUTROS")
    named = {item["otherNationalitiesInfo"]: item for item in document.get("nationality", [])}
    if named:
        document["nationality"] = list(named.values())
    for item in document.get("contacts", {}).get("phones", []):
        noted(item, "type", "additionalInfo", "OUTRO")
    for party in document.get("parties", []):
        noted(party, "personType", "civilName", "PESSOA_NATURAL")
        noted(party, "personType", "companyName", "PESSOA_JURIDICA")
        fixed = {"CPF": cpf(len(party["documentNumber"])), "CNPJ": cnpj(len(party["documentNumber"]))}
        party["documentNumber"] = fixed.get(party["documentType"], party["documentNumber"])
    if "informedRevenue" in document:
        noted(document["informedRevenue"], "frequency", "frequencyAdditionalInfo", "OUTROS")
    products = document.get("productsServicesType", [])
    noted(
        {"type": "OUTROS" if "OUTROS" in products else ""} | document,
        "type",
        "productsServicesTypeAdditionalInfo",
        "OUTROS",
    )
    if "OUTROS" not in products:
        document.pop("productsServicesTypeAdditionalInfo", None)
    if products == ["CONTA_SALARIO"]:
        document.pop("paychecksBankLink", None)
    for account in document.get("accounts", []):
        if account["type"] == "CONTA_PAGAMENTO_PRE_PAGA":
            account.pop("branchCode", None)
    return document


@cache
def documents_of(structure: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw up to three documents of a structure, of different persons."""
    children: dict[str, list[Field]] = {}
    for field in effective_fields(structure):
        if field.parent is not None:
            children.setdefault(field.parent, []).append(field)
    return st.lists(members("/data", children).map(sound), min_size=1, max_size=3)


# The export that says the same.

TABLES = {
    "/data/companiesCnpj": "registering_companies",
    "/data/otherDocuments": "other_documents",
    "/data/nationality": "nationalities",
    "/data/nationality/documents": "nationality_documents",
    "/data/filiation": "filiation",
    "/data/contacts/postalAddresses": "postal_addresses",
    "/data/contacts/phones": "phones",
    "/data/contacts/emails": "emails",
    "/data/parties": "parties",
    "/data/economicActivities": "economic_activities",
    "/data/productsServicesType": "products",
    "/data/procurators": "procurators",
    "/data/accounts": "accounts",
    "/data/portabilitiesReceived": "portabilities_received",
    "/data/paychecksBankLink": "paychecks_bank_links",
}
DETAILS = {
    "personal_identifications": "natural_persons",
    "business_identifications": "legal_persons",
    "personal_qualifications": "personal_qualifications",
    "business_qualifications": "business_qualifications",
    "personal_financial_relations": "natural_persons",
}
CUSTOMER = {
    "/data/updateDateTime": "updated_at",
    "/data/brandName": "brand_name",
    "/data/documents/cpfNumber": "tax_id",
    "/data/cnpjNumber": "tax_id",
    "/data/startDate": "start_in_ccs",
}
NAMED = {
    "productsServicesType": "products_services_type",
    "cpfNumber": "tax_id",
    "cnpjCpfNumber": "tax_id",
    "shareholding": "share_percent",
    "geographicCoordinates/latitude": "latitude",
    "geographicCoordinates/longitude": "longitude",
}


def staged_name(structure: str, path: str, steps: str) -> str:
    """Return the staged column of a field: the dictionary's name in snake case, but for the named exceptions."""
    if (structure, path, steps) == ("business_identifications", "/data/otherDocuments", "type"):
        return "free_type"
    if steps in NAMED:
        return NAMED[steps]
    joined = steps.removeprefix("documents/").replace("amount/", "").replace("/", "_")
    return re.sub("([A-Z])", r"_\1", joined).lower()


class Writer:
    """Write documents of one structure as rows of the export; every free choice is drawn."""

    def __init__(self, structure: str, draw: st.DrawFn) -> None:
        self.structure, self.draw = structure, draw
        self.rows: dict[str, list[dict[str, str]]] = {}

    def write(self, key: str, document: dict[str, Any], tax_id: str) -> None:
        """Write one document as a register of this core key."""
        who = {"person_kind": BY_NAME[self.structure].kind, "status": "A", "tax_id": tax_id}
        if self.structure in {"personal_identifications", "business_identifications"}:
            who["tax_id"] = ""
        detail: dict[str, Any] = {}
        self._object(key, "/data", "", document, who, detail)
        self._row("customers", key, who)
        if self.structure in DETAILS:
            self._row(DETAILS[self.structure], key, detail)

    def _object(
        self,
        key: str,
        path: str,
        steps: str,
        item: dict[str, Any],
        who: dict[str, Any],
        detail: dict[str, Any],
    ) -> None:
        """Write the members of the root or of an object in it."""
        for name, member in item.items():
            below = f"{steps}/{name}".strip("/")
            xpath = f"{path}/{below}"
            if xpath in TABLES:
                for element in member:
                    self._element(key, xpath, element)
            elif isinstance(member, dict):
                self._object(key, path, below, member, who, detail)
            elif xpath in CUSTOMER:
                who[CUSTOMER[xpath]] = member
            else:
                detail[staged_name(self.structure, path, below)] = member

    def _element(self, key: str, path: str, element: Any, around: dict[str, str] | None = None) -> None:  # noqa: ANN401
        """Write one element of a list."""
        cells: dict[str, Any] = dict(around or {})
        if not isinstance(element, dict):
            element = {path.rsplit("/", 1)[1]: element}
        for name, member in element.items():
            if f"{path}/{name}" in TABLES:
                for child in member:
                    self._element(
                        key, f"{path}/{name}", child, {"nationality": element["otherNationalitiesInfo"]}
                    )
            elif name == "address":
                cells |= self._address(member)
            elif isinstance(member, dict):
                cells |= {
                    staged_name(self.structure, path, f"{name}/{below}"): value
                    for below, value in member.items()
                }
            else:
                cells[staged_name(self.structure, path, name)] = member
        if TABLES[path] in {"products", "accounts"}:
            cells["status"] = "A"
        self._row(TABLES[path], key, cells)

    def _address(self, text: str) -> dict[str, str]:
        street, comma, number = text.rpartition(", ")
        if comma and not {street, number} & {"", *CORE.fillers} and self.draw(st.booleans()):
            return {"street": street, "street_number": number}
        return {"street": text}

    def _row(self, staged: str, key: str, cells: dict[str, Any]) -> None:
        table = CORE.stage_of(staged)
        row = {KEY: key}
        for name, member in cells.items():
            source = table.columns[name]
            row[source.column] = self._spelt(source, name, member)
        self.rows.setdefault(table.name, []).append(row)

    def _spelt(self, source: Source, name: str, member: Any) -> str:  # noqa: ANN401, C901, PLR0911 (any JSON scalar, one way each)
        match source.kind:
            case Kind.CODE:
                codes = {meaning: code for code, meaning in (source.codes or {}).items()}
                return codes[member]
            case Kind.FLAG:
                return "S" if member else "N"
            case Kind.DATE:
                return f"{date.fromisoformat(member):%d/%m/%Y}"
            case Kind.TIMESTAMP:
                return f"{datetime.fromisoformat(member).astimezone(LOCAL):%d/%m/%Y %H:%M:%S}"
            case Kind.DECIMAL:
                number = Decimal(member) * 100 if name == "share_percent" else Decimal(member)
                return f"{number:f}".replace(".", ",")
            case Kind.COORDINATE:
                return str(member).replace(".", self.draw(st.sampled_from(".,")))
            case Kind.TEXT:
                return self.draw(st.sampled_from(["{}", " {}", "{}  "])).format(
                    member.replace(" ", self.draw(st.sampled_from([" ", "  "])))
                )
            case Kind.YEAR | Kind.NUMBER | Kind.DIGITS:
                return str(member)
            case Kind.TAX_ID | Kind.CPF | Kind.CNPJ:
                return self._number(member)
            case Kind.CPF_OR_CNPJ:
                return masked(member) if member.startswith("000") else self._number(member)
            case Kind.ACCOUNT if len(member) > SHORTEST_ACCOUNT:
                return str(member)  # only the zeros of the shortest numbers can be restored
            case _:
                return str(member).lstrip("0") or "0" if self.draw(st.booleans()) else str(member)

    def _number(self, member: str) -> str:
        return self.draw(st.sampled_from([member, member.lstrip("0"), masked(member)]))


def masked(number: str) -> str:
    """Put the mask on a CPF or a CNPJ."""
    if len(number) == len("12345678909"):
        return f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"
    return f"{number[:2]}.{number[2:5]}.{number[5:8]}/{number[8:12]}-{number[12:]}" if number else ""


@st.composite
def cases(
    draw: st.DrawFn, structure: str
) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, str]]]]:
    """Draw documents by core key, and the rows that say the same."""
    documents = {f"K{number}": document for number, document in enumerate(draw(documents_of(structure)))}
    writer = Writer(structure, draw)
    for number, (key, document) in enumerate(documents.items()):
        writer.write(key, document, cpf(number) if BY_NAME[structure].kind == "F" else cnpj(number))
    return documents, writer.rows


@pytest.mark.parametrize("structure", NAMES)
@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # a document is shown whole; to make it smaller takes minutes
)
@given(data=st.data())
def test_a_document_written_into_an_export_comes_back_as_it_was(structure: str, data: st.DataObject) -> None:
    documents, rows = data.draw(cases(structure))
    file_format: Literal["csv", "parquet"] = data.draw(st.sampled_from(["csv", "parquet"]))
    with tempfile.TemporaryDirectory() as folder:
        export = write_export(Path(folder), rows, file_format=file_format, day=BUSINESS_DATE.isoformat())
        found = mapped(export, only=[structure])[structure]
    for document in found.values():
        document.pop("personalId", None)
        document.pop("businessId", None)
    assert found == documents


def test_the_moments_leave_out_the_second_of_a_repeated_hour() -> None:
    first = datetime(2019, 2, 17, 1, 30, tzinfo=UTC)
    assert has_local_time(first)
    assert not has_local_time(first + timedelta(hours=1))
