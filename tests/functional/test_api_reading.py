"""What the reader of the Customers API promises whoever asks it, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, TypeVar

import pytest

from sql.reading import Consented, Question, open_reader
from tests import api_bank as bank
from tests.api_bank import ANA, TRIO, VERSION
from tests.api_server import consent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from sql.reading import Person, Reader

Found = TypeVar("Found")
IDENTIFICATIONS = "personal_identifications"


@pytest.fixture
def database(any_database: str, tmp_path: Path) -> str:
    bank.made(any_database, tmp_path)
    return any_database


def reading(database: str, ask: Callable[[Reader], Awaitable[Found]]) -> Found:
    """Ask a reader of its own."""

    async def asked() -> Found:
        reader = open_reader(database, VERSION, seconds=5, connections=2)
        await reader.open()
        try:
            return await ask(reader)
        finally:
            await reader.close()

    return asyncio.run(asked())


def registers(person: Person | None) -> list[str] | None:
    return None if person is None else [json.loads(each.content)["register"] for each in person.documents]


def test_documents_are_in_order_or_left_to_pages(database: str) -> None:
    async def ask(reader: Reader) -> list[Consented]:
        return [await reader.consented(IDENTIFICATIONS, f"c-{TRIO}", most) for most in (2, 3, 4)]

    found = reading(database, ask)
    assert [consent.tax_id for consent, _ in found if consent is not None] == [TRIO] * 3
    assert [registers(person) for _, person in found] == [
        None,
        bank.registers_of(TRIO),
        bank.registers_of(TRIO),
    ]
    page = reading(
        database, lambda reader: reader.person(IDENTIFICATIONS, Question(TRIO, "F", 1, 2), counted=True)
    )
    assert registers(page) == bank.registers_of(TRIO)[2:]
    assert page.total == 3


def test_who_gives_up_keeps_nobody_else_from_an_answer(database: str) -> None:
    async def ask(reader: Reader) -> list[Consented | BaseException]:
        tasks = [
            asyncio.ensure_future(reader.consented(IDENTIFICATIONS, f"c-{who}", 25))
            for who in (ANA, TRIO, ANA)
        ]
        await asyncio.sleep(0)  # until they wait
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, given_up, last = reading(database, ask)
    assert isinstance(given_up, asyncio.CancelledError)
    assert first == last
    assert not isinstance(first, BaseException)
    assert registers(first[1]) == bank.registers_of(ANA)


def test_a_consent_that_changes_is_seen_by_the_next_question(database: str, tmp_path: Path) -> None:
    async def ask(reader: Reader) -> list[str | None]:
        seen = []
        for status in ("AUTHORISED", "REVOKED", "AUTHORISED"):
            bank.take_over(database, tmp_path, consent(f"c-{ANA}", ANA, "F", status=status))
            found, _ = await reader.consented(IDENTIFICATIONS, f"c-{ANA}", 25)
            seen.append(found and found.status)
        return seen

    assert reading(database, ask) == ["AUTHORISED", "REVOKED", "AUTHORISED"]


def test_neither_a_consent_nor_a_person_shows_whose_it_is(database: str) -> None:
    found = reading(database, lambda reader: reader.consented(IDENTIFICATIONS, f"c-{ANA}", 25))
    assert "AUTHORISED" in repr(found)
    assert ANA not in repr(found)
