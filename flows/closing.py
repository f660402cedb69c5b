"""The closing tables of a run, for a person: as wide as the terminal lets them be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.measure import Measurement
from rich.table import Table

from flows.reporting import COUNTS, MOST_RULES, as_data, count_rows, person, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from flows.pipeline import Report

_ANY_WIDTH = 1_000


def show_report(report: Report) -> None:
    """Print the closing tables."""
    console = person()
    console.print(
        f"run {report.run_id}: {report.state} ({report.kind}, {report.business_date})", soft_wrap=True
    )
    show_counts(console, count_rows(report))
    for name, tally in as_data(report)["structures"].items():
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
    _show_end(report)


def _show_end(report: Report) -> None:
    """Say what is to be read or copied whole: no line of it is broken."""
    for reason in report.held:
        say(f"{'would be held' if report.state == 'planned' else 'held'}: {reason}")
    if report.docs or report.docs_problem:
        say(f"Data Docs: {report.docs or report.docs_problem}")
    stages = ", ".join(f"{stage} {spent:.2f}" for stage, spent in report.seconds.items())
    say(f"seconds, all processes together: {stages}")
    rate = report.customers / max(report.wall_seconds, 1e-9)
    say(f"{report.customers:,} registers in {report.wall_seconds:.1f} s, {rate:,.0f} a second")


def show_counts(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a row per structure; where that is too wide without what is zero everywhere, at worst in words."""
    used = [count for count in COUNTS if count == "read" or any(row[count] for row in rows)]
    for counts in (list(COUNTS), used):
        table = _table()
        table.add_column("structure", no_wrap=True)
        for count in counts:
            table.add_column(COUNTS[count].replace(", ", ",\n"), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(row["structure"], *(f"{row[count]:,}" for count in counts))
        if _width(console, table) <= console.width:
            console.print(table)
            return
    for row in rows:
        told = ", ".join(f"{row[count]:,} {COUNTS[count]}" for count in used if count == "read" or row[count])
        console.print(f"  {row['structure']}: {told}")


def _show_rules(console: Console, report: Report) -> None:
    if not report.rules:
        return
    shown = min(MOST_RULES, len(report.rules))
    table = _table(f"top rules ({shown} of {len(report.rules)} that failed)")
    table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("rule", overflow="fold")
    table.add_column("structure", overflow="fold")
    for rule in report.rules[:MOST_RULES]:
        table.add_row(f"{rule['failed']:,}", rule["severity"], rule["rule"], rule["structure"])
    console.print(table)


def _show_freshness(console: Console, report: Report) -> None:
    """Print how long documents had waited; of a first load it says only how old the data are."""
    rows = [row for row in report.freshness if not row["first_load"]]
    if not rows:
        return
    table = _table("from the core's change to being served")
    table.add_column("structure", no_wrap=True)
    for heading in ("documents", "half\nwithin", "95 %\nwithin", "longest", "within\n60 min"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        spans = (span(row[f"{name}_seconds"]) for name in ("p50", "p95", "max"))
        within = f"{row['share_within_60_minutes']:.1%}"
        table.add_row(row["structure"], f"{row['documents']:,}", *spans, within)
    console.print(table)
    for warning in report.late:
        say(f"warning: {warning}")


def span(seconds: float) -> str:
    """Say a span of time in few characters.

    >>> span(90), span(4 * 3600), span(3 * 86_400), span(-30)
    ('1.5 min', '4.0 h', '3.0 d', '-0.5 min')
    """
    for size, unit in ((86_400, "d"), (3600, "h")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds / 60:.1f} min"


def _show_differences(console: Console, differences: Mapping[str, Any]) -> None:
    compared, changed = differences["compared_documents"], differences["changed_documents"]
    if changed == 0:
        return
    table = _table(f"differences in {compared:,} of {changed:,} changed documents")
    table.add_column("values", justify="right", no_wrap=True)
    for name in ("", "structure", "xpath", "shapes"):
        table.add_column(name, overflow="fold")
    for row in differences["xpaths"]:
        values, shapes = f"{row['values']:,}", ", ".join(row["shapes"])
        table.add_row(values, row["difference"], row["structure"], row["xpath"], shapes)
    console.print(table)


def _table(title: str | None = None) -> Table:
    return Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")


def _width(console: Console, table: Table) -> int:
    """Return how wide a table would like to be."""
    return Measurement.get(console, console.options.update(max_width=_ANY_WIDTH), table).maximum
