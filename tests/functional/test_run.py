"""The main job as an operator calls it: one export in, documents out, every register accounted for."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import stat
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import jsonschema
import pyarrow as pa
import pytest
import yaml

from customers.errors import UsageError
from customers.pseudonyms import customer_refs
from customers.structures import STRUCTURES
from flows.nightly import run_job
from flows.pipeline import Job
from mappings.core import load_core
from mappings.cores.reference.sample import write_sample
from sql.store import open_store
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from flows.pipeline import Report
    from tests.prefect_server import PrefectServer

SECRET = "an invented secret that only the tests use"
DATE = date(2026, 11, 20)


def job(export: Path, database: str) -> Job:
    return Job(load_core("reference"), export, database, SECRET)


def cadastra(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "sample"
    write_sample(folder, customers=3_000, seed=11, bad=0.2, date=DATE)
    return folder


@pytest.fixture(scope="module")
def published(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Report]:
    database = f"sqlite:///{tmp_path_factory.mktemp('served') / 'cadastra.db'}"
    return database, run_job(job(sample, database))


@pytest.fixture(scope="module")
def sandbox() -> Path:
    folder = ROOT.parent / "shared" / "exports" / "sandbox"
    if not folder.is_dir():
        pytest.skip("the sandbox export is not beside this repository: ../shared/exports/sandbox")
    return folder


def query(database: str, sql: str) -> list[dict[str, Any]]:
    with open_store(database) as store:
        return store.query(sql)


def served(database: str) -> dict[str, dict[str, str]]:
    return {
        structure.name: {
            row["core_key"]: row["document"]
            for row in query(database, f"SELECT core_key, document FROM {structure.name}")
        }
        for structure in STRUCTURES
    }


def assert_accounted(report: Report) -> None:
    for tally in report.tallies.values():
        told = tally.published_new + tally.published_changed + tally.unchanged
        assert tally.read == told + tally.rejected_stale + tally.rejected_unserved + sum(
            tally.excluded.values()
        )


def test_truth_and_findings_agree_exactly(sample: Path, published: tuple[str, Report]) -> None:
    with (sample / "_verdade.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file, delimiter=";"))
    refs = customer_refs(pa.array([row["cod_cliente"] for row in told]), SECRET).to_pylist()
    truth = {(ref, row["structure"], row["rule"]) for ref, row in zip(refs, told, strict=True)}
    rows = query(
        published[0],
        "SELECT customer_ref, structure, rule FROM findings WHERE severity IN ('reject', 'halt')",
    )
    found = {(row["customer_ref"], row["structure"], row["rule"]) for row in rows}
    assert len(truth) > 500
    assert found == truth


def test_refused_are_exactly_the_documents_that_the_truth_names(
    sample: Path, published: tuple[str, Report]
) -> None:
    with (sample / "_verdade.csv").open(encoding="utf-8", newline="") as file:
        refused = {(row["cod_cliente"], row["structure"]) for row in csv.DictReader(file, delimiter=";")}
    assert published[1].rejected == len(refused)
    kept = served(published[0])
    assert not [pair for pair in refused if pair[0] in kept[pair[1]]]


def test_every_register_is_accounted_for(published: tuple[str, Report]) -> None:
    assert_accounted(published[1])
    counts = query(published[0], "SELECT * FROM run_counts")
    assert len(counts) == len(STRUCTURES)
    for row in counts:
        told = row["published_new"] + row["published_changed"] + row["unchanged"]
        assert row["read"] == told + row["rejected_stale"] + row["rejected_unserved"] + row["excluded"]


def test_rule_results_add_up(published: tuple[str, Report]) -> None:
    wrong = query(published[0], "SELECT * FROM rule_results WHERE applied <> passed + failed + unknown")
    assert wrong == []
    assert query(published[0], "SELECT COUNT(*) AS n FROM rule_results")[0]["n"] > 1_000


def test_every_served_document_validates_against_the_openapi_document(
    published: tuple[str, Report], shared_spec: Path
) -> None:
    text = (shared_spec / "openapi" / "customers-2.2.1.yml").read_text(encoding="utf-8-sig")
    openapi = yaml.safe_load(text)
    for structure, documents in served(published[0]).items():
        person, subject = structure.split("_", 1)
        path = f"/{person}/{subject.replace('_', '-')}"
        response = openapi["paths"][path]["get"]["responses"]["200"]["$ref"].rsplit("/", 1)[1]
        schema = openapi["components"]["responses"][response]["content"]["application/json"]["schema"]
        name = schema["$ref"].rsplit("/", 1)[1]
        data = openapi["components"]["schemas"][name]["properties"]["data"]
        whole = {**data, "components": openapi["components"]}
        validator = jsonschema.Draft4Validator(whole)
        wrap = subject == "identifications"
        for document in documents.values():
            data_element = json.loads(document)
            validator.validate([data_element] if wrap else data_element)


def test_the_same_export_again_changes_nothing(
    sample: Path, published: tuple[str, Report], tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'again.db'}"
    run_job(job(sample, database))
    before = served(database)
    report = run_job(job(sample, database))
    assert_accounted(report)
    assert all(tally.published_new + tally.published_changed == 0 for tally in report.tallies.values())
    assert served(database) == before == served(published[0])
    assert [run["state"] for run in query(database, "SELECT state FROM runs")] == ["published", "published"]
    assert query(database, "SELECT COUNT(*) AS n FROM documents") == query(
        published[0], "SELECT COUNT(*) AS n FROM documents"
    )


def test_the_sandbox_is_the_same_on_both_databases(sandbox: Path, any_database: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    report = run_job(job(sandbox, any_database))
    run_job(job(sandbox, other))
    assert_accounted(report)
    assert served(any_database) == served(other)
    columns = "structure, customer_ref, occurrence, rule, severity, shape, source_file, source_line"
    findings = f"SELECT {columns} FROM findings"

    def as_set(database: str) -> set[tuple[Any, ...]]:
        return {tuple(row.values()) for row in query(database, findings)}

    assert as_set(any_database) == as_set(other)


def test_a_plain_connection_reads_the_contract_relations(published: tuple[str, Report]) -> None:
    path = published[0].removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    for structure in STRUCTURES:
        names = [
            column[0] for column in connection.execute(f"SELECT * FROM {structure.name} LIMIT 1").description
        ]
        wanted = ["customer_id", "core_key", "tax_id", "document", "content_hash", "update_date_time"]
        assert names == [*wanted, "version", "run_id", "published_at", "stale_since"]
    for relation in ("customers", "runs", "run_counts", "rule_results", "findings", "documents", "history"):
        assert connection.execute(f"SELECT COUNT(*) FROM {relation}").fetchone()[0] > 0
    states = connection.execute("SELECT availability, COUNT(*) FROM customers GROUP BY 1").fetchall()
    assert {state for state, _ in states} == {"AVAILABLE", "TEMPORARILY_UNAVAILABLE", "UNAVAILABLE"}
    connection.close()


def test_the_command_line_publishes_and_says_so(tmp_path: Path) -> None:
    export, database = tmp_path / "export", f"sqlite:///{tmp_path / 'cli.db'}"
    made = cadastra("sample", "--customers", "60", "--seed", "3", "--bad", "0.1", "--out", str(export))
    assert made.returncode == 0, made.stderr
    run = cadastra(
        "run",
        "--core",
        "reference",
        "--export",
        str(export),
        "--database",
        database,
        "--json",
        CADASTRA_SECRET="",
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["state"] == "published"
    assert set(told["structures"]) == {structure.name for structure in STRUCTURES}
    assert "made one and kept it" in run.stderr
    assert stat.S_IMODE((tmp_path / "cli.db.secret").stat().st_mode) == 0o600
    strict = cadastra(
        "run", "--export", str(export), "--database", database, "--strict", "--quiet", CADASTRA_SECRET=""
    )
    assert strict.returncode == 5
    listed = cadastra("runs", "--database", database, "--json")
    assert [run["state"] for run in json.loads(listed.stdout)] == ["published", "published"]
    (export / "emails.csv").unlink()
    refused = cadastra("run", "--export", str(export), "--database", database, CADASTRA_SECRET="")
    assert refused.returncode == 4
    assert "emails" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(json.loads(cadastra("runs", "--database", database, "--json").stdout)) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--export", "nowhere"], 2, "nowhere"),
        (["run", "--export", "tests", "--core", "nobody"], 2, "nobody"),
        (["run", "--export", "tests", "--version", "9.9"], 2, "9.9"),
        (["run", "--export", "tests"], 4, "_controle.json"),
        (["run", "--export", "tests", "--database", "postgresql://127.0.0.1:1/none"], 4, "_controle.json"),
    ],
)
def test_usage_errors_are_one_line(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    environment = {"CADASTRA_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}"}
    found = cadastra(*arguments, **environment)
    assert found.returncode == code
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    assert found.stdout == ""


def test_a_server_database_needs_a_secret() -> None:
    found = cadastra(
        "run", "--export", "tests", "--database", "postgresql://127.0.0.1:1/none", CADASTRA_SECRET=""
    )
    assert found.returncode == 2
    assert "CADASTRA_SECRET" in found.stderr


def test_importing_the_command_line_is_light() -> None:
    heavy = "{'pandas', 'pyarrow', 'numpy', 'prefect', 'great_expectations', 'sqlalchemy', 'pydantic'}"
    program = f"import sys, flows.cli; sys.exit(len({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    assert found.returncode == 0


def test_the_run_as_a_prefect_flow_serves_the_same(
    sandbox: Path, tmp_path: Path, prefect_server: PrefectServer
) -> None:
    as_flow, plain = f"sqlite:///{tmp_path / 'flow.db'}", f"sqlite:///{tmp_path / 'plain.db'}"
    done = cadastra(
        "run", "--export", str(sandbox), "--database", as_flow, "--json", **prefect_server.environment
    )
    assert done.returncode == 0, done.stderr
    assert "great_expectations" not in done.stderr
    run_job(job(sandbox, plain))
    assert served(as_flow) == served(plain)
    made = prefect_server.ask("/artifacts/filter", {"artifacts": {"key": {"any_": ["run"]}}})
    assert json.loads(done.stdout)["run_id"] in "".join(artifact["data"] for artifact in made)


def test_another_secret_is_refused_before_anybody_gets_a_new_id(
    sample: Path, published: tuple[str, Report]
) -> None:
    other = Job(
        load_core("reference"), sample, published[0], "another invented secret, long enough for anything"
    )
    with pytest.raises(UsageError, match="CADASTRA_SECRET"):
        run_job(other)
    assert len(query(published[0], "SELECT run_id FROM runs")) == 1


def test_refusals_before_the_rules_are_counted_like_rules(published: tuple[str, Report]) -> None:
    told = query(published[0], "SELECT SUM(failed) AS n FROM rule_results WHERE rule = 'X-DUPLICATE-KEY'")
    found = "SELECT COUNT(*) AS n FROM findings WHERE rule = 'X-DUPLICATE-KEY'"
    assert told == query(published[0], found)
    assert told[0]["n"] > 0
