"""Exports broken in every way that files break: refused in clear words, or judged and accounted for; never a trace."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pytest

from mappings.cores.reference.sample import write_sample
from tests.exports import CONTROL
from tests.reliability.databases import Sqlite, assert_sound
from tests.reliability.profile import PROFILE, SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.reliability.launching import Launcher, Process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS)]
CUSTOMERS = 40
# The longest record that is read is shorter (64 MiB); a field as long as a disk is not what a test should write.
HUGE = 70 * 1024 * 1024
PUBLISHED, UNREADABLE, REFUSED = 0, 2, 4


def truncated(data: bytes, drawn: random.Random) -> bytes:
    return data[: drawn.randrange(len(data))]


def with_mark(data: bytes, drawn: random.Random) -> bytes:
    return drawn.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]) + data


def with_nul(data: bytes, drawn: random.Random) -> bytes:
    return inserted(data, drawn, b"\x00" * drawn.randint(1, 4))


def mixed_line_ends(data: bytes, drawn: random.Random) -> bytes:
    ends = [b"\r\n", b"\n", b"\r", b"\n\n", b"\r\r\n"]
    return b"".join(line + drawn.choice(ends) for line in data.splitlines())


def unbalanced_quote(data: bytes, drawn: random.Random) -> bytes:
    return inserted(data, drawn, b'"')


def short_line(data: bytes, drawn: random.Random) -> bytes:
    return on_a_line(data, drawn, lambda line: line[: line.rfind(b";")] if b";" in line else b"")


def long_line(data: bytes, drawn: random.Random) -> bytes:
    return on_a_line(data, drawn, lambda line: line + b";" * drawn.randint(1, 3))


def other_encoding(data: bytes, drawn: random.Random) -> bytes:
    text = data.decode("cp1252")
    return text.encode(drawn.choice(["utf-8", "utf-16", "utf-16-le", "utf-32"]))


def undefined_byte(data: bytes, drawn: random.Random) -> bytes:
    return inserted(data, drawn, drawn.choice([b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"]))


def flipped_bytes(data: bytes, drawn: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(drawn.randint(1, 12)):
        changed[drawn.randrange(len(changed))] ^= 1 << drawn.randrange(8)
    return bytes(changed)


def line_twice(data: bytes, drawn: random.Random) -> bytes:
    return on_a_line(data, drawn, lambda line: line + b"\r\n" + line)


def lines_lost(data: bytes, drawn: random.Random) -> bytes:
    return on_a_line(data, drawn, lambda _line: b"")


def header_changed(data: bytes, drawn: random.Random) -> bytes:
    header, end, rest = data.partition(b"\r\n")
    names = header.split(b";")
    drawn.shuffle(names)
    return b";".join(drawn.choice([names, names[1:], [*names, names[0]], []])) + end + rest


def junk(data: bytes, drawn: random.Random) -> bytes:
    return drawn.choice(
        [b"", b"\r\n", b";;;\r\n", b'"', drawn.randbytes(len(data) + 1), b"\x1f\x8b" + data, b"\n" * 5_000]
    )


def large_field(data: bytes, drawn: random.Random) -> bytes:
    return inserted(data, drawn, b"A" * drawn.choice([40_000, 70_000, 2_000_000]))


def inserted(data: bytes, drawn: random.Random, what: bytes) -> bytes:
    place = drawn.randrange(len(data) + 1)
    return data[:place] + what + data[place:]


def on_a_line(data: bytes, drawn: random.Random, change: Callable[[bytes], bytes]) -> bytes:
    lines = data.split(b"\r\n")
    place = drawn.randrange(max(1, len(lines) - 1))
    return b"\r\n".join([*lines[:place], change(lines[place]), *lines[place + 1 :]])


DAMAGES: Sequence[Callable[[bytes, random.Random], bytes]] = (
    truncated,
    with_mark,
    with_nul,
    mixed_line_ends,
    unbalanced_quote,
    short_line,
    long_line,
    other_encoding,
    undefined_byte,
    flipped_bytes,
    line_twice,
    lines_lost,
    header_changed,
    junk,
    large_field,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One broken export, and the words that say how it was broken."""

    folder: Path
    how: str


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write one sound export in each format."""
    folder = tmp_path_factory.mktemp("sound")
    for kind in ("csv", "parquet"):
        write_sample(
            folder / kind, customers=CUSTOMERS, seed=23, bad=0.2, date=date(2026, 11, 20), format=kind
        )
    return {kind: folder / kind for kind in ("csv", "parquet")}


@pytest.fixture(scope="module")
def values(sound: dict[str, Path]) -> list[bytes]:
    """Return values that only customers have: whoever prints one has leaked it."""
    found: set[bytes] = set()
    for path in sound["csv"].glob("[!_]*.csv"):
        _, *lines = path.read_bytes().splitlines()
        cells = {cell.strip(b'"') for line in lines for cell in line.split(b";")}
        found |= {cell for cell in cells if len(cell) >= 6 and not re.fullmatch(rb"[A-Z_]+|[0-9]{1,6}", cell)}
    assert len(found) > 500
    return sorted(found)


def broken(sound: dict[str, Path], folder: Path, number: int) -> Case:
    """Break one file of an export, or what its control file says, in a way that the number decides."""
    drawn = random.Random(number)
    kind = "parquet" if number % 8 == 7 else "csv"
    shutil.copytree(sound[kind], folder)
    (folder / "_verdade.csv").unlink(missing_ok=True)
    if number % 16 == 3:
        return Case(folder, f"{number}: control {broken_control(folder, drawn)}")
    damage = (
        drawn.choice([truncated, flipped_bytes, with_nul, junk])
        if kind == "parquet"
        else DAMAGES[number % len(DAMAGES)]
    )
    files = sorted(folder.glob("[!_]*"))
    # The customers' table is what most depends on.
    path = folder / f"clientes.{kind}" if drawn.random() < 0.3 else drawn.choice(files)
    path.write_bytes(damage(path.read_bytes(), drawn))
    agrees = drawn.random() < 0.85
    if agrees:
        agree(folder, path, drawn)
    return Case(
        folder, f"{number}: {damage.__name__} of {path.name}, control {'agrees' if agrees else 'does not'}"
    )


def agree(folder: Path, path: Path, drawn: random.Random) -> None:
    """Let the control file have the new hash, and mostly a number of rows that fits the line ends."""
    said = json.loads((folder / CONTROL).read_text(encoding="utf-8"))
    data = path.read_bytes()
    told = said["tables"][path.stem]
    told["sha256"] = hashlib.sha256(data).hexdigest()
    if path.suffix == ".csv" and drawn.random() < 0.7:
        told["rows"] = max(0, sum(1 for line in data.splitlines() if line) - 1)
    (folder / CONTROL).write_text(json.dumps(said), encoding="utf-8")


def broken_control(folder: Path, drawn: random.Random) -> str:
    """Break the control file and return how."""
    path = folder / CONTROL
    data = path.read_bytes()
    said = json.loads(data)
    table = drawn.choice(sorted(said["tables"]))
    way = drawn.choice(
        ["rows", "sha256", "kind", "date", "moment", "less", "more", "truncated", "flipped", "nested"]
    )
    if way in {"truncated", "flipped"}:
        path.write_bytes((truncated if way == "truncated" else flipped_bytes)(data, drawn))
        return way
    if way == "nested":
        path.write_bytes(b"[" * 100_000)
        return way
    if way in {"rows", "sha256"}:
        said["tables"][table][way] = drawn.choice([-1, 0, 1e9, "7", None, True, "0" * 64])
    elif way == "less":
        del said["tables"][table]
    elif way == "more":
        said["tables"]["tabela_nova"] = said["tables"][table]
    else:
        name = {"kind": "kind", "date": "business_date", "moment": "generated_at"}[way]
        said[name] = drawn.choice(
            ["", None, 3, "20/11/2026", "2026-13-01", "2026-11-20T10:00:00", [], "9" * 400]
        )
    path.write_text(json.dumps(said), encoding="utf-8")
    return f"{way} of {table}"


def check_run(run: Process, case: Case, values: Sequence[bytes]) -> None:
    where = f"{case.how}: exit {run.code}: {run.said[:2_000]}"
    assert run.code in {PUBLISHED, UNREADABLE, REFUSED}, where
    assert "Traceback" not in run.said, where
    assert 'File "' not in run.said, where
    assert "Warning" not in run.said, where
    # A control file that is broken may be quoted; it holds no customer.
    said = (run.folder / "stderr").read_bytes() if (run.folder / "stderr").exists() else b""
    leaked = [value for value in values if value in said or value.decode("cp1252").encode() in said]
    assert not leaked, f"{case.how}: {len(leaked)} values are in what it says"
    if run.code:
        assert len(run.said.splitlines()) == 1, where
        assert len(run.said) < 2_000, where
        return
    for structure, count in run.told["structures"].items():
        told = ("published_new", "published_changed", "unchanged", "rejected_stale", "rejected_unserved")
        excluded = count["excluded"]
        excluded = sum(excluded.values()) if isinstance(excluded, dict) else excluded
        assert count["read"] == sum(count[name] for name in told) + excluded, (where, structure)


@pytest.fixture(scope="module")
def served(
    launcher: Launcher, sound: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Sqlite, str]:
    """Make a database that serves the sound export."""
    databases = Sqlite(tmp_path_factory.mktemp("served"))
    url = databases.fresh()
    run = launcher.run(sound["csv"], url)
    assert run.code == 0, run.said
    return databases, url


def test_broken_exports_are_refused_or_accounted_for(
    launcher: Launcher,
    sound: dict[str, Path],
    values: list[bytes],
    served: tuple[Sqlite, str],
    tmp_path: Path,
) -> None:
    databases, template = served

    def one(number: int) -> int:
        case = broken(sound, tmp_path / str(number), number)
        url = databases.fresh(template)
        run = launcher.run(case.folder, url)
        check_run(run, case, values)
        assert_sound(databases, url)
        shutil.rmtree(case.folder)
        databases.drop(url)
        return run.code

    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(one, range(PROFILE.corrupted)))
    # Were everything refused, or nothing, the damage would be of one kind only.
    assert codes.count(REFUSED) > PROFILE.corrupted // 3
    assert codes.count(PUBLISHED) > PROFILE.corrupted // 20


@pytest.mark.parametrize("quoted", [True, False])
def test_a_field_beyond_all_measure_is_refused(
    launcher: Launcher,
    sound: dict[str, Path],
    values: list[bytes],
    served: tuple[Sqlite, str],
    tmp_path: Path,
    *,
    quoted: bool,
) -> None:
    folder = tmp_path / "huge"
    shutil.copytree(sound["csv"], folder)
    path = folder / "emails.csv"
    header, end, rest = path.read_bytes().partition(b"\r\n")
    field = b'"' + b"a\r\n" * (HUGE // 3) + b'"' if quoted else b"a" * HUGE
    count = header.count(b";")
    path.write_bytes(header + end + field + b";" * count + end + rest)
    agree(folder, path, random.Random(0))
    run = launcher.run(folder, served[1])
    check_run(run, Case(folder, "huge field"), values)
    assert run.code == REFUSED
