"""Explain a document without its export: what is served, which column and mapping line it came from, no source line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from customers.dictionary import DEFAULT_VERSION, effective_fields
from customers.findings import occurrence as occurrence_of
from customers.findings import shapes
from flows.explanation import Source, Value, rule_names
from mappings.lineage import mapping_lines, raw_column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.explanation import Document, ValueStatus
    from mappings.core import Core


def values_of_served(
    document: Document,
    text: str | None,
    core: Core,
    rules: dict[str, list[str]],
    wanted: frozenset[str] | None,
) -> Iterator[Value]:
    """Yield the values of the document being served (``text``, if any), then what it lacks."""
    served = list(_leaves("/data", "$", json.loads(text))) if text else []
    shape_of = dict(
        zip((path for _, path, _ in served), _shapes([value for _, _, value in served]), strict=True)
    )
    for field in effective_fields(document.structure, DEFAULT_VERSION):
        if not field.is_leaf or (wanted is not None and field.xpath not in wanted):
            continue
        paths = [path for xpath, path, _ in served if xpath == field.xpath]
        for path in paths or [occurrence_of(field.xpath)]:
            yield _value(
                document, field.xpath, path, core, rules, shape_of.get(path), present=path in shape_of
            )


def _value(  # noqa: PLR0913, PLR0917 (all that is known of a value)
    document: Document,
    xpath: str,
    path: str,
    core: Core,
    rules: dict[str, list[str]],
    shape: str | None,
    *,
    present: bool,
) -> Value:
    mapping = mapping_lines(document.structure).get(xpath)
    source = None
    if mapping is not None:
        named = [raw_column(core, name) for name in mapping.columns]
        source = Source(named[0].table, [raw.column for raw in named], shape=shape)
    failed = [finding for finding in document.findings if finding.xpath == xpath]
    status, why = _status(document, present=present)
    for finding in failed:
        if finding.line is not None and source is not None:
            source.file, source.line = finding.file, finding.line
    if failed:
        why = f"{why}; {rule_names(failed)}" if why else rule_names(failed)
        status = "omitted" if {finding.severity for finding in failed} == {"omit"} and not present else status
    passed = [
        rule for rule in rules.get(xpath, []) if present and rule not in {finding.rule for finding in failed}
    ]
    return Value(document.structure, xpath, path, status, why, source, mapping, passed, failed)


def _status(document: Document, *, present: bool) -> tuple[ValueStatus, str]:
    if present:
        return "served", document.why
    if document.state in {"rejected", "withdrawn"}:
        return ("rejected" if document.state == "rejected" else "withdrawn"), document.why
    return "unknown", "not in the document being served; without the export there is no telling why"


def _leaves(xpath: str, path: str, node: object) -> Iterator[tuple[str, str, str]]:
    """Yield xpath, occurrence and text of every scalar of a document."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _leaves(f"{xpath}/{name}", f"{path}.{name}", child)
    elif isinstance(node, list):
        for place, child in enumerate(node):
            yield from _leaves(xpath, f"{path}[{place}]", child)
    else:
        yield xpath, path, str(node)


def _shapes(texts: list[str]) -> list[str | None]:
    found: list[str | None] = shapes(pa.array(texts, pa.string())).to_pylist()
    return found
