"""``cadastra findings``: what a run refused or doubted, worst first, so that a steward knows what to mend first."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from customers.errors import UsageError
from customers.rule_kinds import Severity
from customers.structures import BY_NAME
from flows.explanation import xpath_of
from flows.reporting import say, show_json
from flows.rule_texts import rule_text
from flows.settings import load_settings
from flows.tables import show_columns
from mappings.core import load_core
from mappings.lineage import raw_column
from sql.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sql.store import Store

_SEVERITIES = get_args(Severity)  # the worst first
_MOST_CODES = 20

# No property has a digit in its name, so the digits of an occurrence are the places of elements.
_PLACELESS = "f.occurrence"
for _digit in "0123456789":
    _PLACELESS = f"REPLACE({_PLACELESS}, '{_digit}', '')"
_KEYS = f"f.customer_ref, f.structure, f.rule, f.severity, {_PLACELESS} AS place, f.shape"
_CHOSEN = """
    FROM findings AS f
    WHERE f.run_id = {run} AND (:rule = '' OR f.rule = :rule) AND (:structure = '' OR f.structure = :structure)
"""
_OF_RUN = f"SELECT {_KEYS} {_CHOSEN.format(run=':run_id')}"
# Compared without the place: an element that moved is no news.
_NEW = f"{_OF_RUN} EXCEPT SELECT {_KEYS} {_CHOSEN.format(run=':since')}"


def _grouped(source: str) -> str:
    return f"""
        SELECT n.rule, n.severity, n.structure, n.place, COUNT(*) AS findings
        FROM ({source}) AS n GROUP BY n.rule, n.severity, n.structure, n.place
    """  # noqa: S608 (our own text)


def _customers(source: str) -> str:
    return f"""
        SELECT n.rule, n.severity, COUNT(DISTINCT n.customer_ref) AS customers
        FROM ({source}) AS n GROUP BY n.rule, n.severity
    """  # noqa: S608 (as above)


def _codes(source: str) -> str:
    return f"""
        SELECT n.rule, n.structure, n.place, n.shape, COUNT(DISTINCT n.customer_ref) AS customers
        FROM ({source}) AS n WHERE n.rule = 'X-UNMAPPED' OR SUBSTR(n.rule, 1, 7) = 'S-enum:'
        GROUP BY n.rule, n.structure, n.place, n.shape
        ORDER BY customers DESC, n.rule, n.structure, n.shape
    """  # noqa: S608 (as above)


def _single(source: str) -> str:
    """List single findings, each with file and line."""
    return f"""
        SELECT f.customer_ref, f.structure, f.occurrence, f.rule, f.severity, f.shape, f.source_file, f.source_line
        {_CHOSEN.format(run=":run_id")}
          AND (f.customer_ref, f.structure, f.rule, {_PLACELESS}, COALESCE(f.shape, '')) IN (
              SELECT n.customer_ref, n.structure, n.rule, n.place, COALESCE(n.shape, '') FROM ({source}) AS n)
        ORDER BY f.source_file, f.source_line, f.structure, f.occurrence, f.rule LIMIT :most
    """  # noqa: S608 (as above)


def show_findings(  # noqa: PLR0913 (one argument per option)
    database: str | None,
    *,
    run: str | None,
    since: str | None,
    rule: str | None,
    structure: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show a run's findings (the latest run's by default), those new since another run, or those of one rule.

    Raises UsageError for a run, a rule or a structure that is not known.
    """
    if structure is not None and structure not in BY_NAME:
        raise UsageError(f"no structure is called {structure}; known: {', '.join(BY_NAME)}")
    settings = load_settings(database)
    with open_store(settings.database_url) as store:
        answer = find(store, run=run, since=since, rule=rule, structure=structure, limit=limit)
        _name_columns(store, answer, tuple(settings.cores_path))
    if as_json:
        show_json(answer)
    else:
        _show(answer)


def find(  # noqa: PLR0913 (one argument per option)
    store: Store, *, run: str | None, since: str | None, rule: str | None, structure: str | None, limit: int
) -> dict[str, Any]:
    """Return the groups, the unmapped codes and, with a rule, the single findings."""
    run_id = _run_id(store, run)
    params = {"run_id": run_id, "rule": rule or "", "structure": structure or ""}
    source = _OF_RUN
    if since is not None:
        source, params["since"] = _NEW, _run_id(store, since)
    if rule is not None:
        _known_rule(store, run_id, rule)
    groups = _groups(store.query(_grouped(source), params), store.query(_customers(source), params))
    answer: dict[str, Any] = {
        "run_id": run_id,
        "since": params.get("since"),
        "rules": groups,
        "unmapped_codes": [_with_xpath(row) for row in store.query(_codes(source), params)],
    }
    if rule is not None:
        answer["findings"] = store.query(_single(source), {**params, "most": limit})
    return answer


def _name_columns(store: Store, answer: dict[str, Any], cores_path: tuple[Path, ...]) -> None:
    """Give the codes of a register that no xpath tells, its kind of person and its status, their column's name."""
    untold = [code for code in answer["unmapped_codes"] if code["xpath"] == "/data"]
    if not untold:
        return
    (run,) = store.query("SELECT core FROM runs WHERE run_id = :run_id", {"run_id": answer["run_id"]})
    core = load_core(str(run["core"]), cores_path)
    for code in untold:
        named = raw_column(core, "customers.status" if code["structure"] else "customers.person_kind")
        code["column"] = f"{named.table}.{named.column}"


def _run_id(store: Store, run: str | None) -> str:
    if run is None:
        rows = store.query("SELECT run_id FROM runs WHERE state <> 'running' ORDER BY run_seq DESC LIMIT 1")
        if not rows:
            raise UsageError("the serving database has no run yet")
        return str(rows[0]["run_id"])
    if not store.query("SELECT 1 AS found FROM runs WHERE run_id = :run_id", {"run_id": run}):
        known = [
            str(row["run_id"])
            for row in store.query("SELECT run_id FROM runs ORDER BY run_seq DESC LIMIT 50")
        ]
        raise UsageError(f"no run {run}{_near(run, known)}")
    return run


def _known_rule(store: Store, run_id: str, rule: str) -> None:
    rows = store.query(
        "SELECT rule FROM rule_results WHERE run_id = :run_id UNION SELECT rule FROM findings WHERE run_id = :run_id",
        {"run_id": run_id},
    )
    known = [str(row["rule"]) for row in rows]
    if rule not in known:
        raise UsageError(f"run {run_id} knows no rule {rule}{_near(rule, known)}")


def _near(text: str, known: list[str]) -> str:
    near = get_close_matches(text, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _with_xpath(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: value for name, value in row.items() if name != "place"},
        "xpath": xpath_of(row["place"]),
    }


def _groups(rows: Iterable[dict[str, Any]], customers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Unite the structures and xpaths of each rule; the severest first, then by customers affected."""
    affected = {(row["rule"], row["severity"]): row["customers"] for row in customers}
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key, xpath = (row["rule"], row["severity"]), xpath_of(row["place"])
        group = groups.setdefault(
            key,
            {
                "rule": key[0],
                "severity": key[1],
                "customers": affected[key],
                "findings": 0,
                "structures": [],
                "xpaths": [],
                "sentences": [],
                "sentences_pt": [],
            },
        )
        group["findings"] += row["findings"]
        text = rule_text(row["structure"], row["rule"], xpath)
        for name, value in (
            ("structures", row["structure"]),
            ("xpaths", xpath),
            ("sentences", text.english),
            ("sentences_pt", text.portuguese),
        ):
            if value and value not in group[name]:
                group[name].append(value)
    order: Callable[[dict[str, Any]], tuple[int, int, str]] = lambda group: (  # noqa: E731 (a sort key)
        _SEVERITIES.index(group["severity"]),
        -group["customers"],
        group["rule"],
    )
    return sorted(groups.values(), key=order)


def _show(answer: dict[str, Any]) -> None:
    title = f"findings of run {answer['run_id']}" + (
        f", new since {answer['since']}" if answer["since"] else ""
    )
    if not answer["rules"]:
        say(f"{title}: none")
        return
    rows = [
        (f"{group['customers']:,}", f"{group['findings']:,}", group["severity"], group["rule"], _told(group))
        for group in answer["rules"]
    ]
    show_columns(title, ("customers", "findings", "severity", "rule", "what it asks"), rows)
    codes = answer["unmapped_codes"]
    if codes:
        lines = [
            (
                f"{code['customers']:,}",
                code["shape"] or "",
                code["structure"],
                code.get("column", code["xpath"]),
            )
            for code in codes
        ]
        title = f"codes that no table of the core lists ({len(codes)})"
        show_columns(title, ("customers", "shape", "structure", "xpath or column"), lines[:_MOST_CODES])
    if "findings" in answer:
        listed = [
            (
                row["customer_ref"],
                row["occurrence"],
                f"{row['source_file']}:{row['source_line']}" if row["source_line"] else "",
                row["shape"] or "",
            )
            for row in answer["findings"]
        ]
        show_columns("single findings", ("customer_ref", "occurrence", "source", "shape"), listed)


def _told(group: dict[str, Any]) -> str:
    more = f" (and {len(group['sentences']) - 1} more)" if len(group["sentences"]) > 1 else ""
    return f"{group['sentences'][0]}{more}" if group["sentences"] else ""
