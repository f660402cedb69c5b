"""The issuer's own examples and schema: five of six examples keep the rules, and what we call clean is valid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from customers.dictionary import DEFAULT_VERSION
from customers.judge_documents import documents_of, judge_document, judge_envelope
from customers.models import model_of
from customers.structures import BY_NAME, Structure
from tests.spec.drawn import DAY, examples, valid_of
from tests.spec.mutations import mutations

if TYPE_CHECKING:
    from pathlib import Path

EVERY = [pytest.param(structure, id=name) for name, structure in BY_NAME.items()]
# N25: the example breaks its own pattern.
REFUSED = {
    "personal_financial_relations": [
        (
            "S-pattern:/data/portabilitiesReceived/employerName",
            "$.portabilitiesReceived[0].employerName",
        )
    ]
}


def example(folder: Path, structure: Structure) -> dict[str, Any]:
    """Read an example: a header and one line of three quoted cells, in which quotes are written with a backslash."""
    path = folder / f"examples_customersGet{structure.official_name}_v2.csv"
    _, line = path.read_text(encoding="utf-8-sig").strip().split("\n")
    cells = [cell.replace('\\"', '"') for cell in line.strip()[1:-1].split('","')]
    return dict(zip(("data", "links", "meta"), map(json.loads, cells), strict=True))


@pytest.mark.parametrize("structure", EVERY)
def test_examples_are_clean_but_one(shared_spec: Path, structure: Structure) -> None:
    around = example(shared_spec / "examples", structure)
    found = judge_envelope(structure.name, around)
    for document in documents_of(structure.name, around):
        found += judge_document(structure.name, document, reference_date=DAY)
    violations = [(problem.rule, problem.occurrence) for problem in found if problem.klass == "violation"]
    assert violations == REFUSED.get(structure.name, [])


@pytest.fixture(scope="module")
def api(shared_spec: Path) -> dict[str, Any]:
    text = (shared_spec / "openapi" / f"customers-{DEFAULT_VERSION}.yml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def validator(api: dict[str, Any], structure: Structure) -> jsonschema.Draft4Validator:
    """Return the schema of one document, as the OpenAPI document states it."""
    kind = "personal" if structure.kind == "F" else "business"
    path = api["paths"][f"/{kind}/{structure.subject.replace('_', '-')}"]
    response = path["get"]["responses"]["200"]["$ref"].rpartition("/")[2]
    schema = api["components"]["responses"][response]["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    data = schema["properties"]["data"]
    if data.get("type") == "array":
        data = data["items"]
    return jsonschema.Draft4Validator({**data, "components": api["components"]})


def _documents(structure: str) -> list[Any]:
    drawn = [item.document for item in examples() if item.structure == structure]
    return [*valid_of(structure), *drawn, *(mutation.document for mutation in mutations(structure))]


@pytest.mark.parametrize("structure", EVERY)
def test_what_is_clean_here_is_valid_there(api: dict[str, Any], structure: Structure) -> None:
    issuers = validator(api, structure)
    ours = jsonschema.Draft202012Validator(model_of(structure.name).model_json_schema())
    clean = 0
    for document in _documents(structure.name):
        found = judge_document(structure.name, document, reference_date=DAY)
        if any(problem.klass == "violation" for problem in found):
            continue
        clean += 1
        assert [error.json_path for error in issuers.iter_errors(document)] == []
        assert [error.json_path for error in ours.iter_errors(document)] == []
        validated = model_of(structure.name).model_validate(document, context={"reference_date": DAY})
        assert validated.model_dump(exclude_unset=True) == document
    assert clean > len(valid_of(structure.name))


@pytest.mark.parametrize("structure", EVERY)
def test_what_the_issuers_schema_refuses_is_refused_here(api: dict[str, Any], structure: Structure) -> None:
    """The other way round: no error of the schema is missed, on all documents that break one rule."""
    issuers = validator(api, structure)
    refused = [document for document in _documents(structure.name) if not issuers.is_valid(document)]
    assert refused
    for document in refused:
        found = judge_document(structure.name, document, reference_date=DAY)
        assert [problem for problem in found if problem.klass == "violation"]


@pytest.mark.parametrize("structure", EVERY)
def test_the_model_reports_every_violation(structure: Structure) -> None:
    for mutation in mutations(structure.name):
        found = judge_document(structure.name, mutation.document, reference_date=DAY)
        violations = sorted(problem.rule for problem in found if problem.klass == "violation")
        try:
            model_of(structure.name).model_validate(mutation.document, context={"reference_date": DAY})
        except ValueError as error:
            reported = sorted(item["type"] for item in error.errors())  # type: ignore[attr-defined]
        else:
            reported = []
        assert reported == violations
