"""The masks of a structure: every rule of the catalogue judged once on the blocks of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from expectations.catalogue import NEVER_APPLIES, Judged, catalogue
from expectations.field_masks import field_mask, mapped_mask
from expectations.masks import Mask, Masks, all_pass
from expectations.prose_masks import prose_mask
from expectations.scope import Scope

if TYPE_CHECKING:
    import datetime as dt

    from customers.blocks import Documents
    from customers.rule_kinds import FieldRule, ProseRule


def mask(judged: Judged, scope: Scope) -> Mask:
    """Judge one rule of the catalogue."""
    match judged.kind:
        case kind if kind in NEVER_APPLIES:
            return all_pass(0)
        case "mapped":
            return mapped_mask(judged.key.xpath, scope)
        case "requiredWhen" | "forbiddenWhen" | "must":
            return prose_mask(cast("tuple[ProseRule, ...]", judged.rules), judged.block, scope)
        case _:
            return field_mask(cast("FieldRule", judged.rules[0]), scope)


def masks(documents: Documents, day: dt.date) -> Masks:
    """Judge all rules; ``day`` is the business date that "in the future" and "years ago" refer to."""
    return masks_of(Scope(documents, day))


def masks_of(scope: Scope) -> Masks:
    """Judge all rules on what a scope holds."""
    documents = scope.documents
    return {judged.key: mask(judged, scope) for judged in catalogue(documents.structure, documents.version)}
