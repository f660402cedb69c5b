"""Every leaf of every structure is mapped, by exactly one line, in the file that its name leads to."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

import mappings
from customers.blocks import blocks
from customers.structures import STRUCTURES
from mappings.assembly import map_structure
from mappings.core import load_core
from mappings.cores.reference.sample import write_sample
from mappings.extract import read_export
from mappings.partition import partition, stage_buckets
from mappings.profile import TABLES, columns_of
from mappings.structure_map import Context
from mappings.structure_maps import MAPS

NAMES = [structure.name for structure in STRUCTURES]


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """Return, by structure and block, the xpaths that the mapping makes."""
    folder = tmp_path_factory.mktemp("export") / "sample"
    write_sample(folder, customers=300, seed=5, date=date(2026, 11, 20))
    core = load_core("reference")
    context = Context(date(2026, 11, 20), "an invented secret", "2.2.1")
    [bucket] = stage_buckets(partition(read_export(folder, core), core))
    made = {}
    for name, structure_map in MAPS.items():
        documents = map_structure(structure_map, bucket, context).documents
        made[name] = {path: set(rows.columns) for path, rows in documents.blocks.items()}
    return made


@pytest.mark.parametrize("structure", NAMES)
def test_every_leaf_is_mapped_and_nothing_else(
    structure: str, mapped: dict[str, dict[str, set[str]]]
) -> None:
    wanted = {block.path: set(block.xpaths) for block in blocks(structure)}
    assert mapped[structure] == wanted


def test_there_are_158_leaves_in_29_blocks() -> None:
    every = [block for structure in NAMES for block in blocks(structure)]
    assert len(every) == 29
    assert sum(len(block.leaves) for block in every) == 158


def test_a_mapping_file_spells_each_xpath_once() -> None:
    for path in Path(mappings.__file__).parent.glob("*.py"):
        keys = re.findall(r'^ +"(/data/[^"]+)": [^B]', path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(keys) == len(set(keys)), path.name


def test_every_staged_column_is_used_by_the_mapping() -> None:
    """A column of the profile that no mapping reads would be read from every core for nothing."""
    folder = Path(mappings.__file__).parent
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "profile.py"
    )
    unused = [
        f"{name}.{column}"
        for name, table in TABLES.items()
        for column in columns_of(table)
        if not re.search(rf'[.]{column}\b|"{column}"', text)
    ]
    assert unused == []
