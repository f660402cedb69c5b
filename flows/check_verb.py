"""Show what ``check`` finds: one finding a line, to a person or a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customers.errors import UsageError
from customers.structures import BY_NAME
from flows.check import check_files, exit_code
from flows.reporting import say, show_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from customers.rule_kinds import Severity


def check_documents(structure: str, files: Sequence[str], version: str, *, as_json: bool) -> int:
    """Judge the documents of files, show each finding, and return the exit code: 1 when one is refused.

    Raises UsageError for an unknown structure, UnreadableInput for a file that cannot be understood.
    """
    if structure not in BY_NAME:
        msg = f"no structure is called {structure}; known: {', '.join(BY_NAME)}"
        raise UsageError(msg)
    found: list[Severity] = []
    documents: set[tuple[str, int]] = set()
    for checked in check_files(structure, files, version):
        documents.add((checked.file, checked.document))
        if checked.problem is None or checked.severity is None:
            continue
        found.append(checked.severity)
        record = checked.record()
        if as_json:
            show_json(record)
        else:
            place = f"{record['file']}:{record['document']}: {record['occurrence']}"
            shape = record["shape"] or "missing"
            say(f"{place}: {record['severity']}: {record['rule']}: {record['message']} [{shape}]")
    if not as_json:
        say(f"{len(documents):,} documents, {len(found):,} findings")
    return exit_code(found)
