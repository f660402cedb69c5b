"""What a mapping file declares: for each block of its structure, a staging table and a function of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from customers.blocks import Documents
    from customers.structures import Structure
    from mappings.profile import Column, Table

Columns = dict[str, "Column"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the assembly knows about each document before its root is mapped.

    ``updated_at`` is the latest change among the document's own tables, ``started_at`` the earliest start among its
    registers.
    """

    customer_id: Column
    updated_at: Column
    started_at: Column


@dataclass(frozen=True, slots=True)
class Context:
    """What a run knows beside the export: nothing else may change what a mapping says."""

    business_date: date
    secret: str
    version: str


@dataclass(frozen=True, slots=True)
class BlockMap:
    """Map one list: the staging table that feeds it, one line per xpath, and which of its rows are sent.

    ``belongs_to`` names, for a list inside a list, the (own, parent's) staged columns that must be equal.
    """

    table: type[Table]
    map: Callable[[Any], Columns]
    sends: Callable[[Any, Context], Column] | None = None
    belongs_to: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class StructureMap:
    """Map one structure.

    ``root`` takes the Subject and one staging table per name in ``joined`` (each aligned with the documents).
    ``dated_by`` are the tables whose rows count for updateDateTime. ``blocks`` maps list xpaths. ``refine`` changes
    mapped documents in place where one list decides about another.
    """

    structure: Structure
    joined: tuple[type[Table], ...]
    root: Callable[..., Columns]
    dated_by: tuple[type[Table], ...]
    blocks: dict[str, BlockMap] = field(default_factory=dict)
    refine: Callable[[Documents], None] | None = None
