"""The six mapping files, by structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings import (
    business_financial_relations,
    business_identifications,
    business_qualifications,
    personal_financial_relations,
    personal_identifications,
    personal_qualifications,
)

if TYPE_CHECKING:
    from mappings.structure_map import StructureMap

MAPS: dict[str, StructureMap] = {
    module.MAP.structure.name: module.MAP
    for module in (
        personal_identifications,
        business_identifications,
        personal_qualifications,
        business_qualifications,
        personal_financial_relations,
        business_financial_relations,
    )
}
