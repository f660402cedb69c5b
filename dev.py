"""The project's chores: set up, run, test, lint, measure, write the generated pages.

Standard library only, since it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
PROJECT = ROOT / "pyproject.toml"
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
STAMP = VENV / "installed"  # what is installed: a line for the lock, a line for the project
SAMPLE = Path("var/sample")
CONTROL_FILE = "_controle.json"  # an export without it was broken off
OLDEST_PYTHON = (3, 11)
INTERRUPTED = 130

FROM_LOCK = ("install", "--no-deps", "--require-hashes", "--only-binary=:all:", "-r")
PROJECT_ITSELF = ("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check")
UV = (BIN / "uv", "pip")

# The generated pages: the module that writes them, and where they are.
PAGES = (("tests.spec.write_docs", "docs/"), ("tests.spec.write_steps", "sql/migrations/"))

# Neighbours share fixtures, so each process gets a run of neighbours, and steals where it is done before.
SPREAD = ("--numprocesses", "auto", "--maxprocesses", "4", "--dist", "worksteal")

LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("lint-imports",),
)


class ChoreError(Exception):
    """The chore ends here with this exit code."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.code = code


def call(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> int:
    """Run a command in the repository's root and return its exit code.

    Ctrl-C reaches the command as well: wait for it, so that it can stop its servers.
    """
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT, env=environment)
    interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
            continue
        if interrupted:
            raise ChoreError(INTERRUPTED)
        return code if code >= 0 else 128 - code  # a shell's way to tell a signal


def must(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run a command; end the chore with its exit code where it fails."""
    code = call(command, environment)
    if code:
        raise ChoreError(code)


def say(message: str) -> None:
    """Tell the person, apart from the commands' own output."""
    print(message, file=sys.stderr, flush=True)


# --- setup


def digest(*parts: str | bytes) -> str:
    """Return a hash of the parts."""
    return hashlib.sha256(
        b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)
    ).hexdigest()


def setup() -> None:
    """Make .venv hold what the lock names, and the project as an editable package; nothing where it does.

    A changed lock makes a new environment, so that nothing stays that it no longer names.
    """
    locked = digest(LOCK.read_bytes(), str(VENV), sys.base_prefix, sys.version)
    project = digest(PROJECT.read_bytes())
    installed = STAMP.read_text().splitlines() if STAMP.exists() else []
    if installed == [locked, project]:
        return
    STAMP.unlink(missing_ok=True)
    if installed[:1] != [locked]:
        make_environment()
        install_lock()
    must([*PIP, *PROJECT_ITSELF, "--quiet"])
    STAMP.write_text(f"{locked}\n{project}\n")


def make_environment() -> None:
    """Make an empty virtual environment with pip."""
    if any(importlib.util.find_spec(module) is None for module in ("venv", "ensurepip")):
        raise ChoreError(
            2, "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"
        )
    say("Making .venv ...")
    must([sys.executable, "-m", "venv", "--clear", VENV])


def install_lock() -> None:
    """Install the lock with the uv that it names, which is four times as fast as pip, else with pip."""
    say("Installing requirements.lock ...")
    only_uv = VENV / "uv.lock"
    only_uv.write_text(block_of_lock("uv"))
    if call([*PIP, *FROM_LOCK, only_uv, "--quiet"]) == 0:
        environment = {**os.environ, **uv_environment()}
        if (
            call([*UV, *FROM_LOCK, LOCK, "--python", PYTHON, "--compile-bytecode", "--quiet"], environment)
            == 0
        ):
            return
    say("Not with uv; installing with pip ...")
    must([*PIP, *FROM_LOCK, LOCK, "--quiet"])


def block_of_lock(name: str) -> str:
    """Return the lines of one package in the lock."""
    lines = LOCK.read_text().splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next((at for at in range(start + 1, len(lines)) if not lines[at].startswith(" ")), len(lines))
    return "\n".join(lines[start:end]) + "\n"


def uv_environment() -> dict[str, str]:
    """Return as uv's variables where this machine's pip looks for packages: uv does not read pip's."""
    listing = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False).stdout
    settings: dict[str, str] = {}
    for line in sorted(filter(None, listing.splitlines()), key=precedence):
        key, _, value = line.partition("=")
        settings[key.rpartition(".")[2]] = str(ast.literal_eval(value))
    variables = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": settings.get("extra-index-url", ""),
        # As pip does, take a release from whichever index has it: the lock's hashes say which file is right.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": ",".join(settings.get("find-links", "").split()),
        "UV_INSECURE_HOST": settings.get("trusted-host", ""),
        "UV_HTTP_TIMEOUT": settings.get("timeout", settings.get("default-timeout", "")),
        "SSL_CERT_FILE": settings.get("cert", ""),
        "HTTPS_PROXY": settings.get("proxy", ""),
    }
    return {name: value for name, value in variables.items() if value and name not in os.environ}


def precedence(line: str) -> int:
    """Return a line's rank in `pip config list`: variables over the command's section over the rest."""
    return 2 if line.startswith(":env:.") else 1 if line.startswith("install.") else 0


# --- the other chores


def run(arguments: list[str]) -> None:
    """Publish an invented export, made on the first call; the arguments go to `cadastra run`."""
    environment = dict(os.environ)
    cadastra = BIN / "cadastra"
    if not any(argument.startswith("--export") for argument in arguments):
        if not (ROOT / SAMPLE / CONTROL_FILE).exists():
            shutil.rmtree(ROOT / SAMPLE, ignore_errors=True)
            size = ("--customers", "1000", "--seed", "1", "--bad", "0.02")
            must([cadastra, "sample", *size, "--out", SAMPLE], environment)
        arguments = ["--export", str(SAMPLE), *arguments]
    must([cadastra, "run", "--core", "reference", *arguments], environment)


def test(arguments: list[str]) -> None:
    """Run the tests with coverage, on all cores; with arguments of your own, without its threshold."""
    threshold = ["--cov-fail-under=0"] if arguments else []
    must([PYTHON, "-m", "pytest", "--cov", *SPREAD, *threshold, *arguments])


def lint() -> None:
    """Run every linter, and fail where one failed."""
    failed = []
    for linter in LINTERS:
        say(f"$ {' '.join(linter)}")
        if call([BIN / linter[0], *linter[1:]]):
            failed.append(linter[0])
    if failed:
        raise ChoreError(1, f"Failed: {', '.join(failed)}")


def bench(arguments: list[str]) -> None:
    """Measure; the arguments go to tests.bench."""
    if module_file("tests.bench") is None:
        raise ChoreError(2, "There is no benchmark: tests/bench is missing")
    must([PYTHON, "-m", "tests.bench", *arguments])


def docs() -> None:
    """Write the generated pages again."""
    for module, where in PAGES:
        if module_file(module) is None:
            say(f"Nothing writes {where} yet: {module} is missing")
        else:
            must([PYTHON, "-m", module])


def module_file(module: str) -> Path | None:
    """Return the file that `python -m` would run for a module of this repository."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__main__.py") if file.exists()), None)


# --- the command line

PASS_ARGUMENTS_ON = {"run": run, "test": test, "bench": bench}
TAKE_NONE = {"setup": setup, "lint": lint, "docs": docs}


def chosen(arguments: list[str]) -> str:
    """Return the chore that the arguments name; end with help or usage where they name none."""
    parser = argparse.ArgumentParser(
        prog="dev.py", description=(__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
    chores = parser.add_subparsers(dest="chore", required=True, metavar="CHORE")
    for name, chore in {**TAKE_NONE, **PASS_ARGUMENTS_ON}.items():
        summary = (chore.__doc__ or "").partition("\n")[0]
        chores.add_parser(name, help=summary, description=summary)
    if not arguments:
        parser.print_help()
        parser.exit(2)
    own = arguments[:1] if arguments[:1] and arguments[0] in PASS_ARGUMENTS_ON else arguments
    return str(parser.parse_args(own).chore)


def main() -> int:
    """Do one chore and return its exit code."""
    if sys.version_info < OLDEST_PYTHON:
        say(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version.split()[0]}"
        )
        return 2
    arguments = sys.argv[1:]
    chore = chosen(arguments)
    try:
        setup()
        if chore in PASS_ARGUMENTS_ON:
            PASS_ARGUMENTS_ON[chore](arguments[1:])
        else:
            TAKE_NONE[chore]()
    except ChoreError as end:
        if str(end):
            say(str(end))
        return end.code
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
