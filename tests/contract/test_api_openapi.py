"""The running API against the official OpenAPI document, and against our own copy of its facts."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from customers.structures import STRUCTURES
from flows.cli import app
from tests.api_facts import document
from tests.api_server import (
    INTERACTION_ID,
    Served,
    consent,
    headers,
    paths,
    people,
    serving,
    take_over_lines,
    write_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "client_of_the_official_document"
OFFICIAL = "openapi/customers-2.2.1.yml"
# Schemathesis gives "0" for a valid date, where pattern and length speak of the same text: it gets a good one.
AUTH_DATE = "Sun, 10 Sep 2017 19:43:31 GMT"
# Nothing in the document forbids a parameter that it does not name; 422 answers a page past the last.
CONFIGURATION = """
[generation]
allow-extra-parameters = false
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 422]
"""
EXAMPLES = 15


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a published sample in which one consent of each kind is named F and J."""
    folder = tmp_path_factory.mktemp("published")
    database = f"sqlite:///{folder / 'cadastra.db'}"
    sample = str(folder / "sample")
    app(["sample", "--customers", "150", "--seed", "3", "--out", sample], standalone_mode=False)
    app(["run", "--export", sample, "--database", database, "--quiet"], standalone_mode=False)
    found = {str(row["kind"]): str(row["tax_id"]) for row in people(database)}
    assert set(found) == {"F", "J"}
    lines = [consent(kind, tax_id, kind) for kind, tax_id in found.items()]
    take_over_lines(database, write_lines(folder / "consents.jsonl", lines))
    with serving(database, folder / "api.log", rate_per_second=0) as served:
        yield served


@pytest.fixture(params=["official", "own"])
def description(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the official document, or one made from our own facts."""
    if request.param == "official":
        shared: Path = request.getfixturevalue("shared_spec")
        if not (shared / OFFICIAL).is_file():
            pytest.skip("the official OpenAPI document is not beside this repository")
        return shared / OFFICIAL
    own = tmp_path / "own.json"
    own.write_text(json.dumps(document()))
    return own


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["F", "J"])
def test_schemathesis_finds_nothing(published: Served, description: Path, kind: str, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    side = paths(kind)[0].split("/")[1]
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration), "run"),
        *(str(description), "--url", published.resources, "--include-path-regex", f"^/{side}/"),
        *("--header", f"Authorization: Bearer {kind}", "--header", f"x-fapi-auth-date: {AUTH_DATE}"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "Tested: 3" in done.stdout


def test_a_generated_client_reads_all_six_resources(
    published: Served, shared_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(shared_spec / OFFICIAL, tmp_path / PACKAGE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with importlib.import_module(f"{PACKAGE}.client").Client(base_url=published.resources) as client:
        for structure in STRUCTURES:
            module = importlib.import_module(f"{PACKAGE}.api.customers.customers_get_{structure.name}")
            answer = module.sync_detailed(
                client=client, authorization=f"Bearer {structure.kind}", x_fapi_interaction_id=INTERACTION_ID
            )
            assert answer.status_code == 200
            assert not list(unknown_properties(answer.parsed))
            assert as_served(answer.parsed.to_dict()) == as_served(json.loads(answer.content))


def generate(description: Path, target: Path) -> None:
    """Generate a client of the official document."""
    configuration = target.with_suffix(".yml")
    configuration.write_text("post_hooks: []\n")
    command = [
        *(
            str(Path(sys.executable).with_name("openapi-python-client")),
            "generate",
            "--path",
            str(description),
        ),
        *("--meta", "none", "--output-path", str(target), "--config", str(configuration)),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def unknown_properties(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the generated models hold
    """Yield the properties that the official document does not know."""
    if isinstance(value, list):
        for element in value:
            yield from unknown_properties(element)
    elif hasattr(value, "additional_properties"):
        yield from value.additional_properties
        for name in type(value).__annotations__:
            yield from unknown_properties(getattr(value, name))


def as_served(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Spell moments as the API does: the client writes the offset of UTC as +00:00."""
    if isinstance(value, dict):
        return {name: as_served(element) for name, element in value.items()}
    if isinstance(value, list):
        return [as_served(element) for element in value]
    return value.replace("+00:00", "Z") if isinstance(value, str) else value


def test_every_answer_is_in_the_official_document(published: Served, shared_spec: Path) -> None:
    """Schemathesis drew what it drew; these answers are sure to be among what is described."""
    text = (shared_spec / OFFICIAL).read_text(encoding="utf-8-sig")
    path = paths("F")[0]
    asked = {
        200: httpx.get(published.resources + path, headers=headers("F")),
        400: httpx.get(published.resources + path, headers={"Authorization": "Bearer F"}),
        401: httpx.get(published.resources + path, headers=headers("nobody")),
        403: httpx.get(published.resources + path, headers=headers("J")),
        404: httpx.get(f"{published.resources}/personal/nothing", headers=headers("F")),
        405: httpx.post(published.resources + path, headers=headers("F")),
        406: httpx.get(published.resources + path, headers=headers("F", Accept="application/xml")),
        422: httpx.get(f"{published.resources}{path}?page=9", headers=headers("F")),
    }
    for status, answer in asked.items():
        assert answer.status_code == status
        assert f"'{status}':" in text
        assert answer.headers["x-fapi-interaction-id"]
