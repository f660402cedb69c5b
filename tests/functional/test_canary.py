"""No personal value leaves ``documents``: 500 invented people with a mark are sent through every way a run can go."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tests.exports import cpf, natural_person, rows, write_control, write_export

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exports import Register
    from tests.prefect_server import PrefectServer

PEOPLE = 500
MARK, KEY_MARK = "Kanarius", "Kundennummer"
# The name, the CPF with and without its mask, the telephone; and the name as base64 writes it, wherever it begins.
_ENCODED = [
    base64.b64encode(b" " * place + MARK.encode())[(0, 2, 3)[place] : -3].decode() for place in range(3)
]
CANARY = re.compile(
    rf"(?i:{MARK}|{KEY_MARK})|777\.?770\.?[0-9]{{3}}-?[0-9]{{2}}|7777700[0-9]{{6}}|".encode()
    + "|".join(map(re.escape, _ENCODED)).encode()
)
# These hold documents and tax ids, and are meant to.
PERSONAL = {"documents", "customer_states"}
# These name registers by their core keys, and hold nothing else of them: they are for the next run, and nobody reads them.
BY_KEY = {"fingerprints", "forgotten"}
SECRET = "an invented secret that only the tests use"
# SQLAlchemy is silent below WARNING unless it is asked by name.
DEBUG = """
import logging
logging.basicConfig(level=logging.DEBUG)
for name in ("sqlalchemy", "alembic", "great_expectations", "prefect"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from flows.cli import main
main()
"""
BROKEN = "CREATE TRIGGER broken BEFORE INSERT ON {} WHEN NEW.{} BEGIN SELECT RAISE(ABORT, 'broken'); END"


def person(number: int) -> Register:
    """Invent a marked person; two in five carry a defect that holds the mark itself."""
    name = f"{MARK} Silva {number}"
    spoilt: dict[int, dict[str, dict[str, str]]] = {
        0: {"pessoas_fisicas": {"nome_civil": f"{name} {'x' * 90}"}},
        1: {"pessoas_fisicas": {"nome_civil": name, "sexo": f"{MARK}{number}"}},
        2: {"pessoas_fisicas": {"nome_civil": name, "dt_nascimento": f"{MARK} 1990"}},
        3: {"emails": {"email": f"{MARK}{number}@@example"}},
        4: {"telefones": {"numero": f"7777700{number:06} {MARK}"}},
        5: {"clientes": {"cpf_cnpj": f"777.770.{number:03}-00 {MARK}"}},
        6: {"clientes": {"situacao": f"{MARK}"}},
        7: {"qualificacoes_pf": {"valor_renda": f"{MARK},00", "moeda_renda": "BRL", "freq_renda": "M"}},
    }
    tables: dict[str, Any] = {
        "pessoas_fisicas": {"nome_civil": name},
        "emails": {"email": f"{MARK}{number}@example.com"},
        "telefones": {"numero": f"7777700{number:06}"},
        **(spoilt[number // 5 % len(spoilt)] if number % 5 < 2 else {}),
    }
    if number % 50 == 0:
        tables["pessoas_fisicas"] = [{"nome_civil": name}, {"nome_civil": f"{name} again"}]
    return natural_person(f"{KEY_MARK}{number:04}", cpf(777770000 + number), **tables)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    orphan = rows("emails", {"cod_cliente": f"{KEY_MARK}-nobody", "email": f"{MARK}@example.org"})
    folder = tmp_path_factory.mktemp("people") / "export"
    return write_export(folder, *(person(number) for number in range(PEOPLE)), orphan)


class Place:
    """A folder in which the command line runs, with everything that it can leave behind inside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "cadastra.db"
        self.folders = [folder]
        self.outputs: list[bytes] = []
        (folder / "tmp").mkdir(parents=True)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder / "tmp"),
            "HOME": str(folder),
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "CADASTRA_SECRET": SECRET,
            "CADASTRA_DATABASE_URL": f"sqlite:///{self.database}",
        }

    def start(self, *arguments: str, debug: bool = False) -> subprocess.Popen[bytes]:
        """Start a verb; with ``debug`` every logger tells everything."""
        program = ["-c", DEBUG] if debug else ["-m", "flows.cli"]
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def call(self, *arguments: str, debug: bool = False) -> int:
        """Run a verb to its end and return its exit code."""
        with self.start(*arguments, debug=debug) as process:
            self.outputs += process.communicate()
        return process.returncode

    def leaks(self) -> Iterator[str]:
        """Name every place where the mark stands and should not."""
        for output in self.outputs:
            yield from (f"output: {hit[0]!r}" for hit in CANARY.finditer(output))
        for path in chain.from_iterable(folder.rglob("*") for folder in self.folders):
            if path.is_file() and not path.name.startswith(self.database.name):
                yield from (f"{path.name}: {hit[0]!r}" for hit in CANARY.finditer(path.read_bytes()))
        for table, text in self.texts():
            if table not in PERSONAL:
                allowed = KEY_MARK.encode() if table in BY_KEY else None
                yield from (
                    f"table {table}: {hit[0]!r}" for hit in CANARY.finditer(text) if hit[0] != allowed
                )

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Yield the content of every table of the database."""
        if not self.database.exists():
            return
        with closing(sqlite3.connect(self.database)) as connection:
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                content = connection.execute(f"SELECT * FROM {table}").fetchall()
                yield table, repr(content).encode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place")


def nothing_leaked(place: Place) -> bool:
    leaks = sorted(set(place.leaks()))
    assert leaks == []
    return True


@pytest.mark.slow
def test_a_good_run_keeps_personal_values_to_the_documents(people: Path, place: Place) -> None:
    assert place.call("run", "--export", str(people)) == 0
    assert place.call("run", "--export", str(people), "--json") == 0
    assert place.call("findings") == 0
    assert place.call("findings", "--rule", "S-enum:/data/sex", "--json") == 0
    assert place.call("runs", "--json") == 0
    assert place.call("explain", f"{KEY_MARK}0003") == 0
    assert place.call("explain", f"{KEY_MARK}0006", "--json") == 0
    assert place.call("explain", f"{KEY_MARK}9999") == 2
    assert nothing_leaked(place)
    found = {table for table, text in place.texts() if CANARY.search(text)}
    assert found - BY_KEY == PERSONAL  # so the search does find what is there
    assert list(place.folder.rglob("personal_identifications.html"))
    with closing(sqlite3.connect(place.database)) as connection:
        ((findings,),) = connection.execute(
            "SELECT COUNT(*) FROM findings WHERE severity = 'reject'"
        ).fetchall()
    assert findings > PEOPLE / 5


@pytest.mark.slow
def test_debug_logging_tells_no_personal_value(people: Path, place: Place) -> None:
    assert place.call("run", "--export", str(people), debug=True) == 0
    assert place.call("run", "--export", str(people), debug=True) == 0  # the second one reads what is served
    assert place.call("explain", f"{KEY_MARK}0003", debug=True) == 0
    assert place.call("findings", debug=True) == 0
    assert b"DEBUG" in place.outputs[1]
    assert nothing_leaked(place)


@pytest.mark.slow
def test_a_failing_run_tells_no_personal_value(people: Path, place: Place) -> None:
    assert place.call("db", "upgrade") == 0
    with closing(sqlite3.connect(place.database)) as connection, connection:
        connection.execute(BROKEN.format("documents", "document_id > 100"))
    assert place.call("run", "--export", str(people), debug=True) == 1
    with closing(sqlite3.connect(place.database)) as connection, connection:
        connection.execute("DROP TRIGGER broken")
        connection.execute(BROKEN.format("findings", "shape IS NOT NULL"))
    assert place.call("run", "--export", str(people), debug=True) == 1
    assert nothing_leaked(place)


def _spoilt(people: Path, folder: Path, table: str, more: bytes) -> Path:
    shutil.copytree(people, folder)
    path = folder / f"{table}.csv"
    path.write_bytes(path.read_bytes() + more)
    counts = {file.stem: file.read_bytes().count(b"\n") - 1 for file in folder.glob("*.csv")}
    write_control(folder, counts, "full", "2026-11-20", None)
    return folder


@pytest.mark.parametrize(
    "more",
    [
        f"{MARK};{MARK};7777700000000\r\n".encode(),
        f'{MARK};S;"{MARK}@example.com;19/11/2026 10:00:00\r\n'.encode(),
        f"{MARK};S;{MARK}@example.com \x81\x8d;19/11/2026 10:00:00\r\n".encode("latin-1"),
    ],
    ids=["fields", "quote", "encoding"],
)
def test_a_refused_export_tells_no_personal_value(
    people: Path, place: Place, tmp_path: Path, more: bytes
) -> None:
    export = _spoilt(people, tmp_path / "spoilt", "emails", more)
    assert place.call("run", "--export", str(export), debug=True) != 0
    assert nothing_leaked(place)


@pytest.mark.slow
def test_a_killed_run_leaves_no_personal_value_behind_the_next_one(people: Path, place: Place) -> None:
    with place.start("run", "--export", str(people)) as process:
        assert process.stderr is not None
        for line in process.stderr:
            place.outputs.append(line)
            if line.startswith(b"map"):
                process.send_signal(signal.SIGKILL)
        place.outputs += process.communicate()
    assert process.returncode == -signal.SIGKILL
    (private,) = (place.folder / "tmp").glob("cadastra-spill-*")
    assert stat.S_IMODE(private.stat().st_mode) == stat.S_IRWXU
    assert place.call("run", "--export", str(people)) == 0
    assert nothing_leaked(place)


@pytest.mark.slow
def test_prefect_sees_no_personal_value(people: Path, place: Place, prefect_server: PrefectServer) -> None:
    place.environment |= {**prefect_server.environment, "CADASTRA_RETRY_SECONDS": "[0]"}
    place.folders.append(prefect_server.home)
    assert place.call("run", "--export", str(people), debug=True) == 0
    with closing(sqlite3.connect(place.database)) as connection, connection:
        connection.execute(BROKEN.format("findings", "shape IS NOT NULL"))
    assert place.call("run", "--export", str(people)) == 1
    own = {"flow_runs": {"deployment_id": {"is_null_": True}}, "sort": "START_TIME_DESC", "limit": 2}
    states = prefect_server.ask("/flow_runs/filter", own)
    assert {run["state_type"] for run in states} == {"COMPLETED", "FAILED"}
    assert nothing_leaked(place)
