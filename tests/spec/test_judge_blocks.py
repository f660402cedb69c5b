"""Every rule of every structure on blocks: good documents pass, a document that breaks the rule is found out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from customers.dictionary import effective_fields
from customers.structures import BY_NAME
from expectations.catalogue import NEVER_APPLIES, Judged, catalogue
from expectations.judge import Judgement, judge
from tests.flatten import flatten
from tests.invented import CNPJ, CPF, good

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = dt.date(2026, 11, 20)

Document = dict[str, Any]


def judged(structure: str, documents: list[Document]) -> Judgement:
    refs = pa.array([f"customer-{number}" for number in range(len(documents))])
    return judge(flatten(structure, documents), refs=refs, reference_date=DAY)


def put(document: Document, xpath: str, value: object) -> None:
    """Set a property in the first element of every list on the way; None takes it away."""
    *way, name = xpath.removeprefix("/data/").split("/")
    at: Any = document
    for step in way:
        at = at.setdefault(step, {})
        at = at[0] if isinstance(at, list) else at
    if value is None:
        at.pop(name, None)
    else:
        at[name] = value


def first(structure: str, xpath: str) -> str:
    """Return the occurrence of an xpath in the first element of every list around it."""
    lists = {field.xpath for field in effective_fields(structure) if field.type == "array"}
    path, at = "$", "/data"
    for name in xpath.removeprefix("/data/").split("/"):
        at = f"{at}/{name}"
        path += f".{name}[0]" if at in lists and at != xpath else f".{name}"
    return path


def found(judgement: Judgement, document: int = 0) -> set[tuple[str, str]]:
    return {
        (row["rule"], row["occurrence"])
        for row in judgement.findings.to_pylist()
        if row["customer_ref"] == f"customer-{document}"
    }


@pytest.mark.parametrize("structure", BY_NAME)
def test_a_good_document_has_no_finding(structure: str) -> None:
    judgement = judged(structure, [good(structure), good(structure)])
    assert judgement.findings.num_rows == 0
    assert not judgement.refused.any()
    assert {(row["rule"], row["xpath"]) for row in judgement.results.to_pylist()} == {
        (rule.key.rule, rule.key.xpath) for rule in catalogue(structure)
    }


BAD_FORMAT = {
    "date": "2021-02-29",
    "date-time": "2021-02-29T08:30:00Z",
    "email": "ana@lima@example.com",
}
BAD: dict[str, Callable[[Any], object]] = {
    "required": lambda _: None,
    "type": lambda _: "2.021,5",
    "minLength": lambda least: "9" * (least - 1),
    "maxLength": lambda most: "9" * (most + 1),
    "pattern": lambda _: " \n",
    "format": lambda name: BAD_FORMAT[name],
    "enum": lambda _: "FORA_DO_DOMINIO",
    "maximum": lambda most: most + 1,
    "notBlank": lambda _: "\u2003\t",
    "notFiller": lambda _: " não informado ",
    "yearRange": lambda bounds: bounds[0] - 1,
    "utcDateTime": lambda _: "2021-02-28T08:30:00-03:00",
    "isoCountry": lambda _: "XXX",
    "checkDigits": lambda number: "12345678900" if number == "cpf" else "12345678000190",
}


STRUCTURAL = {"minItems", "maxItems", "type"}


def field_cases(structure: str) -> list[tuple[Judged, Document, str]]:
    """Draw one document for each field rule that a leaf can break."""
    kinds = {field.xpath: field for field in effective_fields(structure)}
    cases: list[tuple[Judged, Document, str]] = []
    for rule in catalogue(structure):
        field = kinds[rule.key.xpath]
        of_field = len(rule.rules) == 1 and hasattr(rule.rules[0], "keyword")
        if not of_field or rule.kind in NEVER_APPLIES or rule.key.xpath == "/data":
            continue
        if rule.kind in STRUCTURAL and (field.type in {"object", "array", "string"}):
            continue
        if rule.kind == "required" and (field.type == "array" or field.name == "contacts"):
            continue
        document = good(structure)
        if "/passport/" in field.xpath:
            document["documents"] = {"passport": {"number": "P1", "country": "CAN"}}
        value = BAD[rule.kind](getattr(rule.rules[0], "argument", None))
        at = first(structure, field.xpath)
        if field.type == "array":
            value, at = (
                [*_elements(document, field.xpath), value],
                f"{at}[{len(_elements(document, field.xpath))}]",
            )
        put(document, field.xpath, value)
        cases.append((rule, document, at))
    return cases


def _elements(document: Document, xpath: str) -> list[str]:
    found_there: list[str] = document[xpath.removeprefix("/data/")]
    return found_there


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_field_rule_finds_the_value_that_breaks_it(structure: str) -> None:
    cases = field_cases(structure)
    judgement = judged(structure, [document for _, document, _ in cases])
    omitted = {"S-required:/data/contacts/phones/areaCode"}
    for number, (rule, _, at) in enumerate(cases):
        assert (rule.key.rule, at) in found(judgement, number), rule.key
        if rule.klass == "violation" and rule.key.rule not in omitted:
            assert judgement.refused[number], rule.key
    assert len(cases) > 30


def test_an_advice_alone_refuses_nothing() -> None:
    document = good("personal_qualifications")
    document["companyCnpj"] = "12345678000190"
    judgement = judged("personal_qualifications", [document])
    assert judgement.findings.select(["rule", "occurrence", "severity", "shape"]).to_pylist() == [
        {"rule": "A-CNPJ", "occurrence": "$.companyCnpj", "severity": "warn", "shape": "99999999999999"}
    ]
    assert not judgement.refused.any()


PI, BI, PQ, BQ, PF, BF = BY_NAME
ADDRESS, PHONE = "/data/contacts/postalAddresses", "/data/contacts/phones"
FUTURE, FUTURE_MOMENT = "2026-11-21", "2026-11-21T03:00:00Z"

Case = tuple[str, str, str, dict[str, Any]]


def _relations(structure: str) -> list[Case]:
    return [
        (structure, "P-BRANCH", "/data/accounts/branchCode", {"/data/accounts/branchCode": None}),
        (
            structure,
            "P-ACCOUNT-PRODUCT",
            "/data/accounts/type",
            {"/data/productsServicesType": ["SEGURO"]},
        ),
        (structure, "P-PRODUCT-ACCOUNT", "/data/productsServicesType", {"/data/accounts": []}),
        (
            structure,
            "A-DUP",
            "/data/productsServicesType",
            {"/data/productsServicesType": ["SEGURO", "SEGURO"]},
        ),
    ]


def _identifications(structure: str) -> list[Case]:
    return [
        (structure, "P-IBGE-UF", f"{ADDRESS}/ibgeTownCode", {f"{ADDRESS}/ibgeTownCode": "9950308"}),
        (structure, "P-IBGE-UF-MATCH", f"{ADDRESS}/ibgeTownCode", {f"{ADDRESS}/ibgeTownCode": "3350308"}),
        (structure, "P-UF-FOREIGN", f"{ADDRESS}/countrySubDivision", {f"{ADDRESS}/countryCode": "CAN"}),
        (structure, "P-UF-FOREIGN", f"{ADDRESS}/ibgeTownCode", {f"{ADDRESS}/countryCode": "CAN"}),
        *(
            (
                structure,
                rule,
                f"{ADDRESS}/geographicCoordinates/{name}",
                {f"{ADDRESS}/geographicCoordinates/{name}": value},
            )
            for rule, name, value in (
                ("P-GEO-LAT", "latitude", "-90.1"),
                ("P-GEO-LON", "longitude", "180.1"),
            )
        ),
        (
            structure,
            "P-PHONE-OUTRO",
            f"{PHONE}/additionalInfo",
            {f"{PHONE}/type": "OUTRO"},
        ),
        (
            structure,
            "P-CALLINGCODE",
            f"{PHONE}/countryCallingCode",
            {f"{PHONE}/countryCallingCode": None, f"{PHONE}/areaCode": "20"},
        ),
        (structure, "P-DDD", f"{PHONE}/areaCode", {f"{PHONE}/areaCode": "20"}),
        (structure, "A-PHONE", f"{PHONE}/number", {f"{PHONE}/number": "1234567"}),
        (structure, "A-DUP", "/data/companiesCnpj", {"/data/companiesCnpj": [CNPJ, CNPJ]}),
        *(
            (structure, "A-MAIN", f"/data/contacts/{name}", {f"/data/contacts/{name}/isMain": False})
            for name in ("postalAddresses", "phones", "emails")
        ),
        (structure, "A-CONDITIONAL", f"{PHONE}/additionalInfo", {f"{PHONE}/additionalInfo": "Recado"}),
    ]


# Structure, rule, xpath of the finding, what is put into a good document.
PROSE: list[Case] = [
    (PI, "P-MARITAL-OUTRO", "/data/maritalStatusAdditionalInfo", {"/data/maritalStatusAdditionalInfo": None}),
    (PI, "P-DOC-CPF-OR-PASSPORT", "/data/documents", {"/data/documents/cpfNumber": None}),
    (
        PI,
        "P-PASSPORT-AND-CPF",
        "/data/documents/passport",
        {"/data/documents/passport": {"number": "P1", "country": "CAN"}},
    ),
    (
        PI,
        "P-OTHERDOC-OUTROS",
        "/data/otherDocuments/typeAdditionalInfo",
        {"/data/otherDocuments/type": "OUTROS"},
    ),
    (PI, "P-RG-ISSUER", "/data/otherDocuments/additionalInfo", {"/data/otherDocuments/additionalInfo": None}),
    (
        PI,
        "P-RG-ISSUER-FORMAT",
        "/data/otherDocuments/additionalInfo",
        {"/data/otherDocuments/additionalInfo": "SSP São Paulo"},
    ),
    (
        PI,
        "P-NATIONALITY",
        "/data/nationality",
        {"/data/hasBrazilianNationality": False, "/data/nationality": None},
    ),
    (
        PI,
        "P-NAT-ALPHA3",
        "/data/nationality/otherNationalitiesInfo",
        {"/data/nationality/otherNationalitiesInfo": "CAN, Francês"},
    ),
    (
        PI,
        "P-NAT-BRA",
        "/data/nationality/otherNationalitiesInfo",
        {"/data/nationality/otherNationalitiesInfo": "CAN/BRA"},
    ),
    (PI, "P-ID-PII", "/data/personalId", {"/data/personalId": f"x{CPF[:3]}-{CPF[3:]}y"}),
    (BI, "P-ID-CNPJ", "/data/businessId", {"/data/businessId": f"x-{CNPJ}"}),
    (BI, "P-PARTY-CIVILNAME", "/data/parties/civilName", {"/data/parties/civilName": None}),
    (
        BI,
        "P-PARTY-COMPANYNAME",
        "/data/parties/companyName",
        {"/data/parties/personType": "PESSOA_JURIDICA", "/data/parties/documentType": "CNPJ"},
    ),
    (BI, "P-SHARE-MIN", "/data/parties/shareholding", {"/data/parties/shareholding": "0.249999"}),
    (BI, "P-SHARE-MAX", "/data/parties/shareholding", {"/data/parties/shareholding": "1.000001"}),
    (BI, "P-SHARE-REQUIRED", "/data/parties/shareholding", {"/data/parties/shareholding": None}),
    (BI, "P-PARTY-DOCTYPE", "/data/parties/documentType", {"/data/parties/documentType": "CNPJ"}),
    (BI, "P-PARTY-DOCTYPE", "/data/parties/documentType", {"/data/parties/personType": "PESSOA_JURIDICA"}),
    (
        BI,
        "A-PARTY-DOCNUMBER",
        "/data/parties/documentNumber",
        {"/data/parties/documentNumber": "12345678900"},
    ),
    (
        BI,
        "A-PARTY-DOCNUMBER",
        "/data/parties/documentNumber",
        {"/data/parties/documentType": "CNPJ", "/data/parties/documentNumber": "12345678000190"},
    ),
    (PI, "A-DUMMY-DATE", "/data/birthDate", {"/data/birthDate": "1900-01-01"}),
    (PQ, "P-OCCUPATION-DESC", "/data/occupationDescription", {"/data/occupationDescription": None}),
    (PQ, "P-OCCUPATION-CODE", "/data/occupationDescription", {"/data/occupationDescription": "Engenheira"}),
    (PQ, "P-OCCUPATION-ORPHAN", "/data/occupationDescription", {"/data/occupationCode": None}),
    (PQ, "A-CBO", "/data/occupationDescription", {"/data/occupationDescription": "21"}),
    *(
        (structure, "P-ISO4217", xpath, {xpath: "ZZZ"})
        for structure, xpath in (
            (PQ, "/data/informedIncome/amount/currency"),
            (PQ, "/data/informedPatrimony/amount/currency"),
            (BQ, "/data/informedRevenue/amount/currency"),
            (BQ, "/data/informedPatrimony/amount/currency"),
        )
    ),
    (
        BQ,
        "P-CNAE-MAIN-MULTI",
        "/data/economicActivities",
        {
            "/data/economicActivities": [
                {"code": "1091102", "isMain": True},
                {"code": "4721102", "isMain": True},
            ]
        },
    ),
    (BQ, "P-CNAE-MAIN-NONE", "/data/economicActivities", {"/data/economicActivities/isMain": False}),
    (BQ, "P-CNAE-DIVISION", "/data/economicActivities/code", {"/data/economicActivities/code": "0091102"}),
    (
        BQ,
        "A-DUP",
        "/data/economicActivities",
        {
            "/data/economicActivities": [
                {"code": "1091102", "isMain": True},
                {"code": "1091102", "isMain": False},
            ]
        },
    ),
    (
        BQ,
        "P-FREQUENCY-OUTROS",
        "/data/informedRevenue/frequencyAdditionalInfo",
        {"/data/informedRevenue/frequencyAdditionalInfo": None},
    ),
    (
        PF,
        "P-PRODUCTS-OUTROS",
        "/data/productsServicesTypeAdditionalInfo",
        {"/data/productsServicesTypeAdditionalInfo": None},
    ),
    (
        PF,
        "P-PORTABILITY-5Y",
        "/data/portabilitiesReceived/portabilityApprovalDate",
        {"/data/portabilitiesReceived/portabilityApprovalDate": "2021-11-19"},
    ),
    *_relations(PF),
    *_relations(BF),
    *_identifications(PI),
    *_identifications(BI),
    *(
        (structure, "A-CONDITIONAL", field, put_in)
        for structure, field, put_in in (
            (PI, "/data/maritalStatusAdditionalInfo", {"/data/maritalStatusCode": "CASADO"}),
            (
                PI,
                "/data/otherDocuments/typeAdditionalInfo",
                {"/data/otherDocuments/typeAdditionalInfo": "Cédula"},
            ),
            (BI, "/data/parties/companyName", {"/data/parties/companyName": "Padaria"}),
            (
                BI,
                "/data/parties/civilName",
                {"/data/parties/personType": "PESSOA_JURIDICA", "/data/parties/companyName": "Padaria"},
            ),
            (
                BQ,
                "/data/informedRevenue/frequencyAdditionalInfo",
                {"/data/informedRevenue/frequency": "ANUAL"},
            ),
            (PF, "/data/productsServicesTypeAdditionalInfo", {"/data/productsServicesType": ["SEGURO"]}),
            (PF, "/data/accounts/branchCode", {"/data/accounts/type": "CONTA_PAGAMENTO_PRE_PAGA"}),
            (BF, "/data/accounts/branchCode", {"/data/accounts/type": "CONTA_PAGAMENTO_PRE_PAGA"}),
        )
    ),
    *(
        (structure, "P-FUTURE", xpath, {xpath: value})
        for structure, value, xpaths in (
            (PI, FUTURE_MOMENT, ["/data/updateDateTime"]),
            (PI, FUTURE, ["/data/birthDate", "/data/nationality/documents/issueDate"]),
            (
                BI,
                FUTURE_MOMENT,
                ["/data/updateDateTime", "/data/incorporationDate", "/data/parties/startDate"],
            ),
            (BI, FUTURE, ["/data/parties/documentIssueDate"]),
            (PQ, FUTURE_MOMENT, ["/data/updateDateTime"]),
            (PQ, FUTURE, ["/data/informedIncome/date"]),
            (BQ, FUTURE_MOMENT, ["/data/updateDateTime"]),
            (BQ, FUTURE, ["/data/informedPatrimony/date"]),
            (PF, FUTURE_MOMENT, ["/data/updateDateTime", "/data/startDate"]),
            (
                PF,
                FUTURE,
                [
                    "/data/portabilitiesReceived/portabilityApprovalDate",
                    "/data/paychecksBankLink/accountOpeningDate",
                ],
            ),
            (BF, FUTURE_MOMENT, ["/data/updateDateTime", "/data/startDate"]),
        )
        for xpath in xpaths
    ),
    (
        PI,
        "P-FUTURE",
        "/data/documents/passport/issueDate",
        {"/data/documents": {"passport": {"number": "P1", "country": "CAN", "issueDate": FUTURE}}},
    ),
]


@pytest.mark.parametrize("structure", BY_NAME)
def test_every_prose_rule_finds_the_document_that_breaks_it(structure: str) -> None:
    cases = [case for case in PROSE if case[0] == structure]
    documents = []
    for _, _, _, changes in cases:
        document = good(structure)
        for xpath, value in changes.items():
            put(document, xpath, value)
        documents.append(document)
    judgement = judged(structure, documents)
    for number, (_, rule, xpath, _) in enumerate(cases):
        assert (rule, first(structure, xpath)) in found(judgement, number), (rule, xpath)
    drawn = {(rule, xpath) for _, rule, xpath, _ in cases}
    prose = {"must", "requiredWhen", "forbiddenWhen"}
    assert {tuple(rule.key) for rule in catalogue(structure) if rule.kind in prose} - drawn == set()


def test_conditions_reach_into_lists_of_the_same_document_only() -> None:
    with_account, without = good(BF), good(BF)
    without["accounts"] = []
    other = good(BF)
    other["productsServicesType"] = ["SEGURO"]
    judgement = judged(BF, [with_account, without, other, good(BF)])
    assert found(judgement, 0) == found(judgement, 3) == set()
    assert found(judgement, 1) == {("P-PRODUCT-ACCOUNT", "$.productsServicesType")}
    assert found(judgement, 2) == {("P-ACCOUNT-PRODUCT", "$.accounts[0].type")}


@pytest.mark.parametrize(
    ("value", "breaks"),
    [
        ("2024-02-29", False),
        ("1900-02-29", True),
        ("0000-01-01", True),
        ("0001-01-01", False),
        ("2021-2-28", True),
        ("2021-04-31", True),
        ("2021-04-30\n", True),
        ("٢٠٢١-04-30", True),
    ],
)
def test_dates_are_real_ascii_and_whole(value: str, breaks: bool) -> None:  # noqa: FBT001
    document = good(PQ)
    document["informedIncome"]["date"] = value
    rules = {rule for rule, _ in found(judged(PQ, [document]))}
    assert ("S-format:/data/informedIncome/date" in rules) == breaks


def only(change: Callable[[Document], None]) -> set[tuple[str, str]]:
    document = good(PI)
    change(document)
    return found(judged(PI, [document]))


def test_lengths_count_characters_not_bytes() -> None:
    assert only(lambda document: put(document, "/data/civilName", "ã" * 70)) == set()
    assert only(lambda document: put(document, "/data/civilName", "ã" * 71)) == {
        ("S-maxLength:/data/civilName", "$.civilName")
    }


def test_numbers_are_compared_exactly() -> None:
    document = good(BI)
    document["parties"][0]["shareholding"] = "0.24999999999999999999"
    assert ("P-SHARE-MIN", "$.parties[0].shareholding") in found(judged(BI, [document]))


def test_the_evening_of_the_business_date_is_not_in_the_future() -> None:
    document = good(PI)
    document["updateDateTime"] = "2026-11-21T02:59:59Z"
    document["birthDate"] = "2026-11-20"
    assert found(judged(PI, [document])) == set()


def test_a_portability_of_exactly_five_years_ago_is_not_too_old() -> None:
    document = good(PF)
    document["portabilitiesReceived"][0]["portabilityApprovalDate"] = "2021-11-20"
    assert found(judged(PF, [document])) == set()
