"""The six resources: from a request's head to a document's bytes, which nobody parses on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from api.exchange import KEY, Refused, moment
from api.headers import bearer, check_optional
from api.negotiation import acceptable
from api.paging import DEFAULT, Page, links, page_of
from api.scenarios import ABSENT
from sql.reading import Person, Question

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from api.consents import ConsentSource
    from api.exchange import Exchange
    from api.scenarios import Scenario, Scenarios
    from customers.consents import Consent
    from customers.structures import Structure
    from sql.reading import Reader

PREFIX: Final = "/open-banking/customers/v2"
_OK = 200
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_SIDES = {"F": "personal", "J": "business"}


def path_of(structure: Structure) -> str:
    """Return the path of a structure's resource."""
    return f"{PREFIX}/{_SIDES[structure.kind]}/{structure.subject.replace('_', '-')}"


def permission_of(structure: Structure) -> str:
    """Return the permission that a resource asks for; the standard's own spelling of ADITTIONALINFO."""
    subject = "IDENTIFICATIONS" if structure.subject == "identifications" else "ADITTIONALINFO"
    return f"CUSTOMERS_{_SIDES[structure.kind].upper()}_{subject}_READ"


@dataclass(frozen=True, slots=True)
class Service:
    """What the endpoints share. ``public_url`` is empty where links show the address of the request."""

    reader: Reader
    source: ConsentSource
    scenarios: Scenarios
    public_url: str


class Resource:
    """Serve the documents of one structure."""

    def __init__(self, structure: Structure, service: Service) -> None:
        self._structure, self._service = structure, service
        self._path = path_of(structure)
        self._permission = permission_of(structure)
        self._is_list = structure.grain == "register"

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        exchange: Exchange = scope[KEY]
        exchange.endpoint = self._structure.name
        token, page = self._read(scope, exchange)
        now = moment()
        most = page.size if self._is_list else 1
        found = await self._service.source.find(token, self._structure.name, most)
        consent = self._allowed(found.consent, now.decode())
        person, total = await self._person(consent, page, found.person)
        exchange.scenario = self._decided(person, page, total).name
        address = (
            self._service.public_url or _origin(scope["scheme"], exchange.headers.get(b"host", b""))
        ) + self._path
        if self._is_list:
            contents = b",".join([document.content for document in person.documents])
            body = _envelope(b"[" + contents + b"]", links(address, page, total), now)
        else:
            body = _envelope(person.documents[0].content, links(address), now)
        await exchange.reply(send, _OK, body)

    def _read(self, scope: Scope, exchange: Exchange) -> tuple[str, Page]:
        """Check everything that needs no database."""
        if scope["method"] != "GET":
            raise Refused("method-not-allowed")
        if not acceptable(exchange.headers):
            raise Refused("not-acceptable")
        token = bearer(exchange.headers)
        if not exchange.given:
            raise Refused("invalid-interaction-id")
        check_optional(exchange.headers)
        return token, page_of(scope["query_string"]) if self._is_list else DEFAULT

    def _allowed(self, consent: Consent | None, now: str) -> Consent:
        """Return the consent where it allows this resource."""
        if consent is None:
            facts = (ABSENT, "RIGHT", "GRANTED", "NOT_NEEDED")
        else:
            kind = "RIGHT" if consent.kind == self._structure.kind else "WRONG"
            permission = "GRANTED" if self._permission in consent.permissions else "MISSING"
            facts = (consent.status_at(now), kind, permission, consent.joint_approval)
        scenario = self._service.scenarios.of_consent[facts]
        if consent is None or scenario.answer.status != _OK:
            raise Refused(scenario.answer.name, scenario=scenario)
        return consent

    async def _person(self, consent: Consent, page: Page, person: Person | None) -> tuple[Person, int]:
        """Return a page of documents, and how many there are: only a second look at a long list counts them."""
        ask, name = self._service.reader.person, self._structure.name
        if page.skip == 0:
            if person is None:
                size = page.size + 1 if self._is_list else 1
                person = await ask(name, Question(consent.tax_id, consent.kind, size), counted=False)
            if len(person.documents) <= page.size:
                return person, len(person.documents)
        person = await ask(name, Question(consent.tax_id, consent.kind, page.size, page.skip), counted=True)
        return person, person.total or 0

    def _decided(self, person: Person, page: Page, total: int) -> Scenario:
        """Return the scenario of what was found; refuse where it is no document."""
        stale = any(document.stale for document in person.documents)
        document = ABSENT if total == 0 else "STALE" if stale else "SERVED"
        scenario = self._service.scenarios.of_person[person.availability or ABSENT, document]
        if scenario.answer.status != _OK:
            raise Refused(scenario.answer.name, scenario=scenario)
        if page.skip >= total:
            raise Refused("page-not-found")
        return scenario


def _envelope(data: bytes, around: bytes, now: bytes) -> bytes:
    return b'{"data":' + data + b',"links":' + around + b',"meta":{"requestDateTime":"' + now + b'"}}'


@lru_cache(256)
def _origin(scheme: str, host: bytes) -> str:
    """Return the address of a request; a Host header that is no host's name is not repeated."""
    return f"{scheme}://{host.decode()}" if _HOST.fullmatch(host) else f"{scheme}://localhost"
