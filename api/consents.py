"""Where consents come from: the serving database's own table, or the authorisation server that issued the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import httpx
from pydantic import ValidationError

from customers.consents import ConsentRecord

if TYPE_CHECKING:
    from api.settings import ApiSettings
    from customers.consents import Consent
    from sql.reading import Person, Reader

_SCOPE = "customers"
_CONSENT_SCOPE = "consent:"


class SourceUnavailable(Exception):
    """Say that the source of consents does not answer; the message holds no token."""


class Found(NamedTuple):
    """A consent, or None for a token that nobody knows or that does not hold any more.

    ``person`` has all documents; None where the reader is to be asked: the source knows consents only, or there are
    too many documents.
    """

    consent: Consent | None
    person: Person | None


class ConsentSource(Protocol):
    """Find the consent behind a bearer token."""

    async def find(self, token: str, structure: str, most: int) -> Found:
        """Return the consent and, where that costs no further question, the documents of its person if at most so many.

        Raise SourceUnavailable where nobody can tell.
        """

    async def close(self) -> None:
        """Let go of what is open."""


class TableConsents:
    """Take the token for the id of a consent in the table ``consents``.

    For a gateway that has checked the access token itself and hands on the id of the consent in its place.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def find(self, token: str, structure: str, most: int) -> Found:
        """Return the consent of that id, and its person's documents as of the same moment."""
        return Found(*await self._reader.consented(structure, token, most))

    async def close(self) -> None:
        """Do nothing: the reader is the application's."""


class IntrospectedConsents:
    """Ask an authorisation server about each token (RFC 7662).

    The answer's ``consent`` holds the facts, as a line of a file of consents does; without it, the scope
    ``consent:<id>`` names a consent in the table ``consents``. A token without the scope ``customers`` has no
    permission here.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, reader: Reader) -> None:
        self._client, self._url, self._reader = client, url, reader

    async def find(self, token: str, structure: str, most: int) -> Found:  # noqa: ARG002 - the protocol's
        """Return the consent behind a token, or none where the server calls the token inactive."""
        answer = await self._ask(token)
        if answer.get("active") is not True:
            return Found(None, None)
        scopes = str(answer.get("scope", "")).split()
        consent = await self._consent(answer, scopes)
        if consent is not None and _SCOPE not in scopes:
            consent = consent._replace(permissions=frozenset())
        return Found(consent, None)

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._client.aclose()

    async def _ask(self, token: str) -> dict[str, Any]:
        try:
            response = await self._client.post(
                self._url, data={"token": token, "token_type_hint": "access_token"}
            )
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as problem:
            raise SourceUnavailable(f"introspection: {type(problem).__name__}") from None
        if not isinstance(answer, dict):
            raise SourceUnavailable("introspection: the answer is no JSON object")
        return answer

    async def _consent(self, answer: dict[str, Any], scopes: list[str]) -> Consent | None:
        if "consent" in answer:
            try:
                return ConsentRecord.model_validate(answer["consent"]).consent()
            except ValidationError:
                raise SourceUnavailable(
                    "introspection: the consent lacks a fact or has one of no form"
                ) from None
        named = [scope.removeprefix(_CONSENT_SCOPE) for scope in scopes if scope.startswith(_CONSENT_SCOPE)]
        return await self._reader.consent(named[0]) if len(named) == 1 else None


def source_of(settings: ApiSettings, reader: Reader) -> ConsentSource:
    """Make the source that the settings name: introspection where it has an address, else the table."""
    if settings.introspection_url is None:
        return TableConsents(reader)
    client = httpx.AsyncClient(
        timeout=settings.introspection_seconds,
        auth=(settings.introspection_client_id, settings.introspection_client_secret.get_secret_value()),
        headers={"accept": "application/json"},
        limits=httpx.Limits(max_connections=settings.most_at_once, max_keepalive_connections=20),
        trust_env=False,
    )
    return IntrospectedConsents(client, str(settings.introspection_url), reader)
