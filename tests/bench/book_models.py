"""What the book's rival validates with: pydantic models and Great Expectations' built-in expectations."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import great_expectations as gx
from great_expectations import expectations
from great_expectations.data_context.types.base import ProgressBarsConfig
from pydantic import BaseModel, Field, create_model

from customers.blocks import ROOT
from tests.bench.plan import formats_of, plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

    from customers.dictionary import Field as DictionaryField
    from tests.bench.plan import Check, Plan

BUILT_IN: Any = expectations  # its names are not exported in the typing sense
_FORMAT = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
}


@cache
def model(structure: str) -> type[BaseModel]:
    """Return the model of a structure's documents."""
    return _model(plan(structure), ROOT)


def _model(found: Plan, path: str) -> type[BaseModel]:
    members: dict[str, Any] = {}
    for field in found.children(path):
        kind = _type(found, field)
        members[field.name] = (kind, ...) if field.obligation == "required" else (kind | None, None)
    return create_model(path.rsplit("/", 1)[1], **members)


def _type(found: Plan, field: DictionaryField) -> Any:  # noqa: ANN401 (a type made from data)
    if field.type == "object":
        return _model(found, field.xpath)
    if field.type == "array":
        item = _model(found, field.xpath) if field.items == "object" else _leaf(field)
        return Annotated[list[item], Field(min_length=field.min_items or 0, max_length=field.max_items)]  # type: ignore[valid-type]
    return _leaf(field)


def _leaf(field: DictionaryField) -> Any:  # noqa: ANN401 (as above)
    if field.domain:
        return Literal[field.domain]
    if field.type == "boolean":
        return bool
    if field.type == "number":
        return Annotated[int, Field(le=field.maximum)]
    if field.format == "date":
        return date
    return Annotated[
        str, Field(min_length=field.min_length, max_length=field.max_length, pattern=field.pattern)
    ]


@cache
def _batches() -> Any:  # noqa: ANN401 (the library's generic)
    context = gx.get_context(mode="ephemeral")
    context.variables.analytics_enabled = False
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return (
        context.data_sources.add_pandas("book")
        .add_dataframe_asset("blocks")
        .add_batch_definition_whole_dataframe("b")
    )


def failing(frame: pd.DataFrame, checks: Iterable[Check]) -> dict[str, list[int]]:
    """Judge a block by built-in expectations and return the failing rows of each rule; the frame has a RangeIndex."""
    asked: list[Expectation] = []
    columns: dict[str, pd.Series] = {}
    for check in checks:
        column, series = _column(frame, check)
        columns[column] = series
        asked.append(_expectation(column, check))
    if not asked or frame.empty:
        return {}
    batch = _batches().get_batch({"dataframe": type(frame)(columns)})
    found: dict[str, list[int]] = {}
    suite = gx.ExpectationSuite("block", expectations=asked)
    for result in batch.validate(suite, result_format=_FORMAT).results:
        if not result.success:
            rule = result.expectation_config.meta["rule"]
            found[rule] = list(result.result["unexpected_index_list"])
    return found


def _column(frame: pd.DataFrame, check: Check) -> tuple[str, pd.Series]:
    if check.keyword in {"minItems", "maxItems"}:
        return f"n {check.xpath}", frame[f"n {check.xpath}"]
    if check.keyword == "required" and check.siblings:
        due = frame[list(check.siblings)].notna().any(axis=1)
        return f"due {check.xpath}", ~due | frame[check.xpath].notna()
    return check.xpath, frame[check.xpath]


def _expectation(column: str, check: Check) -> Any:  # noqa: ANN401, PLR0911 (as above; one line per keyword)
    meta = {"rule": check.rule}
    argument: Any = check.argument
    match check.keyword:
        case "required" if check.siblings:
            return BUILT_IN.ExpectColumnValuesToBeInSet(column=column, value_set=[True], meta=meta)
        case "required":
            return BUILT_IN.ExpectColumnValuesToNotBeNull(column=column, meta=meta)
        case "minItems":
            return BUILT_IN.ExpectColumnValuesToBeBetween(column=column, min_value=argument, meta=meta)
        case "maxItems":
            return BUILT_IN.ExpectColumnValuesToBeBetween(column=column, max_value=argument, meta=meta)
        case "minLength":
            return BUILT_IN.ExpectColumnValueLengthsToBeBetween(column=column, min_value=argument, meta=meta)
        case "maxLength":
            return BUILT_IN.ExpectColumnValueLengthsToBeBetween(column=column, max_value=argument, meta=meta)
        case "enum":
            return BUILT_IN.ExpectColumnValuesToBeInSet(column=column, value_set=list(argument), meta=meta)
        case "format" if len(formats_of(check)) > 1:
            return BUILT_IN.ExpectColumnValuesToMatchRegexList(
                column=column, regex_list=list(formats_of(check)), match_on="all", meta=meta
            )
        case _:
            return BUILT_IN.ExpectColumnValuesToMatchRegex(
                column=column, regex=formats_of(check)[0], meta=meta
            )
