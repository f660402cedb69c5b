"""Read consents from a CSV file or from JSON lines, and say by line which ones cannot be used, and why."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from customers.consents import Consent, ConsentRecord
from customers.errors import UnreadableInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

_COLUMNS = frozenset(ConsentRecord.model_fields)
_REQUIRED = frozenset(name for name, field in ConsentRecord.model_fields.items() if field.is_required())
_JSON = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class Refused:
    """Name the line of a consent that cannot be used, the column and the kind of the problem; no value."""

    line: int
    column: str
    problem: str


def read_consents(file: Path) -> tuple[list[Consent], list[Refused]]:
    """Return the consents of a file and what is refused; ``.jsonl``, ``.ndjson`` or ``.json`` hold JSON lines.

    A CSV file is UTF-8 with a header; its separator is a comma or a semicolon. Raise UnreadableInput where the
    file is neither.
    """
    accepted: list[Consent] = []
    refused: list[Refused] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            records = _from_json(lines) if file.suffix.lower() in _JSON else _from_csv(lines, file)
            _sort_out(records, accepted, refused)
    except OSError as problem:
        message = f"{file}: {problem.strerror}"
        raise UnreadableInput(message) from None
    except (UnicodeDecodeError, csv.Error):
        message = f"{file}: not the UTF-8 text of a CSV file or of JSON lines"
        raise UnreadableInput(message) from None
    return accepted, refused


def _sort_out(records: Iterable[tuple[int, Any]], accepted: list[Consent], refused: list[Refused]) -> None:
    for line, record in records:
        try:
            accepted.append(ConsentRecord.model_validate(record).consent())
        except ValidationError as problem:
            refused.extend(_refusals(line, problem))


def _refusals(line: int, problem: ValidationError) -> Iterator[Refused]:
    # What pydantic says may quote the value; the one error that this project words does not, and is about the tax id.
    for error in problem.errors(include_input=False, include_url=False, include_context=False):
        if error["type"] == "value_error":
            yield Refused(line, "tax_id", error["msg"].removeprefix("Value error, "))
        else:
            place = [str(part) for part in error["loc"] if part in _COLUMNS]
            yield Refused(line, place[0] if place else "", error["type"])


def _from_json(lines: TextIO) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                yield number, None


def _from_csv(lines: TextIO, file: Path) -> Iterator[tuple[int, Any]]:
    header = lines.readline()
    separator = ";" if ";" in header else ","
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
    unknown, lacking = set(names) - _COLUMNS, _REQUIRED - set(names)
    if unknown or lacking or len(set(names)) != len(names):
        problem = f"unknown columns: {len(unknown)}; lacking: {', '.join(sorted(lacking)) or 'none'}"
        known = ", ".join(sorted(_COLUMNS))
        message = f"{file}: the header is not that of a file of consents ({problem}); known: {known}"
        raise UnreadableInput(message)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    before = 1
    for cells in reader:
        if cells:
            fits = len(cells) == len(names)
            yield before + 1, {n: c.strip() for n, c in zip(names, cells, strict=True)} if fits else None
        before = reader.line_num + 1
