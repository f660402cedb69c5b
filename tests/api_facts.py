"""An OpenAPI document of the six resources, made from the project's own facts: for where the official one is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.endpoints import PREFIX, path_of
from customers.dictionary import envelope, fields
from customers.structures import STRUCTURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customers.field import Field
    from customers.structures import Structure

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
TEXT = {"type": "string", "minLength": 1, "maxLength": 100}
HEADERS = {
    "Authorization": (True, {"type": "string", "maxLength": 2048}),
    "x-fapi-interaction-id": (True, {"type": "string", "format": "uuid", "pattern": UUID}),
    "x-fapi-customer-ip-address": (False, TEXT),
    "x-customer-user-agent": (False, TEXT),
}
QUERY = {
    "page": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 2147483647},
    "page-size": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 1000},
    "pagination-key": {"type": "string", "maxLength": 2048},
}
ERRORS = (400, 401, 403, 404, 405, 406, 422, 423, 429, 500, 504, 529)
ERROR = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "maxItems": 13,
            "items": {
                "type": "object",
                "required": ["code", "title", "detail"],
                "additionalProperties": False,
                "properties": {
                    "code": {"type": "string", "maxLength": 255},
                    "title": {"type": "string", "maxLength": 255},
                    "detail": {"type": "string", "maxLength": 2048},
                },
            },
        }
    },
}


def document() -> dict[str, Any]:
    """Return the whole document."""
    paths = {
        path_of(structure).removeprefix(PREFIX): {"get": operation(structure)} for structure in STRUCTURES
    }
    bearer = {"bearer": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Customers", "version": "2.2.1"},
        "paths": paths,
        "components": {"securitySchemes": bearer},
    }


def operation(structure: Structure) -> dict[str, Any]:
    """Return one operation: its parameters and its answers."""
    parameters = [
        {"name": name, "in": "header", "required": required, "schema": schema}
        for name, (required, schema) in HEADERS.items()
    ]
    if structure.grain == "register":
        parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in QUERY.items()]
    around = envelope()
    body = {
        "type": "object",
        "required": ["data", "links", "meta"],
        "additionalProperties": False,
        "properties": {
            "data": schema_of("/data", fields(structure.name)),
            "links": schema_of("/links", around),
            "meta": schema_of("/meta", around),
        },
    }
    answers = {str(status): answer(ERROR) for status in ERRORS}
    return {"parameters": parameters, "responses": {"200": answer(body), **answers, "default": answer(ERROR)}}


def answer(schema: dict[str, Any]) -> dict[str, Any]:
    """Return one answer of JSON."""
    return {"description": "", "content": {"application/json; charset=utf-8": {"schema": schema}}}


def schema_of(xpath: str, known: Sequence[Field]) -> dict[str, Any]:
    """Return the schema of one xpath; nothing that the dictionary does not know may be there."""
    found = next(field for field in known if field.xpath == xpath)
    if found.type == "array" and found.items == "string":
        return {"type": "array", "minItems": found.min_items or 0, "items": scalar(found, "string")}
    if found.type in {"array", "object"}:
        children = [field for field in known if field.parent == xpath]
        element = {
            "type": "object",
            "required": [field.name for field in children if field.obligation == "required"],
            "additionalProperties": False,
            "properties": {field.name: schema_of(field.xpath, known) for field in children},
        }
        if not element["required"]:
            del element["required"]
        is_list = found.type == "array"
        return {"type": "array", "minItems": found.min_items or 0, "items": element} if is_list else element
    return scalar(found, found.type)


def scalar(field: Field, kind: str) -> dict[str, Any]:
    """Return the schema of one value."""
    facts = {
        "type": kind,
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "pattern": field.pattern,
        "enum": list(field.domain) or None,
        "maximum": field.maximum,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}
