"""Defects: what one looks like, which registers can have it, and how it is put into a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mappings.cores.reference.sample.draw import choose, constant, date_text, join, on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from mappings.cores.reference.sample.draw import Draw, Ints, Mask, Text
    from mappings.cores.reference.sample.layout import Batch

# A date within the five years that a portability counts, whatever the business date.
RECENT = "{recent}"

# (batch, registers to spoil, a recent date)
Change: TypeAlias = "Callable[[Batch, Ints, str], None]"


@dataclass(frozen=True, slots=True)
class BadKind:
    """Describe one defect.

    ``breaks``: every (structure, rule) that it breaks; ``among``: the registers that can have it, a key of
    ``eligible``; ``apply``: edits the rows of the chosen registers; ``text_only``: no native
    column holds it.
    """

    name: str
    breaks: tuple[tuple[str, str], ...]
    kind: Literal["F", "J"]
    among: str
    apply: Change
    text_only: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """Say that a document of a register breaks a rule."""

    key: str
    structure: str
    rule: str


def put(table: str, **values: str) -> Change:
    """Overwrite columns in all rows that the chosen registers have in a table."""

    def apply(batch: Batch, registers: Ints, recent: str) -> None:
        rows = batch.tables[table]
        mask = np.isin(rows.owner, registers)
        for column, value in values.items():
            text = constant(value.replace(RECENT, recent), len(mask))
            rows.columns[column] = choose(mask, text, rows.columns[column])

    return apply


def add(table: str, **values: str) -> Change:
    """Append one row to a table for each of the chosen registers."""

    def apply(batch: Batch, registers: Ints, recent: str) -> None:
        batch.tables[table].append(
            registers, {name: value.replace(RECENT, recent) for name, value in values.items()}
        )

    return apply


def drop(table: str) -> Change:
    """Delete all rows that the chosen registers have in a table."""

    def apply(batch: Batch, registers: Ints, _recent: str) -> None:
        rows = batch.tables[table]
        kept = pa.array(~np.isin(rows.owner, registers))
        rows.columns = {name: column.filter(kept) for name, column in rows.columns.items()}
        rows.owner = rows.owner[np.asarray(kept)]

    return apply


def repeat(table: str) -> Change:
    """Write all rows that the chosen registers have in a table once more."""

    def apply(batch: Batch, registers: Ints, _recent: str) -> None:
        batch.tables[table].repeat(registers)

    return apply


def lengthen(table: str, column: str, width: int) -> Change:
    """Restore a document number to its width and add a digit; it stays one that no other register has."""

    def longer(part: Text) -> Text:
        return join(pc.utf8_lpad(pc.replace_substring_regex(part, "[^0-9]", ""), width, "0"), "9")

    def apply(batch: Batch, registers: Ints, _recent: str) -> None:
        rows = batch.tables[table]
        rows.columns[column] = on(np.isin(rows.owner, registers), rows.columns[column], longer)

    return apply


def both(*changes: Change) -> Change:
    """Make several changes for one defect."""

    def apply(batch: Batch, registers: Ints, recent: str) -> None:
        for change in changes:
            change(batch, registers, recent)

    return apply


def _owners(batch: Batch, table: str, **equal: str) -> Mask:
    """Say which registers have a row in a table whose columns equal the given values."""
    rows = batch.tables[table]
    mask = np.ones(len(rows.owner), np.bool_)
    for column, value in equal.items():
        mask &= np.asarray(pc.equal(rows.columns[column], value))
    found = np.zeros(len(batch), np.bool_)
    found[rows.owner[mask]] = True
    return found


def tax_numbers(batch: Batch) -> Ints:
    """Return a number per register that tells tax ids apart: digits of the tax id, 0 without one."""
    rows = batch.tables["clientes"]
    digits = pc.replace_substring_regex(rows.columns["cpf_cnpj"], "[^0-9]", "")
    numbers = np.zeros(len(batch), np.int64)
    # A register that is listed twice has the same tax id both times.
    numbers[rows.owner] = np.asarray(pc.if_else(pc.equal(digits, ""), "0", digits).cast(pa.int64()))
    return numbers


def eligible(batch: Batch) -> dict[str, Mask]:
    """Say which registers can have a defect: those of persons with one, in state A, by need."""
    numbers = tax_numbers(batch)
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    single = (counts[inverse] == 1) | (numbers == 0)
    able = single & _owners(batch, "clientes", situacao="A")
    person = able & _owners(batch, "clientes", tipo_pessoa="F")
    company = able & _owners(batch, "clientes", tipo_pessoa="J")
    checking = _owners(batch, "produtos", cod_produto="01", situacao="A")
    native = ~_owners(batch, "nacionalidades") & _owners(batch, "pessoas_fisicas", ind_nac_brasileira="S")
    return {
        "F": person,
        "J": company,
        "F checking": person & checking,
        "J checking": company & checking,
        "F native": person & native & (numbers > 0),
        "F foreign": person & (numbers == 0) & _owners(batch, "nacionalidades"),
        "F qualified": person & _owners(batch, "qualificacoes_pf"),
        "J qualified": company & _owners(batch, "qualificacoes_pj"),
        "J active": company & _owners(batch, "atividades_economicas"),
        "J both": company & _owners(batch, "qualificacoes_pj") & _owners(batch, "atividades_economicas"),
    }


def _chosen(
    rng: np.random.Generator, masks: dict[str, Mask], kinds: Sequence[BadKind], wanted: int, sound: Mask
) -> dict[int, list[Ints]]:
    """Deal registers to kinds, each register once, until enough are dealt or no kind can take another one."""
    free = sound.copy()
    dealt: dict[int, list[Ints]] = {}
    # Small turns first: kinds that few registers can have get theirs before others take them all.
    turn = 1
    while wanted > 0:
        quota, before = min(turn, -(-wanted // len(kinds))), wanted
        order = rng.permutation(len(free))
        turn *= 2
        for at in rng.permutation(len(kinds)):
            candidates = order[(masks[kinds[at].among] & free)[order]]
            taken = candidates[: min(quota, wanted)]
            free[taken] = False
            wanted -= len(taken)
            dealt.setdefault(int(at), []).append(np.sort(taken))
        if wanted == before:
            break
    return dealt


def spoil(
    batch: Batch, kinds: Sequence[BadKind], wanted: int, draw: Draw, sound: Mask | None = None
) -> list[Truth]:
    """Give ``wanted`` registers of a batch one defect each and return what their documents then break.

    Fewer are spoilt only where no further register of the batch can have any of the kinds. ``sound``: the
    registers that have no defect yet, all of them by default.
    """
    sound = np.ones(len(batch), np.bool_) if sound is None else sound
    if not wanted:
        return []
    recent = date_text(np.array([draw.today - 400]))[0].as_py()
    truths = []
    dealt = _chosen(draw.rng, eligible(batch), kinds, wanted, sound)
    for at in sorted(dealt):
        registers = np.concatenate(dealt[at])
        if not len(registers):
            continue
        kinds[at].apply(batch, registers, recent)
        for key in batch.keys.take(pa.array(registers)).to_pylist():
            truths += [Truth(key, structure, rule) for structure, rule in kinds[at].breaks]
    return truths


def filled(text: str, size: int) -> str:
    """Repeat a word to a text of exactly ``size`` characters without blanks at its ends."""
    return (text * (size // len(text) + 1))[:size]
