"""Read what the control file of an export says of it.

A file of its own, since who begins a run looks at it before anything heavy is imported.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from customers.errors import ExportRefused, UnreadableInput

if TYPE_CHECKING:
    from pathlib import Path

Moment = TypeVar("Moment", bound=date)

CONTROL = "_controle.json"


@dataclass(frozen=True, slots=True)
class Control:
    """Hold what the control file says; ``tables`` maps a table to its (rows, sha256)."""

    business_date: date
    kind: str
    generated_at: datetime
    tables: dict[str, tuple[int, str]]

    @property
    def batch_id(self) -> str:
        """Identify the batch by its content: kind, tables and their hashes, not by its date."""
        content = json.dumps([self.kind, sorted((name, sha) for name, (_, sha) in self.tables.items())])
        return hashlib.sha256(content.encode()).hexdigest()


def refuse(message: str) -> ExportRefused:
    """Build the error that refuses an export."""
    return ExportRefused(f"export refused: {message}")


def read_control(folder: Path) -> Control:
    """Read the control file of an export folder.

    Raises UnreadableInput when there is no such folder, ExportRefused for a control file that is missing or malformed.
    """
    if not folder.is_dir():
        msg = f"no export folder {folder}"
        raise UnreadableInput(msg)
    path = folder / CONTROL
    if not path.is_file():
        msg = f"{CONTROL} is missing in {folder}"
        raise refuse(msg)
    try:
        said = json.loads(path.read_text(encoding="utf-8-sig"))
        return _control(said)
    except (
        UnicodeDecodeError,
        json.JSONDecodeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as problem:
        msg = f"{CONTROL} cannot be understood: {type(problem).__name__} ({problem})"
        raise refuse(msg) from problem


def _moment(name: str, text: str, kind: type[Moment], form: str) -> Moment:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        msg = f"{name} must be {form}"
        raise ValueError(msg) from None


def _control(said: dict[str, Any]) -> Control:
    tables = {name: (table["rows"], table["sha256"].lower()) for name, table in said["tables"].items()}
    if any(not isinstance(rows, int) or isinstance(rows, bool) or rows < 0 for rows, _ in tables.values()):
        msg = "rows must be a whole number"
        raise ValueError(msg)
    if said["kind"] not in ("full", "delta"):
        msg = "kind must be full or delta"
        raise ValueError(msg)
    business = _moment("business_date", said["business_date"], date, "YYYY-MM-DD")
    # RFC 3339 allows t and z
    generated = _moment("generated_at", said["generated_at"].upper(), datetime, "an RFC 3339 time")
    if generated.tzinfo is None:
        msg = "generated_at needs a time zone"
        raise ValueError(msg)
    return Control(business, said["kind"], generated, tables)
