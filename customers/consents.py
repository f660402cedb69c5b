"""Consents as the Customers API needs them: who allowed what, and whether it still holds.

Consents are no core-banking data: they come from the institution's consent server, as a file or with each token.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator

from customers.structures import Kind  # noqa: TC001 - pydantic reads it

Status = Literal["AWAITING_AUTHORISATION", "AUTHORISED", "REJECTED", "REVOKED", "EXPIRED", "CONSUMED"]
JointApproval = Literal["NOT_NEEDED", "PENDING", "APPROVED", "REFUSED"]
STATUSES: tuple[str, ...] = get_args(Status)
JOINT_APPROVALS: tuple[str, ...] = get_args(JointApproval)

_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_BETWEEN_PERMISSIONS = re.compile(r"[\s,;|]+")
_TAX_ID = {"F": re.compile(r"[0-9]{11}"), "J": re.compile(r"[0-9A-Z]{12}[0-9]{2}")}


class Consent(NamedTuple):
    """One consent; ``expires_at`` is UTC text, or None where it has no end. Only its state shows in a repr."""

    consent_id: str
    tax_id: str
    kind: str
    status: str
    permissions: frozenset[str]
    joint_approval: str
    expires_at: str | None

    def __repr__(self) -> str:
        """Leave out the id, which opens the documents, and whose they are."""
        return f"Consent(kind={self.kind!r}, status={self.status!r}, expires_at={self.expires_at!r})"

    def status_at(self, moment: str) -> str:
        """Return the status at a moment (UTC text): what was authorised may have expired since.

        >>> consent = Consent("c", "1", "F", "AUTHORISED", frozenset(), "NOT_NEEDED", "2026-01-01T00:00:00Z")
        >>> consent.status_at("2025-12-31T23:59:59Z"), consent.status_at("2026-01-01T00:00:00Z")
        ('AUTHORISED', 'EXPIRED')
        """
        if self.status == "AUTHORISED" and self.expires_at is not None and self.expires_at <= moment:
            return "EXPIRED"
        return self.status


def _listed(value: object) -> object:
    return [name for name in _BETWEEN_PERMISSIONS.split(value) if name] if isinstance(value, str) else value


class ConsentRecord(BaseModel):
    """One consent as another system hands it over, in a file or beside a token.

    A missing or empty ``joint_approval`` means that none is needed, a missing ``expires_at`` that the consent has
    no end. Permissions are a list, or one text with blanks, commas, semicolons or bars between them.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    consent_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")]
    tax_id: str
    kind: Kind
    status: Status
    permissions: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[A-Z_]{1,100}$")]], BeforeValidator(_listed)
    ]
    joint_approval: JointApproval = "NOT_NEEDED"
    expires_at: AwareDatetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:  # noqa: ANN401 - whatever a file may hold
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None and value != ""}

    @model_validator(mode="after")
    def _tax_id_of_its_kind(self) -> ConsentRecord:
        if not _TAX_ID[self.kind].fullmatch(self.tax_id):
            raise ValueError("not 11 digits for kind F, or not a CNPJ without mask for kind J")
        return self

    def consent(self) -> Consent:
        """Return the consent."""
        return Consent(
            consent_id=self.consent_id,
            tax_id=self.tax_id,
            kind=self.kind,
            status=self.status,
            permissions=frozenset(self.permissions),
            joint_approval=self.joint_approval,
            expires_at=None if self.expires_at is None else moment_of(self.expires_at),
        )


def moment_of(moment: datetime) -> str:
    """Return a moment as UTC text.

    >>> moment_of(datetime.fromisoformat("2026-11-20T00:00:00-03:00"))
    '2026-11-20T03:00:00Z'
    """
    return moment.astimezone(UTC).strftime(_MOMENT)
