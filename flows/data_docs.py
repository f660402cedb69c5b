"""Data Docs: a static site per run, in Portuguese, from the stored verdicts alone. No value, no script from afar.

Great Expectations' own Data Docs are not used: they show the values that failed, and load style sheets from the
network.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from customers.errors import UsageError
from customers.rule_kinds import Severity
from customers.structures import STRUCTURES
from flows.portuguese import TITLES, WORDS, breakable, day, moment, number, rate, translated
from flows.reporting import say, show_json
from flows.rule_texts import rule_text
from flows.settings import load_settings
from sql.store import open_store

if TYPE_CHECKING:
    from jinja2 import Environment

    from sql.store import Store

_MOST_RULES, _MOST_SHAPES = 20, 4
_SEVERITIES = get_args(Severity)  # the worst first
_SQLITE = "sqlite:///"
_RUN = """
    SELECT run_id, core, business_date, kind, state, started_at, finished_at, mapping_version, counts
    FROM runs WHERE run_id = :run_id
"""
_RESULTS = """
    SELECT structure, xpath, rule, severity, applied, passed, failed, unknown
    FROM rule_results WHERE run_id = :run_id ORDER BY structure, xpath, rule
"""
_SHAPES = """
    SELECT structure, rule, severity, shape, COUNT(*) AS findings
    FROM findings WHERE run_id = :run_id AND severity <> 'warn'
    GROUP BY structure, rule, severity, shape ORDER BY findings DESC, shape
"""
_CUSTOMERS = """
    SELECT structure, rule, severity, COUNT(DISTINCT customer_ref) AS customers
    FROM findings WHERE run_id = :run_id AND severity <> 'warn'
    GROUP BY structure, rule, severity ORDER BY customers DESC, rule
"""
_SECTIONS = {
    "Documentos recusados, por regra": {"reject", "halt"},
    "Elementos e campos omitidos, por regra": {"omit"},
}


def docs_root(setting: Path | None, database_url: str) -> Path:
    """Return the folder of all sites: the setting, else beside an embedded database, else the working directory."""
    if setting is not None:
        return setting
    if not database_url.startswith(_SQLITE):
        return Path("cadastra-docs")
    database = Path(database_url.removeprefix(_SQLITE).split("?")[0])
    return database.with_name(f"{database.stem}-docs")


def write_docs(store: Store, run_id: str, root: Path) -> Path:
    """Write the site of a run into ``root/run_id`` and let ``root/latest.html`` lead to it; return its index.

    Raises UsageError for a run that is not known, OSError where the folder cannot be written.
    """
    pages = _pages(store, run_id)
    folder = (root / run_id).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
    latest = _environment().get_template("latest.html").render(run_id=run_id)
    (root / "latest.html").write_text(latest, encoding="utf-8")
    return folder / "index.html"


def rebuild_docs(run_id: str, database: str | None, *, as_json: bool) -> None:
    """Write the site of a run again and say where it is.

    Raises UsageError for a run that is not known or a folder that cannot be written.
    """
    settings = load_settings(database)
    root = docs_root(settings.docs, settings.database_url)
    try:
        with open_store(settings.database_url) as store:
            index = write_docs(store, run_id, root)
    except OSError as problem:
        raise UsageError(f"the Data Docs cannot be written to {root}: {problem.strerror}") from problem
    if as_json:
        show_json({"run_id": run_id, "docs": str(index)})
    else:
        say(str(index))


def _pages(store: Store, run_id: str) -> dict[str, str]:
    params = {"run_id": run_id}
    found = store.query(_RUN, params)
    if not found:
        raise UsageError(f"no run {run_id}")
    run: dict[str, Any] = found[0]
    counts: dict[str, Any] = json.loads(run["counts"] or "{}")
    results = [_result(row) for row in store.query(_RESULTS, params)]
    tallies = {row["structure"]: row for row in store.run_counts(run_id)}
    items = [
        _item(structure.name, tallies[structure.name], results)
        for structure in STRUCTURES
        if structure.name in tallies
    ]
    refusals = _refusals(store.query(_CUSTOMERS, params), store.query(_SHAPES, params), results)
    worst = sorted((rule for rule in results if rule["failed"]), key=_worst_first)
    environment = _environment()
    structure_page = environment.get_template("structure.html")
    pages = {
        "index.html": environment.get_template("index.html").render(
            run=run,
            totals=_totals(items, results, counts),
            structures=items,
            top=worst[:_MOST_RULES],
            strays=sorted(counts.get("orphans", {}).items()),
        )
    }
    for item in items:
        pages[f"{item['name']}.html"] = structure_page.render(
            run=run,
            item=item,
            reasons=sorted(item["excluded_reasons"].items()),
            rules=[rule for rule in results if rule["structure"] == item["name"]],
            refusals=refusals.get(item["name"], []),
        )
    return pages


def _worst_first(rule: dict[str, Any]) -> tuple[int, int, str]:
    return _SEVERITIES.index(rule["severity"]), -rule["failed"], rule["rule"]


def _result(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "text": rule_text(row["structure"], row["rule"], row["xpath"]).portuguese,
        "title": TITLES.get(row["structure"], row["structure"]),
        "rate": _share(row["passed"], row["passed"] + row["failed"]),
    }


def _item(name: str, tally: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    own = [rule for rule in results if rule["structure"] == name]
    good = tally["published_new"] + tally["published_changed"] + tally["unchanged"]
    rejected = tally["rejected_stale"] + tally["rejected_unserved"]
    return {
        **tally,
        "name": name,
        "title": TITLES[name],
        "rejected": rejected,
        "good": good,
        "judged": tally["read"] - tally["excluded"] - tally["skipped"],
        "documents": _share(good, good + rejected),
        "checks": _passed(own),
    }


def _passed(results: list[dict[str, Any]]) -> float | None:
    passed = sum(rule["passed"] for rule in results)
    return _share(passed, passed + sum(rule["failed"] for rule in results))


def _totals(
    items: list[dict[str, Any]], results: list[dict[str, Any]], counts: dict[str, Any]
) -> dict[str, Any]:
    good, rejected = (sum(item[name] for item in items) for name in ("good", "rejected"))
    return {
        "documents": _share(good, good + rejected),
        "checks": _passed(results),
        "published": sum(item["published_new"] + item["published_changed"] for item in items),
        "unchanged": sum(item["unchanged"] for item in items),
        "judged": sum(item["judged"] for item in items),
        "skipped": sum(item["skipped"] for item in items),
        "rejected": rejected,
        "registers": counts.get("registers", 0),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _refusals(
    customers: list[dict[str, Any]], shapes: list[dict[str, Any]], results: list[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return, by structure, the sections of refused and omitted things: each rule with the shapes that failed it."""
    failed: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for rule in results:
        if rule["failed"]:
            failed.setdefault((rule["structure"], rule["rule"]), []).append(rule)
    sections: dict[str, list[dict[str, Any]]] = {}
    for structure in {row["structure"] for row in customers}:
        for heading, severities in _SECTIONS.items():
            rules = [
                _refused_rule(row, shapes, failed.get((structure, row["rule"]), []))
                for row in customers
                if row["structure"] == structure and row["severity"] in severities
            ]
            if rules:
                sections.setdefault(structure, []).append({"heading": heading, "rules": rules})
    return sections


def _refused_rule(
    row: dict[str, Any], shapes: list[dict[str, Any]], failed: list[dict[str, Any]]
) -> dict[str, Any]:
    keys = ("structure", "rule", "severity")
    own = [shape for shape in shapes if all(shape[key] == row[key] for key in keys)]
    shaped = [(shape["shape"], shape["findings"]) for shape in own if shape["shape"] is not None]
    told = dict.fromkeys(rule["text"] for rule in failed)
    return {
        **row,
        "text": "; ".join(told) or rule_text(row["structure"], row["rule"], "").portuguese,
        "xpaths": [rule["xpath"] for rule in failed],
        "shapes": shaped[:_MOST_SHAPES],
        "more": max(len(shaped) - _MOST_SHAPES, 0),
        "findings": sum(shape["findings"] for shape in own),
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 (only sites need it)

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(numero=number, taxa=rate, data=day, momento=moment, quebravel=breakable)
    environment.filters.update({name: translated(words) for name, words in WORDS.items()})
    return environment
