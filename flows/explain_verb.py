"""The verb ``cadastra explain``: read the question, show the answer."""

from __future__ import annotations

from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from customers.dictionary import DEFAULT_VERSION, effective_fields
from customers.errors import UsageError
from customers.structures import BY_NAME
from flows.explain import explain
from flows.explain_search import Question
from flows.explanation import rule_names, xpath_of
from flows.reporting import say, show_json
from flows.settings import known_secret, load_settings
from flows.tables import show_columns
from sql.glance import glance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.explanation import Document, Explanation, Value

_RULES_SHOWN = 6
_HEADINGS = ("value", "source", "raw shape", "mapping", "status")


def explain_verb(  # noqa: PLR0913 (one argument per option)
    key: str,
    xpath: str | None,
    structure: str | None,
    database: str | None,
    export: Path | None,
    *,
    as_json: bool,
) -> None:
    """Explain a customer's values to a person or a machine.

    Raises UsageError for a key, an xpath or a structure that does not exist.
    """
    if export is not None:
        _refuse_database(str(export))
    structures = _structures(structure)
    structures, xpaths = _xpaths(xpath, structures)
    settings = load_settings(database)
    question = Question(
        key.strip(),
        structures,
        xpaths,
        export,
        known_secret(settings),
        tuple(settings.cores_path),
        settings.core,
    )
    with glance(settings.database_url) as opened:
        answer = explain(question, opened)
    _only(answer, xpath)
    if as_json:
        show_json(_as_data(answer))
    elif xpath is None:
        _show_documents(answer)
    else:
        _show_values(answer)


def _refuse_database(export: str) -> None:
    from flows.sources import is_url  # noqa: PLC0415 (heavy, and --export is rare)

    if is_url(export):
        raise UsageError(
            "explain reads export folders only: a database's rows may have changed since the run"
        )


def _structures(name: str | None) -> tuple[str, ...]:
    if name is not None and name not in BY_NAME:
        raise UsageError(f"no structure is called {name}; known: {', '.join(BY_NAME)}")
    return tuple(BY_NAME) if name is None else (name,)


def _xpaths(text: str | None, structures: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str] | None]:
    """Return the leaves at or below an xpath (or an occurrence such as ``$.contacts.phones[1]``), and who has them."""
    if text is None:
        return structures, None
    wanted = xpath_of(text) if text.startswith("$") else text.rstrip("/")
    every = {name: effective_fields(name, DEFAULT_VERSION) for name in structures}
    having = {
        name: {
            field.xpath for field in fields if field.is_leaf and f"{field.xpath}/".startswith(f"{wanted}/")
        }
        for name, fields in every.items()
    }
    found = tuple(name for name, leaves in having.items() if leaves)
    if not found:
        known = sorted({field.xpath for fields in every.values() for field in fields})
        last = wanted.rpartition("/")[2].casefold()
        near = [name for name in known if name.rpartition("/")[2].casefold() == last]
        near = near or get_close_matches(wanted, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"no xpath {wanted} in {', '.join(structures)}{hint}")
    return found, frozenset().union(*having.values())


def _only(answer: Explanation, text: str | None) -> None:
    """Keep the values at an xpath or an occurrence.

    Raises UsageError when the customer is of a kind that has no such xpath, or has no such element.
    """
    if text is None:
        return
    if text.startswith("$"):
        for document in answer.documents:
            inside = (f"{text}.", f"{text}[")
            document.values = [
                value for value in document.values if f"{value.occurrence}.".startswith(inside)
            ]
    if not answer.documents:
        raise UsageError(f"this customer has no document with {text}")
    if not any(document.values for document in answer.documents) and text.startswith("$"):
        raise UsageError(f"this customer's documents have no {text}")


def _as_data(answer: Explanation) -> dict[str, Any]:
    data = asdict(answer)
    for document in data["documents"]:
        for value in document["values"]:
            value["rules_passed_count"] = len(value["rules_passed"])
            value["run_id"], value["published_at"] = document["run_id"], document["published_at"]
    return data


def _show_documents(answer: Explanation) -> None:
    """Print every document with a line for each of its values."""
    _show_notes(answer)
    for document in answer.documents:
        say("\n".join(_heading(document)))
        if document.values:
            show_columns("", _HEADINGS, [_row(value) for value in document.values])


def _row(value: Value) -> tuple[str, ...]:
    rules = f" ({rule_names(value.rules_failed)})" if value.rules_failed else ""
    shape = "" if value.source is None else value.source.shape or ""
    return value.occurrence, _place(value), shape, _mapped_by(value), value.status + rules


def _place(value: Value) -> str:
    if value.source is None:
        return ""
    return f"{value.source.file}:{value.source.line}" if value.source.line else value.source.table


def _mapped_by(value: Value) -> str:
    return (
        ""
        if value.mapping is None
        else f"{value.mapping.file.removeprefix('mappings/')}:{value.mapping.line}"
    )


def _show_notes(answer: Explanation) -> None:
    say(
        f"found by {answer.found_by}"
        + (f", read in run {answer.read_in} ({answer.export})" if answer.export else "")
    )
    for note in dict.fromkeys(answer.notes):
        say(f"note: {note}")


def _heading(document: Document) -> Iterator[str]:
    yield f"\n{document.structure}  {document.customer_id}  {document.state}"
    if document.run_id:
        yield f"  published by run {document.run_id} at {document.published_at}"
    if document.since:
        yield f"  {document.state} since {document.since}, run {document.since_run}"
    if document.why:
        yield f"  {document.why}"
    for finding in document.findings:
        place = f"  {finding.file}:{finding.line}" if finding.line else ""
        yield f"  {finding.severity}  {finding.rule}  {finding.occurrence}{place}  {finding.shape or ''}".rstrip()


def _show_values(answer: Explanation) -> None:
    """Print the answer on one xpath, a paragraph per occurrence."""
    _show_notes(answer)
    for document in answer.documents:
        if not document.values:
            say("\n".join(_heading(document)))
        for value in document.values:
            say("\n".join(_paragraph(document, value)))


def _paragraph(document: Document, value: Value) -> Iterator[str]:
    yield f"\n{value.structure}  {value.occurrence}"
    yield f"  status   {value.status}{': ' if value.why else ''}{value.why}"
    if value.source is not None:
        columns = ", ".join(value.source.columns)
        shape = (
            f", raw shape {value.source.shape}"
            if value.source.shape
            else ", empty"
            if value.source.line
            else ""
        )
        yield f"  source   table {value.source.table}, {_place(value)}, column {columns}{shape}"
    if value.mapping is not None:
        yield f"  mapping  {value.mapping.file}:{value.mapping.line}"
    for finding in value.rules_failed:
        yield f"  failed   {finding.rule} ({finding.severity})"
    if value.rules_passed:
        more = (
            f" and {len(value.rules_passed) - _RULES_SHOWN} more"
            if len(value.rules_passed) > _RULES_SHOWN
            else ""
        )
        yield f"  passed   {len(value.rules_passed)} rules: {', '.join(value.rules_passed[:_RULES_SHOWN])}{more}"
    if document.run_id:
        yield f"  run      {document.run_id}, published {document.published_at}"
