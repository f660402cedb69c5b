"""What a run tells the bank's own tools: JSON logs and metrics, complete and without a customer's value."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from customers.errors import ExportRefused, UsageError
from flows.jobs import make_job
from flows.logs import log_to
from flows.metrics import LAST_SUCCESS, MetricsFile
from flows.nightly import run_job
from flows.observing import Ended
from tests.exports import cpf, natural_person, write_export
from tests.functional.test_run import cadastra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VALUES = ("Ana", "Lima", "F1", "F2", cpf(123456789), cpf(11))
Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Leave the logger as it was."""
    yield
    logger = logging.getLogger("cadastra")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Write one good customer and one whose name is missing."""
    nameless = natural_person("F2", cpf(11), pessoas_fisicas={"nome_civil": ""})
    return write_export(tmp_path / "export", natural_person("F1"), nameless)


def samples(path: Path) -> Samples:
    """Read an exposition as a collector of OpenMetrics does."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call]
    found = [sample for family in families for sample in family.samples]
    assert len({(each.name, tuple(each.labels.items())) for each in found}) == len(found)
    return {(each.name, tuple(each.labels.values())): each.value for each in found}  # labels by name


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_metrics_tell_what_became_of_everything(export: Path, sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "cadastra.prom"
    path.write_text("not ours")
    report = run_job(make_job(export, database=sqlite_url, docs=False, metrics=path))
    found = samples(path)
    identifications = "personal_identifications"
    assert found["cadastra_registers_read", (identifications,)] == 2
    assert found["cadastra_documents", ("published_new", identifications)] == 1
    assert found["cadastra_documents", ("rejected_unserved", identifications)] == 1
    failed = [rule for rule in report.rules if rule["structure"] == identifications]
    told = sum(
        value
        for (name, labels), value in found.items()
        if name == "cadastra_rule_failures" and labels[2] == identifications
    )
    assert told == sum(rule["failed"] for rule in failed) > 0
    stages = {labels[0] for name, labels in found if name == "cadastra_stage_seconds"}
    assert {"extract", "map", "check", "nest", "publish"} <= stages
    assert found["cadastra_freshness_seconds", ("1", identifications)] > 0
    assert abs(found[LAST_SUCCESS, ()] - time.time()) < 60
    assert found["cadastra_run", ("reference", "nightly", report.run_id, "published")] == 1
    text = path.read_text(encoding="utf-8")
    assert not any(value in text for value in VALUES)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".cadastra")] == []


def test_the_last_success_outlives_a_failure(export: Path, sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "cadastra.prom"
    run_job(make_job(export, database=sqlite_url, docs=False, metrics=path))
    succeeded = samples(path)[LAST_SUCCESS, ()]
    (export / "clientes.csv").unlink()
    with pytest.raises(ExportRefused):
        run_job(make_job(export, database=sqlite_url, docs=False, metrics=path))
    found = samples(path)
    assert found[LAST_SUCCESS, ()] == succeeded
    assert found["cadastra_last_run_timestamp_seconds", ()] >= succeeded
    assert [labels[3] for name, labels in found if name == "cadastra_run"] == ["failed"]


def test_metrics_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    MetricsFile(tmp_path / "absent" / "file", said.append).ended(Ended("run", "nightly", "reference"))
    assert len(said) == 1
    assert said[0].endswith("No such file or directory")


def test_logs_follow_a_run_by_its_id(export: Path, sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    report = run_job(make_job(export, database=sqlite_url, docs=False, log_json=str(path)))
    told = lines(path)
    assert [line["event"] for line in told] == ["run began", "export read", "bucket done", "run ended"]
    assert {line["run_id"] for line in told} == {report.run_id}
    assert (told[1]["buckets"], told[1]["rows"]["clientes"]) == (1, 2)
    assert (told[2]["bucket"], told[2]["of"], told[2]["registers"]) == (1, 1, 2)
    counts = told[3]["structures"]["personal_identifications"]
    assert (counts["read"], counts["published_new"], counts["rejected_unserved"]) == (2, 1, 1)
    text = path.read_text(encoding="utf-8")
    assert not any(value in text for value in VALUES)


def test_logs_on_standard_error_are_all_that_is_said(export: Path, sqlite_url: str) -> None:
    options = ("--export", str(export), "--database", sqlite_url, "--no-docs")
    done = cadastra("run", *options, "--log-json", "-")
    assert done.returncode == 0
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()][-1] == "run ended"
    (export / "clientes.csv").unlink()
    failed = cadastra("run", *options, CADASTRA_LOG_JSON="-")
    began, last, error = failed.stderr.splitlines()
    assert json.loads(began)["event"] == "run began"
    assert json.loads(last)["problem"].startswith("export refused: clientes.csv")
    assert error.startswith("cadastra: export refused: clientes.csv")


def test_a_log_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        log_to(str(tmp_path / "absent" / "file"))
