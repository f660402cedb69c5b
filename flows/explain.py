"""``cadastra explain``: where a customer's values came from, or why they are missing, in less than a second.

The customer's own rows are cut out of the export that a run read, and go through the run's own staging and mapping;
what the rules said is read from the serving database. Great Expectations and SQLAlchemy are not imported: there is
no time for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.dictionary import DEFAULT_VERSION
from customers.errors import UsageError
from customers.pseudonyms import customer_ids, customer_refs
from customers.structures import BY_NAME, STRUCTURES
from flows.explain_search import by_core_key, look_up
from flows.explain_served import values_of_served
from flows.explain_values import Follow, Origins
from flows.explanation import Document, Explanation, found, rule_names
from mappings.assembly import map_structure
from mappings.core import load_core
from mappings.partition import partition, stage_bucket
from mappings.structure_map import Context
from mappings.structure_maps import MAPS

if TYPE_CHECKING:
    from datetime import date

    from flows.explain_search import Question, Sight
    from flows.explanation import DocumentState
    from mappings.assembly import Mapped
    from mappings.staging import Bucket
    from sql.glance import Glance, Row

_NOT_SENT_AT_ALL = {
    "merged": "the person's document is that of another register",
    "closed": "every register of the person is closed: no new document is made",
    "no-source": "the core sent no row of this structure",
}


def explain(question: Question, database: Glance) -> Explanation:
    """Answer a question from the serving database and the export's files.

    Raises UsageError for a key that is blank, and for a customer that neither knows.
    """
    if not question.key:  # every line of the exports has it in it
        msg = "the key is empty: a core key, customer_id or tax id is wanted"
        raise UsageError(msg)
    sight = look_up(question, database)
    if not sight.found_by:
        msg = "no customer is known by this key: neither the serving database nor the newest exports have it"
        raise UsageError(msg)
    documents = _documents(question, database, sight)
    return Explanation(
        sight.found_by,
        None if sight.run is None else sight.run["run_id"],
        None if sight.export is None else sight.export.place,
        documents,
        sight.notes,
    )


def _documents(question: Question, database: Glance, sight: Sight) -> list[Document]:
    if sight.export is None or sight.core is None:
        return _from_database(question, database, sight)
    plan = partition(sight.export, sight.core)
    sight.notes += sorted(
        {f"{stray.file}:{stray.line}: row of no customer ({stray.reason})" for stray in plan.strays}
    )
    if len(plan.keys) == 0:
        return _from_database(question, database, sight)
    bucket = stage_bucket(plan, 0)
    kinds = set(bucket.registers.kind.tolist())
    documents: list[Document] = []
    for structure in STRUCTURES:
        if structure.name in question.structures and structure.kind in kinds:
            documents += _mapped(question, database, sight, structure.name, bucket)
    return documents


def _mapped(
    question: Question, database: Glance, sight: Sight, structure: str, bucket: Bucket
) -> list[Document]:
    """Explain the documents of one structure that the export's rows make, or the lack of one."""
    core, export = sight.core, sight.export
    if core is None or export is None:
        raise RuntimeError("look the customer up first")
    context = Context(export.control.business_date, question.secret or "", DEFAULT_VERSION)
    mapped = map_structure(MAPS[structure], bucket, context)
    documents = []
    for number, key in enumerate(mapped.core_keys.to_pylist()):
        if BY_NAME[structure].grain == "register" and sight.found_by != "tax_id" and key not in sight.keys:
            continue
        document = _document(question, database, sight, structure, key)
        if document.state == "excluded":
            document.state, document.why = "not published", "no published run has this document"
        rules = _rules(database, sight, document)
        origins = Origins(export, core, bucket)
        left_out = _left_out(document, context.business_date)
        follow = Follow(
            origins, MAPS[structure], mapped, number, document, context, rules, left_out, question.xpaths
        )
        document.values = list(follow.values())
        origins.fill_shapes()
        documents.append(document)
    return documents or [_absent(question, database, sight, mapped, bucket.registers.core_keys[0].as_py())]


def _absent(question: Question, database: Glance, sight: Sight, mapped: Mapped, key: str) -> Document:
    """Describe the document that the export's rows do not make: what is served may be an earlier one."""
    document = _document(question, database, sight, mapped.documents.structure, key)
    reasons = [
        _NOT_SENT_AT_ALL[reason] for reason, count in mapped.excluded.items() if count and reason != "merged"
    ]
    document.why = "; ".join([*reasons, *([document.why] if document.why else [])])
    return document


def _document(question: Question, database: Glance, sight: Sight, structure: str, key: str) -> Document:
    """Return a document's state, as the database has it."""
    keys = pa.array([key])
    stored = next((row["customer_id"] for row in by_core_key(question, database, sight, key)), None)
    derived = None if question.secret is None else customer_ids(keys, question.secret)[0].as_py()
    if stored is not None and derived != stored:
        sight.notes.append(
            "CADASTRA_SECRET is not the one that this database was written with: findings are unknown"
        )
    document = Document(structure, stored or derived or "", "excluded")
    if sight.run is not None and question.secret is not None:
        ref = customer_refs(keys, question.secret)[0].as_py()
        rows = database.findings(sight.run["run_id"], ref)
        document.findings = [found(row) for row in rows if row["structure"] == structure]
        document.customer_ref = ref
    _settle(document, database)
    return document


def _settle(document: Document, database: Glance) -> None:
    served, refused, ended = (
        _of(rows, document.structure)
        for rows in (
            database.served(document.customer_id),
            database.refused(document.customer_id),
            database.ended(document.customer_id),
        )
    )
    state: DocumentState = "excluded"
    if served is not None:
        document.run_id, document.published_at = served["run_id"], served["published_at"]
        state = "served"
        if served["stale_since"] and refused is not None:
            state, document.since, document.since_run = "stale", refused["since"], refused["run_id"]
            document.why = f"refused by {rule_names(document.refusals)}" if document.refusals else "refused"
            document.why += f"; the document of run {served['run_id']} goes on being served"
    elif document.refusals:
        state, document.why = "rejected", f"refused by {rule_names(document.refusals)}; none is served"
        after = 0 if ended is None else ended["run_seq"]
        for first in database.first_refused(document.customer_ref, document.structure, after):
            document.since, document.since_run = first["finished_at"], first["run_id"]
    elif ended is not None:
        state, document.since, document.since_run = "withdrawn", ended["published_at"], ended["run_id"]
        document.why = f"withdrawn by run {ended['run_id']}"
    document.state = state


def _of(rows: list[Row], structure: str) -> Row | None:
    """Return the last row of a structure in the present version."""
    own = [row for row in rows if row["structure"] == structure and row["version"] == DEFAULT_VERSION]
    return own[-1] if own else None


def _rules(database: Glance, sight: Sight, document: Document) -> dict[str, list[str]]:
    """Return, by xpath, the rules that the run judged the document by."""
    run_id = sight.run["run_id"] if sight.run is not None else document.run_id
    rules: dict[str, list[str]] = {}
    for row in database.rules(run_id, document.structure) if run_id else []:
        rules.setdefault(row["xpath"], []).append(row["rule"])
    return rules


def _left_out(document: Document, day: date) -> dict[str, frozenset[int]]:
    """Return, for each list, the lines whose elements the severity table left out."""
    omitted = [finding for finding in document.findings if finding.severity == "omit"]
    if not omitted:
        return {}
    from expectations.severity import severities  # noqa: PLC0415 (few customers need it)

    lines: dict[str, set[int]] = {}
    for waiver, judged in severities(day, None).omissions(document.structure, DEFAULT_VERSION):
        for finding in omitted:
            if (
                waiver.leave_out == judged.block
                and (finding.rule, finding.xpath) == judged.key
                and finding.line
            ):
                lines.setdefault(judged.block, set()).add(finding.line)
    return {path: frozenset(found_lines) for path, found_lines in lines.items()}


def _from_database(question: Question, database: Glance, sight: Sight) -> list[Document]:
    """Explain what the database alone knows: the customer left, or no export has its rows any more."""
    kinds = {row["tax_id"] for row in sight.registers if row["tax_id"]}
    persons = [row for number in sorted(kinds) for row in database.registers("tax_id", [number])]
    registers = {row["core_key"]: row for row in [*sight.registers, *persons]}
    documents: list[Document] = []
    core = load_core(question.core, question.cores_path)
    for name in question.structures:
        for key in sorted(registers):
            if BY_NAME[name].grain == "register" and sight.found_by != "tax_id" and key not in sight.keys:
                continue
            document = _last_known(question, database, sight, name, key)
            if document is not None:
                texts = {row["structure"]: row["document"] for row in database.served(document.customer_id)}
                rules = _rules(database, sight, document)
                document.values = list(
                    values_of_served(document, texts.get(name), core, rules, question.xpaths)
                )
                documents.append(document)
    return documents


def _last_known(
    question: Question, database: Glance, sight: Sight, structure: str, key: str
) -> Document | None:
    runs: list[dict[str, Any]] = database.runs()
    sight.run = sight.run or (runs[0] if runs else None)
    document = _document(question, database, sight, structure, key)
    return None if document.state == "excluded" and not document.findings else document
