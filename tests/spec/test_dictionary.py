"""The dictionaries as data: equal to what was published, and safely read."""

from __future__ import annotations

import re
from dataclasses import fields as attributes
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from customers.blocks import blocks
from customers.dictionary import DEFAULT_VERSION, Field, effective_fields, envelope, fields, versions
from customers.errata import Amendment, Errata, apply, errata
from customers.errors import UnreadableInput, UsageError
from customers.formats import FORMATS
from customers.structures import STRUCTURES, Structure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERY = [pytest.param(structure, id=structure.name) for structure in STRUCTURES]
EVERY_VERSION = [pytest.param(version, id=version) for version in versions()]


def test_counts() -> None:
    every = [field for structure in STRUCTURES for field in fields(structure.name)]
    assert len(every) == 197
    assert sum(field.is_leaf for field in every) == 158
    assert sum(len(blocks(structure.name)) for structure in STRUCTURES) == 29


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("structure", EVERY)
def test_parents_stand_before_their_children(structure: Structure, version: str) -> None:
    seen: set[str] = set()
    for field in fields(structure.name, version):
        assert (field.parent in seen) != (field.xpath == "/data"), field.xpath
        seen.add(field.xpath)


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("structure", EVERY)
def test_every_effective_pattern_is_anchored_and_the_same_in_python_and_re2(
    structure: Structure, version: str
) -> None:
    junk = [
        "",
        " ",
        "NA",
        "1091102\n",
        "1091102",
        "109110٢",
        "x3550308",
        "2021-5-1",
        "2021-05-01",
        "076",
        "ÁUS",
    ]
    junk += [
        "a\n",
        " a",
        "a ",
        "\xa0a",
        "a\x85",
        "a b",
        "0.510000",
        "-23.5",
        "2021-05-21T08:30:00Z",
        "A" * 101,
    ]
    for field in effective_fields(structure.name, version):
        if field.pattern is not None:
            assert field.pattern.startswith("^"), field.xpath
            assert field.pattern.endswith("$"), field.xpath
            python = [re.fullmatch(field.pattern, text) is not None for text in junk]
            assert pc.match_substring_regex(pa.array(junk), field.pattern).to_pylist() == python, field.xpath


@pytest.mark.parametrize(
    ("structure", "xpath", "good", "bad"),
    [
        ("personal_identifications", "/data/contacts/postalAddresses/ibgeTownCode", "3550308", "x3550308"),
        ("personal_identifications", "/data/birthDate", "1990-05-01", "1990-5-1"),
        ("personal_identifications", "/data/updateDateTime", "2021-05-21T08:30:00Z", "2021-5-1T08:30:00Z"),
        ("personal_identifications", "/data/documents/passport/country", "CAN", "ÁUS"),
        ("business_qualifications", "/data/economicActivities/code", "1091102", "109110٢"),
        ("personal_financial_relations", "/data/portabilitiesReceived/employerName", "A", "A\n"),
        ("personal_financial_relations", "/data/portabilitiesReceived/employerName", "A\nB", "\xa0A"),
        ("personal_financial_relations", "/data/paychecksBankLink/employerCnpjCpf", "1" * 11, "1" * 12),
        ("personal_identifications", "/data/nationality/otherNationalitiesInfo", "CAN", " CAN"),
    ],
)
def test_safe_readings(structure: str, xpath: str, good: str, bad: str) -> None:
    pattern = _by_xpath(effective_fields(structure))[xpath].pattern
    assert pattern is not None
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date", "2000-02-29", "1900-02-29"),
        ("date", "0001-01-01", "0000-01-01"),
        ("date-time", "2021-05-21T23:59:60z", "2021-02-31T08:30:00Z"),
        ("date-time", "2021-05-21T08:30:00.5-03:00", "2021-05-21T08:30:00"),
        ("email", "a.b+c@banco-exemplo.com.br", "a@b@c.com"),
        ("email", "a@x", "a..b@x.com"),
        ("email", "a" * 64 + "@x.com", "a" * 65 + "@x.com"),
        ("email", "a@a-1.com", "a@-a.com"),
        ("url", "https://exemplo.com/x", "exemplo.com"),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    texts = pa.array([good, bad])
    patterns = FORMATS[name]
    assert [all(re.fullmatch(pattern, text) for pattern in patterns) for text in (good, bad)] == [True, False]
    found = [pc.match_substring_regex(texts, pattern).to_pylist() for pattern in patterns]
    assert [all(verdicts) for verdicts in zip(*found, strict=True)] == [True, False]


def _by_xpath(found: tuple[Field, ...]) -> dict[str, Field]:
    return {field.xpath: field for field in found}


def _resolved(api: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return _resolved(api, api["components"]["schemas"][name])
    return node


def _api_fields(api: dict[str, Any], xpath: str, node: dict[str, Any], *, required: bool) -> Iterator[Field]:
    node = _resolved(api, node)
    is_list = node["type"] == "array"
    value = _resolved(api, node["items"]) if is_list else node
    yield Field(
        xpath=xpath,
        type=node["type"],
        items=value["type"] if is_list else None,
        obligation="required" if required else "optional",
        min_length=value.get("minLength"),
        max_length=value.get("maxLength"),
        pattern=value.get("pattern"),
        format=value.get("format"),
        domain=tuple(value.get("enum", ())),
        min_items=node.get("minItems"),
        max_items=node.get("maxItems"),
        maximum=value.get("maximum"),
    )
    for name, child in value.get("properties", {}).items():
        yield from _api_fields(api, f"{xpath}/{name}", child, required=name in value.get("required", ()))


def _response(api: dict[str, Any], structure: Structure) -> dict[str, Any]:
    kind = "personal" if structure.kind == "F" else "business"
    path = api["paths"][f"/{kind}/{structure.subject.replace('_', '-')}"]
    name = path["get"]["responses"]["200"]["$ref"].rpartition("/")[2]
    schema = api["components"]["responses"][name]["content"]["application/json"]["schema"]
    return _resolved(api, schema)


def _facts(field: Field) -> dict[str, object]:
    found = {attribute.name: getattr(field, attribute.name) for attribute in attributes(Field)}
    found["obligation"] = field.obligation == "required"
    found["domain"] = frozenset(field.domain)
    return found


@pytest.fixture(scope="module")
def api(shared_spec: Path) -> dict[str, Any]:
    text = (shared_spec / "openapi" / f"customers-{DEFAULT_VERSION}.yml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


@pytest.mark.parametrize("structure", EVERY)
def test_effective_fields_agree_with_the_openapi_document_or_with_an_erratum(
    api: dict[str, Any], structure: Structure
) -> None:
    schema = _response(api, structure)["properties"]["data"]
    stated = {field.xpath: _facts(field) for field in _api_fields(api, "/data", schema, required=True)}
    known = errata(DEFAULT_VERSION)
    ours = effective_fields(structure.name)
    assert {field.xpath for field in ours} == set(stated)
    for field, published in zip(ours, fields(structure.name), strict=True):
        facts, theirs = _facts(field), dict(stated[field.xpath])
        assert published.pattern == theirs.pop("pattern")
        del facts["pattern"]
        named = {
            attribute
            for entry in known.amendments
            for attribute in _set_by(entry, structure.name, field.xpath)
        }
        differing = {name for name in theirs if facts[name] != theirs[name]}
        assert differing <= named - {"format"}, field.xpath
        assert "format" not in named or theirs["format"] == field.format


def _set_by(entry: Amendment, structure: str, xpath: str) -> set[str]:
    return set(entry.set) if xpath in entry.where.get(structure, ()) else set()


def test_the_envelope_agrees_with_the_openapi_document(api: dict[str, Any]) -> None:
    found = [
        field
        for name in ("links", "meta")
        for field in _api_fields(
            api, f"/{name}", _response(api, STRUCTURES[0])["properties"][name], required=True
        )
    ]
    assert _by_xpath(envelope()) == _by_xpath(tuple(found))


def test_every_erratum_changes_something() -> None:
    known = errata(DEFAULT_VERSION)
    published = {
        field.pattern for version in versions() for item in STRUCTURES for field in fields(item.name, version)
    }
    from_the_draft = {r"^[^\s](.*[^\s])?$"}
    assert set(known.readings) - from_the_draft <= published
    for entry in known.amendments:
        assert entry.where
        assert entry.reason


def test_an_erratum_on_an_unknown_xpath_is_an_error() -> None:
    lost = Amendment(
        "N99", {"personal_identifications": ("/data/nowhere",)}, {"max_length": 1}, None, "invented"
    )
    with pytest.raises(UnreadableInput, match=r"N99 names /data/nowhere"):
        apply(
            Errata(errata(DEFAULT_VERSION).readings, (lost,), ()),
            "personal_identifications",
            fields("personal_identifications"),
            "2.2.1",
        )


def test_unknown_version_and_structure_are_usage_errors() -> None:
    with pytest.raises(UsageError, match=r"known: 2\.0\.0, 2\.2\.1"):
        fields("personal_identifications", "9.9.9")
    with pytest.raises(UsageError, match="personal_identifications"):
        fields("persons")
