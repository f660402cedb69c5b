"""What a run tells a person and a machine: the closing table, JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.pipeline import Report

MOST_RULES = 10
WIDTH = 120
# The counts of a structure, and what the closing table calls them where there is no room.
COUNTS = {
    "read": "read",
    "published_new": "new",
    "published_changed": "changed",
    "unchanged": "same",
    "rejected_stale": "rejected, stale",
    "rejected_unserved": "rejected, unserved",
    "excluded": "excluded",
    "withdrawn": "withdrawn",
}


def say(message: str) -> None:
    """Tell the operator something, away from standard output, which is for JSON."""
    sys.stderr.write(f"{message}\n")


def show_json(data: object) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")


def as_data(report: Report) -> dict[str, Any]:
    """Return a report as plain data."""
    data = asdict(report)
    for tally in data["tallies"].values():
        tally["excluded_reasons"] = tally["excluded"]
        tally["excluded"] = sum(tally["excluded"].values())
    data["structures"] = data.pop("tallies")
    return data


def count_rows(report: Report) -> list[dict[str, Any]]:
    """Return the closing table: one row per structure."""
    structures = as_data(report)["structures"]
    return [
        {"structure": name, **{count: tally[count] for count in COUNTS}} for name, tally in structures.items()
    ]


def person() -> Any:  # noqa: ANN401 (rich is imported where it is used)
    """Return the console that a person reads: standard error, wide enough for the tables where it is no terminal."""
    from rich.console import Console  # noqa: PLC0415 (only a person needs it)

    return Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH)


def show_report(report: Report) -> None:
    """Print the closing tables for a person."""
    from rich.box import SIMPLE  # noqa: PLC0415 (only a person needs it)
    from rich.table import Table  # noqa: PLC0415

    console = person()
    title = f"run {report.run_id}: {report.state} ({report.kind}, {report.business_date})"
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("structure", no_wrap=True)
    for heading in COUNTS.values():
        table.add_column(heading.replace(", ", ",\n"), justify="right", no_wrap=True)
    for row in count_rows(report):
        table.add_row(row["structure"], *(f"{row[count]:,}" for count in COUNTS))
    console.print(table)
    reasons = as_data(report)["structures"]
    for name, tally in reasons.items():
        if tally["excluded_reasons"]:
            told = ", ".join(
                f"{count:,} {reason}" for reason, count in sorted(tally["excluded_reasons"].items())
            )
            console.print(f"  excluded from {name}: {told}")
    for file, count in sorted(report.orphans.items()):
        console.print(f"  rows of no customer in {file}: {count:,}")
    _show_rules(console, report)
    _show_freshness(console, report)
    if report.differences is not None:
        _show_differences(console, report.differences)
    for reason in report.held:
        console.print(f"{'would be held' if report.state == 'planned' else 'held'}: {reason}", soft_wrap=True)
    if report.docs or report.docs_problem:
        say(f"Data Docs: {report.docs or report.docs_problem}")  # never broken into lines: it is to be copied
    seconds = sum(report.seconds.values())
    stages = ", ".join(f"{stage} {spent:.2f}" for stage, spent in report.seconds.items())
    say(f"seconds: {stages}")
    say(
        f"{report.customers:,} registers in {seconds:.1f} s, {report.customers / max(seconds, 1e-9):,.0f} a second"
    )


def _show_freshness(console: Any, report: Report) -> None:  # noqa: ANN401 (rich, as below)
    from rich.box import SIMPLE  # noqa: PLC0415 (only a person needs it)
    from rich.table import Table  # noqa: PLC0415 (as above)

    if not report.freshness:
        return
    title = "minutes from the core's change to being served"
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("structure", no_wrap=True)
    for heading in ("changed", "half within", "95 % within", "longest", "within 60 min"):
        table.add_column(
            heading.replace(" within", "\nwithin").replace("within 60", "within\n60"), justify="right"
        )
    for row in report.freshness:
        minutes = (f"{row[f'{name}_seconds'] / 60:,.1f}" for name in ("p50", "p95", "max"))
        within = f"{row['share_within_60_minutes']:.1%}"
        table.add_row(row["structure"], f"{row['documents']:,}", *minutes, within)
    console.print(table)
    for warning in report.late:
        say(f"warning: {warning}")


def _show_differences(console: Any, differences: dict[str, Any]) -> None:  # noqa: ANN401 (rich, as below)
    from rich.box import SIMPLE  # noqa: PLC0415 (only a person needs it)
    from rich.table import Table  # noqa: PLC0415 (as above)

    compared, changed = differences["compared_documents"], differences["changed_documents"]
    if changed == 0:
        return
    title = f"differences in {compared:,} of {changed:,} changed documents"
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("values", justify="right", no_wrap=True)
    for name in ("", "structure", "xpath", "shapes"):
        table.add_column(name, overflow="fold")
    for row in differences["xpaths"]:
        values, shapes = f"{row['values']:,}", ", ".join(row["shapes"])
        table.add_row(values, row["difference"], row["structure"], row["xpath"], shapes)
    console.print(table)


def _show_rules(console: Any, report: Report) -> None:  # noqa: ANN401 (rich is imported where it is used)
    from rich.box import SIMPLE  # noqa: PLC0415 (as above)
    from rich.table import Table  # noqa: PLC0415

    if not report.rules:
        return
    shown = min(MOST_RULES, len(report.rules))
    title = f"top rules ({shown} of {len(report.rules)} that failed)"
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("rule", overflow="fold")
    table.add_column("structure", overflow="fold")
    for rule in report.rules[:MOST_RULES]:
        table.add_row(f"{rule['failed']:,}", rule["severity"], rule["rule"], rule["structure"])
    console.print(table)
