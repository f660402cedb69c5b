"""The project's own files keep their promises."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
TEST_COMMAND = "python3 dev.py test"


def locked_names() -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))


def test_the_lock_has_nothing_but_pins_and_hashes() -> None:
    """A host, an index or a path would tie every user of the lock to the machine that made it."""
    pin = re.compile(r"[a-z0-9._-]+==[A-Za-z0-9.+!]+( ; [^:/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_the_lock_has_every_dependency() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["dask"], *extras["dev"]]
    wanted += PROJECT["build-system"]["requires"]  # installed without build isolation
    names = {re.split(r"[\[<>=!; ]", requirement)[0] for requirement in wanted}
    assert names - locked_names() == set()


def test_dev_needs_only_the_standard_library() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == set()


@pytest.mark.parametrize("file", ["README.md", ".ci/run"])
def test_one_test_command(file: str) -> None:
    """CI runs what the README tells a person to run."""
    assert TEST_COMMAND in (ROOT / file).read_text()


def test_every_package_is_there_and_is_checked() -> None:
    missing = [package for package in PACKAGES if not (ROOT / package / "__init__.py").is_file()]
    assert missing == []
    assert [package for package in PACKAGES if not (ROOT / package / "py.typed").is_file()] == []
    tool = PROJECT["tool"]
    assert set(tool["importlinter"]["root_packages"]) == set(PACKAGES)
    assert set(tool["coverage"]["run"]["source"]) == set(PACKAGES)
    assert set(PACKAGES) <= set(tool["mypy"]["files"])
