"""Every verb of the command line is in the readme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.main import get_command

from flows.cli import app
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def verbs(command: Any, above: str = "cadastra") -> Iterator[str]:  # noqa: ANN401 (typer's own command)
    for name, sub in getattr(command, "commands", {}).items():
        if hasattr(sub, "commands"):
            yield from verbs(sub, f"{above} {name}")
        else:
            yield f"{above} {name}"


@pytest.mark.parametrize("verb", sorted(verbs(get_command(app))))
def test_every_verb_is_documented(verb: str) -> None:
    assert verb in (ROOT / "README.md").read_text(encoding="utf-8")
