"""What a run came to, as artifacts of Prefect's UI: counts and rules, never a customer's value."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.reporting import COUNTS, MOST_RULES, count_rows

if TYPE_CHECKING:
    from flows.backfill import BackfillReport
    from flows.pipeline import Report
    from flows.quality import Judgement


def show(report: Report) -> None:
    """Make the artifacts ``run``, ``run-counts``, ``top-rules`` and ``freshness`` of one run, but no empty table."""
    create_markdown_artifact(_told(report), key="run", description=f"Run {report.run_id}: {report.state}")
    create_table_artifact(_counts(report), key="run-counts", description=f"Registers of run {report.run_id}")
    if report.rules:
        count = len(report.rules)
        told = f"The {min(count, MOST_RULES)} gravest of {count} rules that failed in run {report.run_id}"
        create_table_artifact(_gravest(report.rules), key="top-rules", description=told)
    if report.freshness:
        told = f"Minutes from the core's change to being served, run {report.run_id}"
        create_table_artifact(_freshness(report), key="freshness", description=told)


def show_dates(report: BackfillReport) -> None:
    """Make the artifact ``backfill``: what became of each date."""
    rows = [{**row, "business_date": row["business_date"].isoformat()} for row in map(asdict, report.dates)]
    create_table_artifact(rows, key="backfill", description=f"{len(rows)} business dates")


def show_judgement(judgement: Judgement) -> None:
    """Make the artifacts ``quality`` and ``quality-rules``: the documents that would be refused now."""
    if judgement.run_id is None:
        return
    rows = [{"structure": name, **counts} for name, counts in judgement.structures.items()]
    told = f"Documents judged, and those that would be refused now: run {judgement.run_id}"
    create_table_artifact(rows, key="quality", description=told)
    if judgement.rules:
        told = f"Documents by rule: `cadastra findings --run {judgement.run_id}` says which"
        create_table_artifact(_gravest(judgement.rules), key="quality-rules", description=told)


def _gravest(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: rule[name] for name in ("failed", "severity", "rule", "structure")}
        for rule in rules[:MOST_RULES]
    ]


def _told(report: Report) -> str:
    lines = [
        f"# Run {report.run_id}",
        f"- **state** {report.state}",
        f"- **export** {report.kind} of {report.business_date}, {report.customers:,} registers",
        f"- **refused** {report.rejected:,} documents",
        f"- **seconds** {sum(report.seconds.values()):,.1f}",
    ]
    if report.docs:
        lines.append(f"- **Data Docs** [{report.docs}]({Path(report.docs).as_uri()})")
    if report.docs_problem:
        lines.append(f"- **Data Docs** {report.docs_problem}")
    lines += [f"- **held** {reason}" for reason in report.held]
    lines += [f"- **late** {warning}" for warning in report.late]
    if report.state == "held":
        lines += ["", f"To publish it: `cadastra release {report.run_id} --reason TEXT`"]
    return "\n".join(lines)


def _counts(report: Report) -> list[dict[str, Any]]:
    return [
        {"structure": row["structure"], **{told: row[count] for count, told in COUNTS.items()}}
        for row in count_rows(report)
    ]


def _freshness(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "structure": row["structure"],
            "documents": row["documents"],
            **{f"{name} min": round(row[f"{name}_seconds"] / 60, 1) for name in ("p50", "p95", "max")},
            "within 60 min": f"{row['share_within_60_minutes']:.1%}",
        }
        for row in report.freshness
    ]
