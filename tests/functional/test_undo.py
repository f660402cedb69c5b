"""Rollback, history, purge and erasure on SQLite and PostgreSQL, through the command line where that is the contract."""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pytest

from customers.errors import UsageError
from customers.findings import FINDINGS_SCHEMA, RULE_RESULTS_SCHEMA
from customers.pseudonyms import customer_ids, customer_refs, person_ids
from flows.cli import main
from flows.erasures import are_erased
from flows.opening import check_secret
from flows.whose import is_secret_of
from sql import history
from sql.clock import as_text
from sql.engine import writing
from sql.ledger import RunStart
from sql.lock import hold
from sql.purge import purge
from sql.rollback import rollback
from sql.store import Store, open_store
from sql.tables import run_lock
from tests.functional.test_store import ANA, BIA, CAIO, NAMES, VERSION, periods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "an invented secret that only the tests use"
TAX_ID, OTHER = "12345678909", "98765432100"
KEY = "F1"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def store(any_database: str) -> Iterator[Store]:
    with open_store(any_database) as opened:
        yield opened


def moment(day: int) -> str:
    """Return the time when the run of a day is published: day 100 is today."""
    return as_text(NOW - timedelta(days=100 - day))


def begun(store: Store, day: int) -> int:
    start = RunStart(f"run-{day}", "nightly", "reference", "full", moment(day))
    return store.begin_run(start)


def document_rows(structure: str, contents: dict[str, str]) -> pa.Table:
    customers = list(contents)
    return pa.table(
        {
            "structure": [structure] * len(customers),
            "version": [VERSION] * len(customers),
            "customer_id": customers,
            "core_key": [f"core-{customer}" for customer in customers],
            "tax_id": pa.array([None] * len(customers), pa.string()),
            "content_hash": [f"hash-{content}" for content in contents.values()],
            "update_date_time": ["2026-11-01T00:00:00Z"] * len(customers),
            "document": [json.dumps({"content": content}) for content in contents.values()],
        }
    )


def write_day(store: Store, run_seq: int, structure: str, contents: dict[str, str]) -> None:
    """Write that these customers, and no others, have these contents in a structure."""
    now = {row["customer_id"]: row for row in store.served(structure, VERSION).to_pylist()}
    ended = [row for c, row in now.items() if row["content_hash"] != f"hash-{contents.get(c)}"]
    store.retire(run_seq, periods(ended))
    begins = {c: t for c, t in contents.items() if now.get(c, {}).get("content_hash") != f"hash-{t}"}
    before = store.stored_before(structure, VERSION, document_rows(structure, begins))
    store.serve_again(run_seq, before["document_id"])
    known = set(before["customer_id"].to_pylist())
    store.write_documents(
        run_seq, document_rows(structure, {c: t for c, t in begins.items() if c not in known})
    )


def write_states(store: Store, run_seq: int, states: dict[str, str], since: str) -> None:
    names = list(states)
    columns = {
        "person_id": names,
        "tax_id": pa.array([f"tax-{name}" for name in names], pa.string()),
        "kind": ["F"] * len(names),
        "availability": list(states.values()),
        "since": [since] * len(names),
    }
    store.write_customer_states(run_seq, pa.table(columns))


def write_mark(
    store: Store, run_seq: int, structure: str, customer: str, since: str | None, ref: str = "ref"
) -> None:
    row = {
        "structure": structure,
        "version": VERSION,
        "customer_id": customer,
        "since": since,
        "customer_ref": ref,
    }
    store.mark_stale(run_seq, pa.table({name: pa.array([value], pa.string()) for name, value in row.items()}))


def write_judgement(store: Store, run_seq: int, ref: str = "ref") -> None:
    finding = {
        "structure": NAMES[0],
        "customer_ref": ref,
        "occurrence": "$",
        "rule": "R",
        "severity": "reject",
    }
    rule = {"structure": NAMES[0], "xpath": "/data", "rule": "R", "severity": "reject"}
    numbers = {"applied": 1, "passed": 0, "failed": 1, "unknown": 0}
    nothing = {"shape": None, "source_file": None, "source_line": None}
    store.write_findings(run_seq, pa.Table.from_pylist([finding | nothing], FINDINGS_SCHEMA))
    store.write_rule_results(run_seq, pa.Table.from_pylist([rule | numbers], RULE_RESULTS_SCHEMA))


def publish(store: Store, run_seq: int, day: int) -> None:
    store.publish(run_seq, finished_at=moment(day), counts={})


def day_of(store: Store, day: int, contents: dict[str, str], structure: str = NAMES[0]) -> int:
    run_seq = begun(store, day)
    write_day(store, run_seq, structure, contents)
    publish(store, run_seq, day)
    return run_seq


def undo(store: Store, run_id: str, number: int = 1) -> Any:  # noqa: ANN401 - the rollback's own report
    with hold(store, f"undo-{number}"):
        return rollback(store, f"undo-{number}", run_id, "a test")


def served_state(store: Store) -> dict[str, list[dict[str, object]]]:
    """Return everything that readers see, but for which run shows it and since when."""
    shown = {
        name: store.query(
            "SELECT customer_id, core_key, tax_id, document, content_hash, update_date_time, version, stale_since"
            f" FROM {name} ORDER BY customer_id"
        )
        for name in NAMES
    }
    return shown | {"customers": store.query("SELECT * FROM customers ORDER BY person_id")}


def number(store: Store, table: str, where: str = "1 = 1") -> object:
    return store.query(f"SELECT COUNT(*) AS n FROM {table} WHERE {where}")[0]["n"]


# --- rollback


def test_a_rollback_restores_all_structures_marks_and_customers(store: Store) -> None:
    first = begun(store, 1)
    for name in NAMES:
        write_day(store, first, name, {ANA: "1", BIA: "1"})
    write_states(store, first, {"p1": "AVAILABLE", "p2": "AVAILABLE"}, moment(1))
    publish(store, first, 1)
    second = begun(store, 2)
    write_mark(store, second, NAMES[0], ANA, moment(2))
    publish(store, second, 2)
    before = served_state(store)
    third = begun(store, 3)
    for name in NAMES:
        write_day(store, third, name, {ANA: "2", CAIO: "1"})
    write_states(store, third, {"p2": "UNAVAILABLE", "p3": "AVAILABLE"}, moment(3))
    publish(store, third, 3)
    fourth = begun(store, 4)
    write_mark(store, fourth, NAMES[0], ANA, moment(4))
    write_day(store, fourth, NAMES[1], {CAIO: "2"})
    publish(store, fourth, 4)
    done = undo(store, "run-3")
    assert served_state(store) == before
    assert done.undone == ["run-3", "run-4"]
    assert done.structures[NAMES[0]] == {"restored": 2, "withdrawn": 2}
    states = {run["run_id"]: (run["state"], run["kind"]) for run in store.runs()}
    assert states["undo-1"] == ("published", "rollback")
    assert [states[f"run-{day}"][0] for day in range(1, 5)] == [
        "published",
        "published",
        "rolled_back",
        "rolled_back",
    ]
    counts = store.runs()[0]["counts"]
    assert isinstance(counts, dict)
    assert (counts["reason"], counts["rolled_back"]) == ("a test", ["run-3", "run-4"])


def test_a_mark_that_a_later_run_ended_or_set_is_as_it_was(store: Store) -> None:
    day_of(store, 1, {ANA: "1", BIA: "1"})
    second = begun(store, 2)
    write_judgement(store, second)
    write_mark(store, second, NAMES[0], ANA, moment(2))
    publish(store, second, 2)
    before, quarantine = served_state(store), store.query("SELECT * FROM quality_quarantine")
    third = begun(store, 3)
    write_mark(store, third, NAMES[0], ANA, None)
    write_mark(store, third, NAMES[0], BIA, moment(3))
    publish(store, third, 3)
    undo(store, "run-3")
    assert served_state(store) == before
    assert store.query("SELECT * FROM quality_quarantine") == quarantine
    assert [row["rule"] for row in quarantine] == ["R"]
    assert number(store, "retired") == 0  # no document moved


def test_a_rollback_is_undone_like_any_run(store: Store) -> None:
    day_of(store, 1, {ANA: "1", BIA: "1"})
    day_of(store, 2, {ANA: "2"})
    after = served_state(store)
    undo(store, "run-2")
    assert [row["customer_id"] for row in served_state(store)[NAMES[0]]] == [ANA, BIA]
    undo(store, "undo-1", 2)
    assert served_state(store) == after
    again = day_of(store, 99, {ANA: "2", CAIO: "1"})
    assert number(store, "documents", f"run_seq = {again}") == 1


def test_a_rollback_of_the_first_run_leaves_nothing_served(store: Store) -> None:
    first = begun(store, 1)
    write_day(store, first, NAMES[0], {ANA: "1"})
    write_states(store, first, {"p1": "AVAILABLE"}, moment(1))
    publish(store, first, 1)
    undo(store, "run-1")
    assert all(rows == [] for rows in served_state(store).values())
    second = begun(store, 2)
    write_states(store, second, {"p1": "AVAILABLE"}, moment(2))
    publish(store, second, 2)
    assert [row["person_id"] for row in served_state(store)["customers"]] == ["p1"]


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_runs_goes_back_to_any_point(store: Store, seed: int) -> None:
    draw = random.Random(seed)
    seen: list[tuple[str, dict[str, list[dict[str, object]]]]] = []
    for day in range(1, 13):
        before = served_state(store)
        if seen and draw.random() < 0.3:
            run_id, expected = draw.choice(seen)
            undo(store, run_id, day)
            assert served_state(store) == expected
            seen.append((f"undo-{day}", before))
            continue
        run_seq = begun(store, day)
        for name in NAMES[:2]:
            write_day(
                store, run_seq, name, {c: draw.choice("AB") for c in (ANA, BIA, CAIO) if draw.random() < 0.7}
            )
        served = [row["customer_id"] for row in store.served(NAMES[0], VERSION).to_pylist()]
        for customer in {str(customer) for customer in served if draw.random() < 0.3}:
            write_mark(store, run_seq, NAMES[0], customer, draw.choice([moment(day), None]))
        write_states(
            store, run_seq, {p: draw.choice(["AVAILABLE", "UNAVAILABLE"]) for p in "pq"}, moment(day)
        )
        publish(store, run_seq, day)
        seen.append((f"run-{day}", before))


def test_a_run_that_was_never_published_cannot_be_rolled_back(store: Store) -> None:
    begun(store, 1)
    for run_id in ("run-1", "no such run"):
        with pytest.raises(UsageError, match="ever published"):
            undo(store, run_id)
    assert [run["kind"] for run in store.runs()] == ["full"]


def test_a_held_run_is_not_shown_over_a_later_one(store: Store) -> None:
    held = begun(store, 1)
    store.finish_run(held, "held", moment(1), {})
    day_of(store, 2, {ANA: "1"})
    with pytest.raises(Exception, match="a later run was published since"):
        publish(store, held, 3)


# --- history


def test_history_tells_what_was_served_when(store: Store) -> None:
    for day, content in enumerate(["A", "B"], start=1):
        day_of(store, day, {ANA: content})
    undo(store, "run-2")
    found = history.periods(store, [ANA])
    assert history.periods(store, [f"core-{ANA}"], by_core_key=True) == found
    assert [(row["content_hash"], row["run_id"]) for row in found] == [
        ("hash-A", "run-1"),
        ("hash-B", "run-2"),
        ("hash-A", "undo-1"),
    ]
    assert [found[0]["valid_to"], found[-1]["valid_to"]] == [moment(2), None]
    (then,) = history.served_at(found, NOW - timedelta(days=98))
    assert then["content_hash"] == "hash-B"
    assert history.served_at(found, NOW - timedelta(days=200)) == []
    assert history.periods(store, [ANA], NAMES[1]) == history.periods(store, ["nobody"]) == []


# --- the command line


class Answer(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cadastra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Give a function that runs the command line on a database, in this process: a new one costs two seconds."""
    monkeypatch.setenv("CADASTRA_SECRET", SECRET)

    def call(database: str, *arguments: str, given: str = "") -> Answer:
        monkeypatch.setattr(sys, "argv", ["cadastra", *arguments, "--database", database])
        monkeypatch.setattr(sys, "stdin", StringIO(given))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Answer(int(end.value.code or 0), *capsys.readouterr())

    return call


def book(store: Store) -> None:
    """Fill a store with two persons who are in every table, one of them named in the other's document."""
    secret_ids = dict(zip((KEY, "F2"), customer_ids(pa.array([KEY, "F2"]), SECRET).to_pylist(), strict=True))
    refs = customer_refs(pa.array([KEY, "F2"]), SECRET).to_pylist()
    persons = person_ids(pa.array([f"F:{TAX_ID}", f"F:{OTHER}"]), SECRET).to_pylist()
    for day in (1, 2):
        run_seq = begun(store, day)
        for key, tax_id, named in ((KEY, TAX_ID, OTHER), ("F2", OTHER, TAX_ID)):
            row = {
                "structure": NAMES[0],
                "version": VERSION,
                "customer_id": secret_ids[key],
                "core_key": key,
                "tax_id": tax_id if day == 2 else None,
                "content_hash": f"hash-{day}",
                "update_date_time": moment(day),
                "document": json.dumps({"own": tax_id, "day": day, "partner": named}),
            }
            store.write_documents(
                run_seq, pa.table({name: pa.array([v], pa.string()) for name, v in row.items()})
            )
        if day == 2:
            now = store.served(NAMES[0], VERSION)
            store.retire(run_seq, now.select(["document_id", "opened_run_seq"]))
        states = {
            "person_id": persons,
            "tax_id": [TAX_ID, OTHER],
            "kind": ["F"] * 2,
            "availability": ["AVAILABLE"] * 2,
        }
        store.write_customer_states(run_seq, pa.table({**states, "since": [moment(day)] * 2}))
        for ref, customer in zip(refs, secret_ids.values(), strict=True):
            write_judgement(store, run_seq, ref)
            write_mark(store, run_seq, NAMES[1], customer, moment(day), ref)
        publish(store, run_seq, day)
    with writing(store.engine) as connection:
        for tax_id in (TAX_ID, OTHER):
            connection.exec_driver_sql(
                "INSERT INTO consents (consent_id, tax_id, kind, status, permissions, joint_approval, imported_at)"
                f" VALUES ('urn:{tax_id[:3]}', '{tax_id}', 'F', 'AUTHORISED', '', 'N', 'x')"
            )


def test_a_setting_says_when_a_holder_elsewhere_is_dead(
    sqlite_url: str, cadastra: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(sqlite_url) as store:
        with hold(store, "run-1"):
            kept = store.query("SELECT * FROM run_lock")[0]
        silent = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        with writing(store.engine) as connection:
            connection.execute(run_lock.insert().values(**{**kept, "host": "other", "heartbeat_at": silent}))
    assert cadastra(sqlite_url, "purge", "--older-than", "30").returncode == 6
    monkeypatch.setenv("CADASTRA_LOCK_STALE_SECONDS", "120")
    assert cadastra(sqlite_url, "purge", "--older-than", "30").returncode == 0


def test_the_verbs_roll_back_and_show_history(
    store: Store, any_database: str, cadastra: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    book(store)
    shown = cadastra(any_database, "history", KEY, "--json")
    assert [row["valid_to"] for row in json.loads(shown.stdout)] == [moment(2), None]
    for secret in ("another invented secret, which made nothing here", ""):
        monkeypatch.setenv("CADASTRA_SECRET", secret)
        assert cadastra(any_database, "history", KEY, "--json").stdout == shown.stdout
    monkeypatch.setenv("CADASTRA_SECRET", SECRET)
    masked = cadastra(any_database, "history", "123.456.789-09", "--structure", NAMES[0], "--json")
    assert json.loads(masked.stdout) == json.loads(shown.stdout)[1:]  # the first one had no tax id yet
    then = (NOW - timedelta(days=98, hours=12)).isoformat()
    told = cadastra(any_database, "history", KEY, "--at", then, "--document")
    assert json.loads(told.stdout) == {"own": TAX_ID, "day": 1, "partner": OTHER}
    assert (
        json.loads(cadastra(any_database, "history", KEY, "--document", "--json").stdout)[0]["document"][
            "day"
        ]
        == 2
    )
    people = cadastra(any_database, "history", KEY)
    assert (people.stdout, TAX_ID in people.stderr, "hash-2" in people.stderr) == ("", False, True)
    undone = cadastra(any_database, "rollback", "run-2", "--reason", "wrong day", "--json")
    assert undone.returncode == 0, undone.stderr
    assert json.loads(undone.stdout)["undone"] == ["run-2"]
    assert "run-1" in cadastra(any_database, "rollback", "run-1").stderr
    assert cadastra(any_database, "rollback", "nothing").returncode == 2
    for wrong in (("--at", "yesterday"), ("--structure", "x")):
        assert cadastra(any_database, "history", KEY, *wrong).returncode == 2
    nobody = cadastra(any_database, "history", "nobody")
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert nobody.stderr == "cadastra: nothing was ever served under this key\n"


def test_a_secret_is_held_against_the_ids_that_are_stored(store: Store) -> None:
    other = "another invented secret, which made nothing here"
    assert is_secret_of(store.query, SECRET) is None
    book(store)
    assert [is_secret_of(store.query, secret) for secret in (SECRET, other)] == [True, False]
    undo(store, "run-1")
    assert store.query("SELECT document_id FROM served") == []
    assert [is_secret_of(store.query, secret) for secret in (SECRET, other)] == [True, False]
    check_secret(store, SECRET)
    with pytest.raises(UsageError, match="is not the secret"):
        check_secret(store, other)


# --- purge


def test_a_purge_keeps_what_is_served_or_may_be_rolled_back(store: Store) -> None:
    for day, contents in enumerate([{ANA: "A", BIA: "A"}, {ANA: "B", BIA: "A"}, {ANA: "C"}], start=1):
        day_of(store, day, contents)
    day_of(store, 95, {ANA: "D"})
    day_of(store, 96, {ANA: "D", CAIO: "A"})
    before = served_state(store)
    expected = {"documents": 3, "retired": 3}  # A and B of Ana, A of Bia
    with hold(store, "purge"):
        tried = purge(store, 30, dry_run=True)
        assert number(store, "documents") == 6
        done = purge(store, 30)
        again = purge(store, 30)
    assert {name: done[name] for name in expected} == expected
    assert tried == done
    assert sum(again.values()) == 0
    assert served_state(store) == before
    kept = store.query("SELECT content_hash FROM documents ORDER BY content_hash")
    assert [row["content_hash"] for row in kept] == ["hash-A", "hash-C", "hash-D"]
    with pytest.raises(UsageError, match="has been purged"):
        undo(store, "run-3")
    undo(store, "run-95", 2)
    assert [row["content_hash"] for row in served_state(store)[NAMES[0]]] == ["hash-C"]


def test_a_purge_keeps_the_states_and_marks_that_count(store: Store) -> None:
    for day, state in ((1, "AVAILABLE"), (2, "UNAVAILABLE"), (99, "AVAILABLE")):
        run_seq = begun(store, day)
        write_day(store, run_seq, NAMES[0], {ANA: "A"})
        write_states(store, run_seq, {"p": state}, moment(day))
        write_mark(store, run_seq, NAMES[0], ANA, moment(day))
        write_judgement(store, run_seq)
        publish(store, run_seq, day)
    before = served_state(store)
    with hold(store, "purge"):
        done = purge(store, 30)
    assert (done["customer_states"], done["stale_marks"]) == (1, 1)
    assert served_state(store) == before
    assert {row["run_id"] for row in store.query("SELECT run_id FROM findings")} == {"run-99"}
    assert (done["findings"], done["rule_results"]) == (2, 2)
    undo(store, "run-99")
    assert [row["availability"] for row in served_state(store)["customers"]] == ["UNAVAILABLE"]


def test_a_purge_keeps_findings_of_the_quarantine_and_of_the_last_judgement(store: Store) -> None:
    day_of(store, 1, {ANA: "A"})
    for day in (2, 3, 4):
        run_seq = begun(store, day)
        write_judgement(store, run_seq)
        if day == 2:
            write_mark(store, run_seq, NAMES[0], ANA, moment(2))
        publish(store, run_seq, day)
    with hold(store, "purge"):
        done = purge(store, 30)
    assert done["findings"] == 1
    kept = store.query("SELECT DISTINCT run_id FROM findings ORDER BY run_id")
    assert [row["run_id"] for row in kept] == ["run-2", "run-4"]


def test_a_purge_takes_what_dead_runs_left_and_spares_held_ones(store: Store) -> None:
    day_of(store, 1, {ANA: "A"})
    day_of(store, 2, {ANA: "B"})
    held, dead = begun(store, 3), begun(store, 4)
    ids = store.stored_before(NAMES[0], VERSION, document_rows(NAMES[0], {ANA: "A"}))["document_id"]
    store.serve_again(held, ids)
    store.write_documents(held, document_rows(NAMES[0], {BIA: "A"}))
    store.finish_run(held, "held", moment(3), {})
    store.write_documents(dead, document_rows(NAMES[0], {CAIO: "A"}))
    write_mark(store, dead, NAMES[0], ANA, moment(4))
    with writing(store.engine) as connection:  # as a program of before that discarded less
        connection.exec_driver_sql("UPDATE runs SET state = 'failed' WHERE run_id = 'run-4'")
    with hold(store, "purge"):
        done = purge(store, 30)
    assert (done["documents"], done["stale_marks"]) == (1, 1)
    publish(store, held, 5)
    assert [row["customer_id"] for row in served_state(store)[NAMES[0]]] == [ANA, ANA, BIA]


def test_an_empty_partition_goes_with_its_documents(postgres_database: str) -> None:
    with open_store(postgres_database) as store:
        large = begun(store, 1)
        store.write_documents(large, document_rows(NAMES[0], {f"id-{i}": "1" for i in range(100_000)}))
        publish(store, large, 1)
        day_of(store, 2, {})
        with hold(store, "purge"):
            done = purge(store, 30)
        assert (done["documents"], done["partitions"]) == (100_000, 1)
        assert number(store, "pg_inherits", "inhparent = 'serving.documents'::regclass") == 1
        day_of(store, 3, {ANA: "1"})


def test_the_purge_verb_counts_before_it_deletes(
    store: Store, any_database: str, cadastra: Callable[..., Answer]
) -> None:
    book(store)
    tried = cadastra(any_database, "purge", "--older-than", "30", "--dry-run", "--json")
    assert json.loads(tried.stdout)["rows"]["documents"] == 2
    assert number(store, "documents") == 4
    assert cadastra(any_database, "purge", "--older-than", "30").returncode == 0
    assert number(store, "documents") == 2
    assert cadastra(any_database, "purge", "--older-than", "0").returncode == 2
    with hold(store, "run-x"):
        assert cadastra(any_database, "purge", "--older-than", "30").returncode == 6


# --- erasure


def everything(store: Store) -> str:
    """Return every row of every table as text."""
    names = [
        *("runs", "publications", "documents", "served_again", "retired", "stale_marks", "customer_states"),
        *("run_counts", "rule_results", "findings", "consents", "erasures", "purges", "fingerprints"),
        "forgotten",
    ]
    return "\n".join(str(store.query(f"SELECT * FROM {name}")) for name in names)


def test_an_erasure_leaves_a_tombstone_and_nothing_of_the_person(
    store: Store, any_database: str, cadastra: Callable[..., Answer]
) -> None:
    book(store)
    held = begun(store, 3)
    row = document_rows(NAMES[2], {"x": "held"}).to_pylist()[0] | {"core_key": KEY, "tax_id": TAX_ID}
    row["customer_id"] = customer_ids(pa.array([KEY]), SECRET)[0].as_py()
    store.write_documents(held, pa.table({name: pa.array([v], pa.string()) for name, v in row.items()}))
    store.finish_run(held, "held", moment(3), {})
    done = cadastra(any_database, "erase", "123.456.789-09", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rows"] == {
        "documents": 3,
        "served_again": 0,
        "retired": 1,
        "stale_marks": 2,
        "customer_states": 2,
        "findings": 2,
        "fingerprints": 0,
        "forgotten": 0,
        "consents": 1,
    }
    assert report["kept_mentions"] == 2
    assert TAX_ID not in done.stdout + done.stderr
    left = everything(store).replace(f'"partner": "{TAX_ID}"', "")
    for name in (
        TAX_ID,
        KEY,
        *(array(pa.array([KEY]), SECRET)[0].as_py() for array in (customer_ids, customer_refs)),
    ):
        assert f"'{name}'" not in left
        assert f'"{name}"' not in left
    assert [row["core_key"] for row in store.query("SELECT core_key FROM personal_identifications")] == ["F2"]
    assert number(store, "documents") == 2
    asked = pa.array([TAX_ID, OTHER, None])
    assert are_erased(asked, store.erased_persons(), SECRET).to_pylist() == [True, False, False]


def test_a_lifted_erasure_ends(store: Store, any_database: str, cadastra: Callable[..., Answer]) -> None:
    assert cadastra(any_database, "erase", "-", given=f"{TAX_ID}\n").returncode == 0
    assert len(store.erased_persons()) == 1
    assert cadastra(any_database, "erase", TAX_ID, "--lift").returncode == 0
    assert store.erased_persons() == []
    again = cadastra(any_database, "erase", TAX_ID, "--lift")
    assert (again.returncode, TAX_ID in again.stderr) == (2, False)
    assert cadastra(any_database, "erase", TAX_ID).returncode == 0
    assert len(store.erased_persons()) == 1


def test_what_was_erased_does_not_come_back_by_rollback(
    store: Store, any_database: str, cadastra: Callable[..., Answer]
) -> None:
    book(store)
    day_of(store, 3, {})
    assert cadastra(any_database, "erase", TAX_ID).returncode == 0
    undo(store, "run-3")
    assert [row["core_key"] for row in store.query("SELECT core_key FROM personal_identifications")] == ["F2"]


def test_the_file_of_a_sqlite_database_has_no_remains(
    sqlite_url: str, cadastra: Callable[..., Answer]
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    mark = "a sentence that only this document has"
    with open_store(sqlite_url) as store:
        dead = begun(store, 1)
        for content in (mark, mark[::-1]):  # more than one page holds
            rows = document_rows(NAMES[0], {KEY: content * 500})
            store.write_documents(dead, rows.set_column(4, "tax_id", pa.array([TAX_ID])))
        store.finish_run(dead, "failed", moment(1), {})
        run_seq = begun(store, 2)
        store.write_documents(run_seq, rows.set_column(4, "tax_id", pa.array([TAX_ID])))
        publish(store, run_seq, 2)
    wrong = cadastra(sqlite_url, "erase", TAX_ID)
    assert (wrong.returncode, "not the secret" in wrong.stderr) == (2, True)
    with open_store(sqlite_url) as store:
        day_of(store, 3, {})
    ids = customer_ids(pa.array([f"core-{KEY}"]), SECRET)[0].as_py()
    with open_store(sqlite_url) as store, writing(store.engine) as connection:
        connection.exec_driver_sql(f"UPDATE documents SET customer_id = '{ids}'")
    done = cadastra(sqlite_url, "erase", TAX_ID, "--json")
    assert json.loads(done.stdout)["rewritten"] is True
    remains = b"".join(file.read_bytes() for file in path.parent.glob("cadastra.db*"))
    for content in (mark, mark[::-1], TAX_ID, f"core-{KEY}"):
        assert content.encode() not in remains


@pytest.mark.parametrize("given", ["1234567890", "123456789012", "ABCDEFGHIJK", "", "12.345.678/0001-9X"])
def test_what_is_no_tax_id_is_refused_without_repeating_it(
    sqlite_url: str, given: str, cadastra: Callable[..., Answer]
) -> None:
    refused = cadastra(sqlite_url, "erase", given or " ")
    assert refused.returncode == 2
    assert "neither a CPF (11 digits) nor a CNPJ" in refused.stderr
    assert not given or given not in refused.stderr
