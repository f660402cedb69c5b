"""Consents taken over from files: what is written, what is refused, what the operator hears."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from customers.errors import CadastraError, UnreadableInput
from flows.cli import app
from sql.consents import import_consents
from sql.store import open_store
from tests.api_server import consent, write_lines

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LATER = "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"
CPF, CNPJ = "10000000001", "10000000000000"


def kept(database: str) -> list[dict[str, object]]:
    with open_store(database) as store:
        return store.query("SELECT * FROM consents ORDER BY consent_id")


def test_new_and_changed_consents_are_written_and_the_same_ones_are_left(
    any_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "consents.jsonl"
    ana = consent("urn:bank:1", CPF, "F", expires_at="2026-12-31T21:00:00-03:00")
    firm = consent("urn:bank:2", CNPJ, "J", joint_approval="PENDING")
    outcome = import_consents(any_database, write_lines(file, [ana, firm]), FIRST)
    assert (outcome.read, outcome.written, outcome.unchanged, outcome.refused) == (2, 2, 0, ())
    outcome = import_consents(any_database, write_lines(file, [{**ana, "status": "REVOKED"}, firm]), LATER)
    assert (outcome.read, outcome.written, outcome.unchanged) == (2, 1, 1)
    assert kept(any_database) == [
        {
            "consent_id": "urn:bank:1",
            "tax_id": CPF,
            "kind": "F",
            "status": "REVOKED",
            "permissions": "CUSTOMERS_PERSONAL_ADITTIONALINFO_READ CUSTOMERS_PERSONAL_IDENTIFICATIONS_READ",
            "joint_approval": "NOT_NEEDED",
            "expires_at": "2027-01-01T00:00:00Z",
            "imported_at": LATER,
        },
        {
            "consent_id": "urn:bank:2",
            "tax_id": CNPJ,
            "kind": "J",
            "status": "AUTHORISED",
            "permissions": "CUSTOMERS_BUSINESS_ADITTIONALINFO_READ CUSTOMERS_BUSINESS_IDENTIFICATIONS_READ",
            "joint_approval": "PENDING",
            "expires_at": None,
            "imported_at": FIRST,
        },
    ]


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_csv_file_may_separate_by_comma_or_semicolon(
    separator: str, sqlite_url: str, tmp_path: Path
) -> None:
    rows = [
        ["consent_id", "tax_id", "kind", "status", "permissions", "joint_approval", "expires_at"],
        ["c1", CPF, "F", "AUTHORISED", '"A_READ B_READ"', "", ""],
        ["c2", CPF, "F", "REJECTED", '"A_READ|B_READ"', "REFUSED", "2026-01-01T00:00:00Z"],
    ]
    file = tmp_path / "consents.csv"
    file.write_text("\ufeff" + "\r\n".join(separator.join(row) for row in rows), encoding="utf-8")
    assert import_consents(sqlite_url, file, FIRST).refused == ()
    found = [(row["permissions"], row["joint_approval"], row["expires_at"]) for row in kept(sqlite_url)]
    assert found == [
        ("A_READ B_READ", "NOT_NEEDED", None),
        ("A_READ B_READ", "REFUSED", "2026-01-01T00:00:00Z"),
    ]


def test_the_last_line_about_a_consent_wins(sqlite_url: str, tmp_path: Path) -> None:
    lines = [consent("c", CPF, "F"), consent("c", CPF, "F", status="REVOKED")]
    assert import_consents(sqlite_url, write_lines(tmp_path / "c.jsonl", lines), FIRST).written == 1
    assert [row["status"] for row in kept(sqlite_url)] == ["REVOKED"]


def test_what_cannot_be_used_is_named_by_line_and_column_and_never_quoted(
    sqlite_url: str, tmp_path: Path
) -> None:
    bad = {
        "consent_id": consent("two words", CPF, "F"),
        "tax_id": consent("a", "123.456.789-09", "F"),
        "kind": {**consent("b", CPF, "F"), "kind": "X"},
        "status": consent("c", CPF, "F", status="authorised"),
        "permissions": consent("d", CPF, "F", permissions=["customers read"]),
        "joint_approval": consent("e", CPF, "F", joint_approval="MAYBE"),
        "expires_at": consent("f", CPF, "F", expires_at="2026-01-01T00:00:00"),
    }
    file = write_lines(tmp_path / "c.jsonl", [consent("good", CPF, "F"), *bad.values()])
    with file.open("a") as lines:
        lines.write('{"consent_id": \n[1]\n\n{"consent_id": "g", "cpf": "10000000001"}\n')
    outcome = import_consents(sqlite_url, file, FIRST)
    assert (outcome.read, outcome.written) == (11, 1)
    found = {(refused.line, refused.column) for refused in outcome.refused}
    assert {(number, name) for number, name in enumerate(bad, start=2)} <= found
    assert {line for line, _ in found} == {*range(2, 11), 12}
    told = json.dumps([refused.problem for refused in outcome.refused])
    assert not any(value in told for value in ("123.456", "two words", "MAYBE", "customers read", CPF))
    assert [row["consent_id"] for row in kept(sqlite_url)] == ["good"]


def test_a_file_that_is_none_is_refused_whole(sqlite_url: str, tmp_path: Path) -> None:
    for name, content in {
        "header.csv": b"id,tax_id\n1,2\n",
        "latin.csv": "consent_id,tax_id,kind,status,permissions\nç".encode("latin-1"),
        "empty.csv": b"",
    }.items():
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(UnreadableInput, match=name):
            import_consents(sqlite_url, file, FIRST)
    with pytest.raises(UnreadableInput, match="absent"):
        import_consents(sqlite_url, tmp_path / "absent.csv", FIRST)


def test_the_command_line_reports_and_exits_with_1_where_some_were_refused(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_lines(tmp_path / "c.jsonl", [consent("good", CPF, "F"), consent("bad", "1", "F")])
    with pytest.raises(CadastraError, match="1 consents of") as refused:
        app(["consents", "import", str(file), "--database", sqlite_url, "--json"], standalone_mode=False)
    assert refused.value.exit_code == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["read"], told["written"], len(told["refused"])) == (2, 1, 1)
    with pytest.raises(CadastraError):
        app(["consents", "import", str(file), "--database", sqlite_url], standalone_mode=False)
    assert "line 2" in capsys.readouterr().err
