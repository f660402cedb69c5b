"""The six structures as pydantic models, made from dictionary and rules.

Validating a document judges it by every rule (``customers.judge_documents``): each violation becomes one error, its
type the rule's id and its location the place in the document. Suspects and advice are no errors. The rules say which
documents are valid; the models give them types and a JSON schema. Values never appear in an error's text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from customers.dictionary import DEFAULT_VERSION, effective_fields
from customers.judge_documents import Problem, judge_document
from customers.rules import EXTENSION
from customers.structures import BY_NAME

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from pydantic.config import JsonDict

    from customers.field import Field as DictionaryField

_STEP = re.compile(r"\[([0-9]+)\]|\.([^.\[]+)|\[\"(.*)\"\]")


def _location(occurrence: str) -> tuple[int | str, ...]:
    """Split an occurrence into steps.

    >>> _location("$.contacts.phones[2].areaCode")
    ('contacts', 'phones', 2, 'areaCode')
    """
    steps = (match.groups() for match in _STEP.finditer(occurrence.removeprefix("$")))
    return tuple(int(index) if index is not None else name or shape for index, name, shape in steps)


def _error(problem: Problem) -> InitErrorDetails:
    about = {"xpath": problem.xpath, "shape": problem.shape}
    kind = PydanticCustomError(problem.rule, problem.message, about)
    return InitErrorDetails(type=kind, loc=_location(problem.occurrence), input=None)


def _judged(structure: str, version: str) -> Callable[..., Any]:
    def judge(
        cls: type[BaseModel],
        document: Any,  # noqa: ANN401 (any JSON value)
        handler: ModelWrapValidatorHandler[BaseModel],
        info: ValidationInfo,
    ) -> BaseModel:
        reference_date: dt.date | None = (info.context or {}).get("reference_date")
        problems = judge_document(structure, document, version=version, reference_date=reference_date)
        violations = [_error(problem) for problem in problems if problem.klass == "violation"]
        if violations:
            raise ValidationError.from_exception_data(cls.__name__, violations, hide_input=True)
        return handler(document)

    return judge


def _value_type(field: DictionaryField) -> Any:  # noqa: ANN401 (a type made from data)
    """Return the type of a leaf, or of the elements of a list of scalars."""
    if field.domain:
        return Literal[field.domain]
    match field.items or field.type:
        case "boolean":
            return bool
        case "number":
            return Annotated[int, Field(le=field.maximum)]
        case _:
            more: JsonDict = {} if field.format is None else {"format": field.format}
            limits = Field(
                min_length=field.min_length or None,
                max_length=field.max_length,
                pattern=field.pattern,
                json_schema_extra=more or None,
            )
            return Annotated[str, limits]


def _type(field: DictionaryField, fields: dict[str, DictionaryField], name: str) -> Any:  # noqa: ANN401 (as above)
    child = f"{name}{field.name[:1].upper()}{field.name[1:]}"
    if field.type == "array":
        element: Any = _model(field.xpath, fields, child) if field.items == "object" else _value_type(field)
        return Annotated[list[element], Field(min_length=field.min_items or None, max_length=field.max_items)]
    return _model(field.xpath, fields, child) if field.type == "object" else _value_type(field)


def _properties(xpath: str, fields: dict[str, DictionaryField], name: str) -> dict[str, Any]:
    children = (field for field in fields.values() if field.parent == xpath)
    return {
        field.name: (_type(field, fields, name), ... if field.obligation == "required" else None)
        for field in children
    }


def _config(name: str) -> ConfigDict:
    closed: JsonDict = {"additionalProperties": False, "patternProperties": {EXTENSION: {}}}
    return ConfigDict(
        title=name, extra="allow", hide_input_in_errors=True, frozen=True, json_schema_extra=closed
    )


def _model(xpath: str, fields: dict[str, DictionaryField], name: str) -> type[BaseModel]:
    properties = _properties(xpath, fields, name)
    return create_model(name, __config__=_config(name), **properties)


@cache
def model_of(structure: str, version: str = DEFAULT_VERSION) -> type[BaseModel]:
    """Return the model of one document of a structure: its data element, or one element of its list.

    ``model_validate(document, context={"reference_date": day})`` lets rules on time judge as well; its errors are the
    document's violations, each rule at each place. ``model_dump(exclude_unset=True)`` gives the document back. Raises
    UsageError for a structure or a version that is not known.

    >>> model = model_of("business_financial_relations")
    >>> try:
    ...     model.model_validate({"procurators": [], "accounts": [], "productsServicesType": ["SEGURO"]})
    ... except ValueError as error:
    ...     [(found["type"], found["loc"]) for found in error.errors()]  # type: ignore[attr-defined]
    [('S-required:/data/updateDateTime', ('updateDateTime',)), ('S-required:/data/startDate', ('startDate',))]
    """
    fields = {field.xpath: field for field in effective_fields(structure, version)}
    name = BY_NAME[structure].official_name
    judged: Any = classmethod(_judged(structure, version))
    validators: dict[str, Any] = {"judged": model_validator(mode="wrap")(judged)}
    return create_model(
        name, __config__=_config(name), __validators__=validators, **_properties("/data", fields, name)
    )
