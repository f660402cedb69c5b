"""One class of expectations for each kind of rule; the sentence that one reads as comes from its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.gx import RuleExpectation

if TYPE_CHECKING:
    from customers.errata import Class
    from expectations.catalogue import Judged


class ExpectFieldPresent(RuleExpectation):
    """A required field is there wherever the object around it is."""


class ExpectJsonType(RuleExpectation):
    """A value is of its JSON type."""


class ExpectMinimumLength(RuleExpectation):
    """A text has at least so many characters."""


class ExpectMaximumLength(RuleExpectation):
    """A text has at most so many characters."""


class ExpectPattern(RuleExpectation):
    """A text matches a pattern as a whole."""


class ExpectFormat(RuleExpectation):
    """A text has a format: a real date, a real date-time, an e-mail address."""


class ExpectDomain(RuleExpectation):
    """A text is in its domain."""


class ExpectMinimumItems(RuleExpectation):
    """A list has at least so many elements."""


class ExpectMaximumItems(RuleExpectation):
    """A list has at most so many elements."""


class ExpectMaximum(RuleExpectation):
    """A number is not larger."""


class ExpectNotBlank(RuleExpectation):
    """A text is neither empty nor blank."""


class ExpectNoFiller(RuleExpectation):
    """A text is no word that stands for no value."""


class ExpectYear(RuleExpectation):
    """A number is a year."""


class ExpectUtcDateTime(RuleExpectation):
    """A date-time has the one form in UTC."""


class ExpectReferenceCode(RuleExpectation):
    """A code is in a reference table."""


class ExpectCheckDigits(RuleExpectation):
    """A document number has right check digits."""


class ExpectMapped(RuleExpectation):
    """A value was made from a code that the core's configuration knows."""


class ExpectPresentWhen(RuleExpectation):
    """A field is there where a condition holds."""


class ExpectAbsentWhen(RuleExpectation):
    """A field is not there where a condition holds."""


class ExpectCondition(RuleExpectation):
    """A condition holds, wherever another does."""


KINDS: dict[str, type[RuleExpectation]] = {
    "required": ExpectFieldPresent,
    "type": ExpectJsonType,
    "minLength": ExpectMinimumLength,
    "maxLength": ExpectMaximumLength,
    "pattern": ExpectPattern,
    "format": ExpectFormat,
    "enum": ExpectDomain,
    "minItems": ExpectMinimumItems,
    "maxItems": ExpectMaximumItems,
    "maximum": ExpectMaximum,
    "notBlank": ExpectNotBlank,
    "notFiller": ExpectNoFiller,
    "yearRange": ExpectYear,
    "utcDateTime": ExpectUtcDateTime,
    "isoCountry": ExpectReferenceCode,
    "checkDigits": ExpectCheckDigits,
    "mapped": ExpectMapped,
    "requiredWhen": ExpectPresentWhen,
    "forbiddenWhen": ExpectAbsentWhen,
    "must": ExpectCondition,
}

_GX_SEVERITY: dict[Class, FailureSeverity] = {
    "violation": FailureSeverity.CRITICAL,
    "suspect": FailureSeverity.WARNING,
    "advice": FailureSeverity.INFO,
}


def expectation(judged: Judged) -> RuleExpectation:
    """Make the expectation of one rule; its fields are right, and to have that checked takes as long as the rest."""
    return KINDS[judged.kind].construct(
        rule=judged.key.rule,
        xpath=judged.key.xpath,
        sentence=judged.sentence,
        severity=_GX_SEVERITY[judged.klass],
        meta={"rule_id": judged.key.rule, "xpath": judged.key.xpath, "block": judged.block},
    )
