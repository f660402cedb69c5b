"""One good document of each structure, invented: every field that can stand beside the others is there."""

from __future__ import annotations

from typing import Any

CPF = "12345678909"
CNPJ = "12345678000195"
MOMENT = "2026-11-20T03:00:00Z"


def _contacts() -> dict[str, Any]:
    return {
        "postalAddresses": [
            {
                "isMain": True,
                "address": "Rua das Acácias, 10",
                "additionalInfo": "Apto 3",
                "districtName": "Centro",
                "townName": "São Paulo",
                "ibgeTownCode": "3550308",
                "countrySubDivision": "SP",
                "postCode": "01310100",
                "country": "Brasil",
                "countryCode": "BRA",
                "geographicCoordinates": {"latitude": "-23.55", "longitude": "-46.63"},
            }
        ],
        "phones": [
            {
                "isMain": True,
                "type": "MOVEL",
                "countryCallingCode": "55",
                "areaCode": "11",
                "number": "912345678",
                "phoneExtension": "12",
            },
            {
                "isMain": False,
                "type": "OUTRO",
                "additionalInfo": "Recado",
                "areaCode": "21",
                "number": "22345678",
            },
        ],
        "emails": [{"isMain": True, "email": "ana.lima@example.com"}],
    }


def _personal_identifications() -> dict[str, Any]:
    return {
        "updateDateTime": MOMENT,
        "personalId": "578e8b6a-1d4f-4a55-9a6f-0d4c1f5f7a10",
        "brandName": "Banco Exemplo",
        "civilName": "Ana Lima",
        "socialName": "Ana",
        "birthDate": "1990-05-21",
        "maritalStatusCode": "OUTRO",
        "maritalStatusAdditionalInfo": "Em separação",
        "sex": "FEMININO",
        "companiesCnpj": [CNPJ],
        "documents": {"cpfNumber": CPF},
        "otherDocuments": [
            {
                "type": "RG",
                "number": "123456",
                "checkDigit": "7",
                "additionalInfo": "SSP/SP",
                "expirationDate": "2030-01-01",
            }
        ],
        "hasBrazilianNationality": True,
        "nationality": [
            {
                "otherNationalitiesInfo": "CAN",
                "documents": [
                    {"type": "PASSPORT", "number": "C1", "issueDate": "2020-02-29", "country": "Canadá"}
                ],
            }
        ],
        "filiation": [{"type": "MAE", "civilName": "Rita Lima"}],
        "contacts": _contacts(),
    }


def _business_identifications() -> dict[str, Any]:
    return {
        "updateDateTime": MOMENT,
        "businessId": "5a1e8b6a-1d4f-4a55-9a6f-0d4c1f5f7a10",
        "brandName": "Banco Exemplo",
        "companyName": "Padaria Exemplo Ltda",
        "tradeName": "Padaria Exemplo",
        "incorporationDate": "2001-03-01T03:00:00Z",
        "cnpjNumber": CNPJ,
        "companiesCnpj": [CNPJ],
        "otherDocuments": [
            {"type": "NIRE", "number": "35", "country": "BRA", "expirationDate": "2030-01-01"}
        ],
        "parties": [
            {
                "personType": "PESSOA_NATURAL",
                "type": "SOCIO",
                "civilName": "Ana Lima",
                "startDate": "2001-03-01T03:00:00Z",
                "shareholding": "0.510000",
                "documentType": "CPF",
                "documentNumber": CPF,
                "documentCountry": "BRA",
            }
        ],
        "contacts": _contacts(),
    }


def _amount(value: str) -> dict[str, str]:
    return {"amount": value, "currency": "BRL"}


def _personal_qualifications() -> dict[str, Any]:
    return {
        "updateDateTime": MOMENT,
        "companyCnpj": CNPJ,
        "occupationCode": "CBO",
        "occupationDescription": "2124-05",
        "informedIncome": {"frequency": "MENSAL", "amount": _amount("5000.00"), "date": "2026-01-31"},
        "informedPatrimony": {"amount": _amount("-100.0004"), "year": 2025},
    }


def _business_qualifications() -> dict[str, Any]:
    return {
        "updateDateTime": MOMENT,
        "economicActivities": [{"code": "1091102", "isMain": True}, {"code": "4721102", "isMain": False}],
        "informedRevenue": {
            "frequency": "OUTROS",
            "frequencyAdditionalInfo": "Safra",
            "amount": _amount("100000.04"),
            "year": 2025,
        },
        "informedPatrimony": {"amount": _amount("1.00"), "date": "2026-01-31"},
    }


def _account() -> dict[str, Any]:
    return {
        "compeCode": "001",
        "branchCode": "0001",
        "number": "00001234",
        "checkDigit": "5",
        "type": "CONTA_DEPOSITO_A_VISTA",
    }


def _personal_financial_relations() -> dict[str, Any]:
    employer = {"employerName": "Padaria Exemplo Ltda", "employerCnpjCpf": CNPJ}
    return {
        "updateDateTime": MOMENT,
        "startDate": "2010-03-01T03:00:00Z",
        "productsServicesType": ["CONTA_DEPOSITO_A_VISTA", "SEGURO", "OUTROS"],
        "productsServicesTypeAdditionalInfo": "Consórcio",
        "procurators": [{"type": "PROCURADOR", "cpfNumber": CPF, "civilName": "Rita Lima"}],
        "accounts": [{**_account(), "subtype": "INDIVIDUAL"}],
        "portabilitiesReceived": [
            {
                **employer,
                "paycheckBankDetainerCnpj": CNPJ,
                "paycheckBankDetainerIspb": "12345678",
                "portabilityApprovalDate": "2024-02-29",
            }
        ],
        "paychecksBankLink": [
            {
                **employer,
                "paycheckBankCnpj": CNPJ,
                "paycheckBankIspb": "12345678",
                "accountOpeningDate": "2020-01-31",
            }
        ],
    }


def _business_financial_relations() -> dict[str, Any]:
    return {
        "updateDateTime": MOMENT,
        "startDate": "2010-03-01T03:00:00Z",
        "productsServicesType": ["CONTA_DEPOSITO_A_VISTA", "SEGURO"],
        "procurators": [{"type": "REPRESENTANTE_LEGAL", "cnpjCpfNumber": CNPJ, "civilName": "Rita Lima"}],
        "accounts": [_account()],
    }


_GOOD = {
    "personal_identifications": _personal_identifications,
    "business_identifications": _business_identifications,
    "personal_qualifications": _personal_qualifications,
    "business_qualifications": _business_qualifications,
    "personal_financial_relations": _personal_financial_relations,
    "business_financial_relations": _business_financial_relations,
}


def good(structure: str) -> dict[str, Any]:
    """Return a fresh good document of a structure: the data element, no finding at all."""
    return _GOOD[structure]()
