"""The terms of a run's buckets as a file of its spill, for workers on other machines: without a secret, and signed.

Neither the institution's secret nor the database's URL is in it: a worker has its own CADASTRA_SECRET and
CADASTRA_DATABASE_URL. The signature is keyed with the secret, so that nobody who can only write to the spill can make a
worker do anything, and a worker with another secret is told so before it makes a single id.
"""

from __future__ import annotations

import hashlib
import hmac
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

from customers.errors import UsageError
from flows.memory import made_by
from mappings.spill import open_file, written

if TYPE_CHECKING:
    from flows.bucket import Terms

_PURPOSE = b"cadastra: the terms of a run\n"
_LENGTH = hashlib.sha256().digest_size


def seal(terms: Terms) -> str:
    """Write the terms into the spill and return where they are."""
    place = f"{terms.folder}/_terms"
    content = pickle.dumps((_made_by(terms), replace(terms, secret="", database_url="")))
    with written(), open_file(place, "wb") as file:
        file.write(_signature(terms.secret, content) + content)
    return place


def unseal(place: str, secret: str, database_url: str) -> Terms:
    """Read terms and complete them with what this worker knows by itself.

    Raises UsageError where they cannot be read, were signed with another secret or made by another program.
    """
    try:
        with open_file(place, "rb") as file:
            sealed = bytes(file.read())
    except OSError:
        raise UsageError("a worker cannot read the run's private files (CADASTRA_SPILL)") from None
    signature, content = sealed[:_LENGTH], sealed[_LENGTH:]
    if not hmac.compare_digest(signature, _signature(secret, content)):
        raise UsageError("a worker's CADASTRA_SECRET is not that of the run")
    made, terms = pickle.loads(content)  # noqa: S301 (signed by whoever knows the secret)
    complete: Terms = replace(terms, secret=secret, database_url=database_url)
    if made != _made_by(complete):
        raise UsageError("a worker has another version of cadastra, its rules or its core than the run")
    return complete


def _made_by(terms: Terms) -> str:
    return made_by(terms.core, terms.version, terms.secret, terms.control.business_date)


def _signature(secret: str, content: bytes) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + content, hashlib.sha256).digest()
