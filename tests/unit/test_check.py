"""The verb ``check``: what it reads, what it reports, and when it is 0, 1 or 2."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from customers.errors import UnreadableInput, UsageError
from customers.judge_documents import judge_envelope
from customers.rules import envelope_rules
from flows.check import Checked, check_files, exit_code
from tests.spec.drawn import DAY, Document, valid

if TYPE_CHECKING:
    from pathlib import Path

PERSON, QUALIFICATION = "personal_identifications", "personal_qualifications"
AROUND = {
    "links": {"self": "https://api.example.com/open-banking/customers/v2/personal/identifications"},
    "meta": {"requestDateTime": "2026-11-20T12:00:00Z"},
}


def bad_person() -> Document:
    person = valid(PERSON)
    person["contacts"]["phones"][1]["areaCode"] = "3"
    return person


def check(
    structure: str, path: Path, text: str | bytes
) -> list[tuple[int, str | None, str | None, str | None]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [shown(found) for found in check_files(structure, [str(path)], reference_date=DAY)]


def shown(found: Checked) -> tuple[int, str | None, str | None, str | None]:
    problem = found.problem
    if problem is None:
        return found.document, None, None, None
    return found.document, problem.rule, problem.occurrence, found.severity


CLEAN = (None, None, None)
BROKEN = [
    ("S-minLength:/data/contacts/phones/areaCode", "$.contacts.phones[1].areaCode", "reject"),
    ("S-pattern:/data/contacts/phones/areaCode", "$.contacts.phones[1].areaCode", "reject"),
    ("P-CALLINGCODE", "$.contacts.phones[1].countryCallingCode", "warn"),
]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_alone(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps(bad_person(), indent=indent)
    assert check(PERSON, tmp_path / "a.json", text) == [(1, *found) for found in BROKEN]
    assert check(PERSON, tmp_path / "b.json", json.dumps(valid(PERSON), indent=indent)) == [(1, *CLEAN)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("end", ["", "\n", " \n\n"])
def test_a_list_of_documents(tmp_path: Path, indent: int | None, end: str) -> None:
    text = json.dumps([valid(PERSON), bad_person(), valid(PERSON)], indent=indent) + end
    assert check(PERSON, tmp_path / "a.json", text) == [
        (1, *CLEAN),
        *((2, *found) for found in BROKEN),
        (3, *CLEAN),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    lines = [
        json.dumps(valid(PERSON)),
        "",
        json.dumps([bad_person()], ensure_ascii=False),
        json.dumps(valid(PERSON)),
    ]
    found = check(PERSON, tmp_path / name, "\n".join(lines))
    assert found == [(1, *CLEAN), *((2, *broken) for broken in BROKEN), (3, *CLEAN)]


def test_an_envelope_of_several_registers(tmp_path: Path) -> None:
    text = json.dumps({"data": [valid(PERSON), bad_person()], **AROUND})
    assert check(PERSON, tmp_path / "a.json", text) == [(1, *CLEAN), *((2, *found) for found in BROKEN)]


def test_an_envelope_of_a_single_document(tmp_path: Path) -> None:
    text = json.dumps({"data": valid(QUALIFICATION), **AROUND})
    assert check(QUALIFICATION, tmp_path / "a.json", text) == [(1, *CLEAN)]


def test_an_object_where_the_list_should_be_is_judged_inside(tmp_path: Path) -> None:
    text = json.dumps({"data": bad_person(), **AROUND})
    wrong, *inside = check(PERSON, tmp_path / "a.json", text)
    assert wrong == (1, "S-type:/data", "$", "reject")
    assert inside == [(1, *found) for found in BROKEN]


def test_an_envelope_that_is_wrong_itself(tmp_path: Path) -> None:
    around: dict[str, Any] = {"data": [], "links": {"self": "here"}, "meta": {"requestDateTime": None}}
    assert check(PERSON, tmp_path / "a.json", json.dumps(around)) == [
        (1, "S-format:/links/self", "$.links.self", "reject"),
        (1, "D-null:/meta/requestDateTime", "$.meta.requestDateTime", "reject"),
        (1, "S-minItems:/data", "$", "reject"),
    ]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert check(PERSON, tmp_path / "a.json", b"\xef\xbb\xbf" + json.dumps(valid(PERSON)).encode()) == [
        (1, *CLEAN)
    ]


def test_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.BytesIO(json.dumps([bad_person()]).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(text))
    found = [shown(item) for item in check_files(PERSON, ["-"], reference_date=DAY)]
    assert found == [(1, *broken) for broken in BROKEN]


def test_what_is_no_document_is_a_finding(tmp_path: Path) -> None:
    assert check(QUALIFICATION, tmp_path / "a.jsonl", '5\nnull\n"x"\n') == [
        (1, "S-type:/data", "$", "reject"),
        (2, "D-null:/data", "$", "reject"),
        (3, "S-type:/data", "$", "reject"),
    ]


def test_a_list_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    people = [{**valid(PERSON), "civilName": "x" * size} for size in (69, 1_500_000, 70, 3_000_000, 1)]
    found = check(PERSON, tmp_path / "a.json", json.dumps(people, indent=1))
    assert [number for number, rule, _, _ in found if rule is None] == [1, 3, 5]
    assert [number for number, rule, _, _ in found if rule == "S-maxLength:/data/civilName"] == [2, 4]


NAME = "Ana Beatriz"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.json", "", "start: no JSON at character 1"),
        ("a.json", f'{{"civilName": "{NAME}"', "start: no JSON at character"),
        (
            "a.json",
            f'[{{"civilName": "{NAME}"}}, {{"civilName": {NAME}}}]',
            "element 2: no JSON at character",
        ),
        ("a.json", "[{}, {}", "element 2: no JSON"),
        ("a.json", "[{},]", "element 2: no JSON"),
        ("a.json", "[{}] x", "end: something stands after the list"),
        ("a.jsonl", f'{{}}\n\n{{"civilName": "{NAME}\n', "line 3: no JSON at character"),
        (
            "a.jsonl",
            f'{{"civilName": "{NAME}", "civilName": "{NAME}"}}',
            "line 1: a property stands twice",
        ),
        ("a.json", '{"year": NaN}', "line 1: NaN and Infinity are no JSON numbers"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", b'{"civilName": "Jos\xe9"}', "start: not UTF-8"),
        ("a.json", b'[{"civilName": "\xff"}]', "not UTF-8"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, text: str | bytes, place: str) -> None:
    with pytest.raises(UnreadableInput, match=place) as caught:
        check(PERSON, tmp_path / name, text)
    assert caught.value.exit_code == 2
    assert name in str(caught.value)
    assert NAME not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableInput):
        list(check_files(PERSON, [str(tmp_path / name)]))


def test_unknown_structure_and_version() -> None:
    with pytest.raises(UsageError):
        list(check_files("persons", []))
    with pytest.raises(UsageError):
        list(check_files(PERSON, [], "9.9.9"))


def test_an_omission_of_the_batch_is_a_violation_here(tmp_path: Path) -> None:
    person = valid(PERSON)
    del person["contacts"]["phones"][1]["areaCode"]
    found = check(PERSON, tmp_path / "a.json", json.dumps(person))
    assert found == [
        (1, "S-required:/data/contacts/phones/areaCode", "$.contacts.phones[1].areaCode", "reject")
    ]


def test_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "warned.json").write_text(json.dumps({**valid(PERSON), "birthDate": "1900-01-01"}))
    (tmp_path / "bad.json").write_text(json.dumps(bad_person()))
    codes = [
        exit_code(found.severity for found in check_files(PERSON, [str(tmp_path / name)], reference_date=DAY))
        for name in ("warned.json", "bad.json")
    ]
    assert codes == [0, 1]


def test_a_record_is_what_the_command_line_promises(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**valid(PERSON), "civilName": "\ud800" + NAME}))
    (found,) = check_files(PERSON, [str(path)], reference_date=DAY)
    assert json.loads(json.dumps(found.record(), ensure_ascii=False).encode()) == {
        "file": str(path),
        "document": 1,
        "rule": "S-type:/data/civilName",
        "occurrence": "$.civilName",
        "severity": "reject",
        "message": "must be of the JSON type string",
        "shape": "?AAA AAAAAAA",
    }


_NO = object()
BAD_ENVELOPE: dict[str, list[tuple[str, object]]] = {
    "required": [("links", _NO), ("meta", _NO), ("links.self", _NO), ("meta.requestDateTime", _NO)],
    "type": [(name, 5) for name in ("links", "meta")],
    "null": [(name, None) for name in ("links", "meta")],
}
TEXTS = [*(f"links.{name}" for name in ("self", "first", "prev", "next", "last")), "meta.requestDateTime"]
BAD_ENVELOPE["type"] += [(name, 5) for name in TEXTS]
BAD_ENVELOPE["null"] += [(name, None) for name in TEXTS]
BAD_ENVELOPE["maxLength"] = [(name, "https://x.example/" + "x" * 2000) for name in TEXTS]
BAD_ENVELOPE["format"] = [(name, "somewhere") for name in TEXTS]
BAD_ENVELOPE["utcDateTime"] = [("meta.requestDateTime", "2026-11-20t12:00:00z")]


def _envelope(name: str, value: object) -> dict[str, Any]:
    around: dict[str, Any] = {"data": [valid(PERSON)], **json.loads(json.dumps(AROUND))}
    holder, _, last = name.rpartition(".")
    target = around[holder] if holder else around
    if value is _NO:
        del target[last]
    else:
        target[last] = value
    return around


def test_every_rule_of_the_envelope_fires() -> None:
    assert judge_envelope(PERSON, {"data": [valid(PERSON)], **AROUND}) == []
    fired = {
        (problem.rule, problem.xpath)
        for cases in BAD_ENVELOPE.values()
        for name, value in cases
        for problem in judge_envelope(PERSON, _envelope(name, value))
    }
    assert fired == {(rule.id, rule.xpath) for rule in envelope_rules()}


@pytest.mark.parametrize(
    ("data", "rule"),
    [(_NO, "S-required:/data"), ({}, "S-type:/data"), (None, "D-null:/data"), ([], "S-minItems:/data")],
)
def test_every_rule_of_the_list_of_documents_fires(data: object, rule: str) -> None:
    found = [
        (problem.rule, problem.occurrence) for problem in judge_envelope(PERSON, _envelope("data", data))
    ]
    assert found == [(rule, "$")]
