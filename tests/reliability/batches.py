"""Two batches of one small bank: between them a document of every structure changes in every way there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.exports import cnpj, company, cpf, natural_person, write_export

if TYPE_CHECKING:
    from pathlib import Path

    from tests.exports import Register

PEOPLE, COMPANIES = 8, 3
# Shorter than the bank: a run has several buckets.
BUCKET_SIZE = "6"


def person(number: int, edition: int, name: str = "Ana Lima") -> Register:
    """Make a natural person whose three documents all tell the edition."""
    moment = f"19/11/2026 10:{edition:02}:00"
    return natural_person(
        f"F{number}",
        cpf(100_000_000 + number),
        pessoas_fisicas={"nome_civil": f"{name} {roman(edition)}" if name else ""},
        qualificacoes_pf={"ts_atualizacao": moment},
        representantes={"nome": f"Rita Lima {roman(edition)}"},
    )


def firm(number: int, edition: int) -> Register:
    """Make a company whose three documents all tell the edition."""
    moment = f"19/11/2026 10:{edition:02}:00"
    return company(
        f"J{number}",
        cnpj(100_000_000_001 + number * 10_000),
        pessoas_juridicas={"razao_social": f"Padaria Exemplo {roman(edition)} Ltda"},
        qualificacoes_pj={"ts_atualizacao": moment},
        representantes={"nome": f"Rita Lima {roman(edition)}"},
    )


def roman(edition: int) -> str:
    """Write an edition as letters, for names hold no digits."""
    return "I" * (edition // 5 + 1) + "ABCDE"[edition % 5]


def whole_bank(folder: Path, edition: int, day: str = "2026-11-20") -> Path:
    """Write a full export in which every document is of one edition."""
    people = [person(number, edition) for number in range(PEOPLE)]
    firms = [firm(number, edition) for number in range(COMPANIES)]
    return write_export(folder, *people, *firms, day=day)


def old_batches(folder: Path) -> list[Path]:
    """Write what is served before: two editions of some, one refused (F5) and one that returns later (F1)."""
    first = whole_bank(folder / "first", 1, "2026-11-18")
    people = [
        person(number, 2 if number in {1, 2} else 1, "" if number == 5 else "Ana Lima")
        for number in range(PEOPLE)
    ]
    firms = [firm(number, 1) for number in range(COMPANIES)]
    return [first, write_export(folder / "second", *people, *firms, day="2026-11-19")]


def new_batch(folder: Path) -> Path:
    """Write the batch of the tests.

    F0, F7 and a firm unchanged, F1 as it was once, F2 changed, F4 gone, F5 good again, F6 refused, F9 new, J1 changed.
    """
    people = [
        person(0, 1),
        person(1, 1),
        person(2, 3),
        person(3, 1),
        person(5, 1),
        person(6, 2, ""),
        person(7, 1),
        person(9, 1),
    ]
    return write_export(folder / "new", *people, firm(0, 1), firm(1, 3), firm(2, 2), day="2026-11-20")
