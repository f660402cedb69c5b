"""The verdict of Great Expectations on the masks of a structure; it is imported here, and only when asked."""

from __future__ import annotations

import logging
from functools import cache
from threading import RLock, get_ident
from typing import TYPE_CHECKING, NamedTuple

from customers.dictionary import DEFAULT_VERSION
from customers.structures import STRUCTURES
from expectations.catalogue import NEVER_APPLIES, Judged, catalogue
from expectations.library import fields_copied_by_slot, import_great_expectations
from expectations.masks import Mask, Masks, RuleKey, all_pass

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from great_expectations.validator.v1_validator import Validator

    from expectations.gx import SealedMasks


class Verdict(NamedTuple):
    """State what Great Expectations returned for one rule: success, the counts, and every failing row."""

    judged: Judged
    success: bool
    mask: Mask


_ON_NOTHING = (True, all_pass(0))


@cache
def suite(structure: str, version: str = DEFAULT_VERSION) -> ExpectationSuite:
    """Compile the rules of a structure into a suite: one expectation for each that a block can break."""
    import_great_expectations()
    from great_expectations.core import ExpectationSuite  # noqa: PLC0415 (more than a second)

    with fields_copied_by_slot():
        from expectations.kinds import expectation  # noqa: PLC0415 (as above)

    expectations = [
        expectation(judged) for judged in catalogue(structure, version) if judged.kind not in NEVER_APPLIES
    ]
    for other in expectations[1:]:
        other.leave_asking()
    return ExpectationSuite(f"{structure} {version}", expectations=expectations)


# This one sets its own level to INFO, and speaks wherever the root logger has a handler, as under Prefect.
_TALKATIVE = "great_expectations.data_context.types.base"


@cache
def _validator(thread: int) -> tuple[SealedMasks, Validator]:  # noqa: ARG001 (a context keeps one active batch)
    """Set up an ephemeral context that tells nobody and draws no progress bars, and what validates its one batch.

    The batch is a frame whose one cell is given the masks to be judged: a new frame would take a fifth of a validation,
    and as much what the batch itself makes for each. Each thread has its own.
    """
    import_great_expectations()
    import great_expectations  # noqa: PLC0415 (as above)
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415 (as above)
    from great_expectations.validator.v1_validator import Validator  # noqa: PLC0415 (as above)

    logging.getLogger(_TALKATIVE).setLevel(logging.WARNING)
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.analytics_enabled = False
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("blocks")
    definition = source.add_dataframe_asset("masks").add_batch_definition_whole_dataframe("bucket")

    import pandas as pd  # noqa: PLC0415 (as above)
    from tqdm import tqdm  # noqa: PLC0415 (as above)

    from expectations.gx import COLUMN, SealedMasks  # noqa: PLC0415 (as above)

    # Those bars, drawn or not, would be watched by a thread, which is none of those that a forked process has, and take
    # a semaphore of the system, which a killed process leaves behind.
    tqdm.monitor_interval = 0
    tqdm.set_lock(RLock())
    sealed = SealedMasks({})
    frame = pd.DataFrame({COLUMN: [sealed]})
    return sealed, Validator(definition, result_format="COMPLETE", batch_parameters={"dataframe": frame})


def validate(
    masks: Masks, structure: str, version: str = DEFAULT_VERSION
) -> ExpectationSuiteValidationResult:
    """Let Great Expectations judge the masks of a structure; the result holds positions and counts, no values."""
    sealed, validator = _validator(get_ident())
    sealed.masks = masks
    try:
        return validator.validate_expectation_suite(suite(structure, version))
    finally:
        sealed.masks = {}


def warm_up() -> None:
    """Let the suite of each structure judge nothing: half a second, better spent while something else is waited for.

    What is made by it is there in every process that is forked from this thread.
    """
    for structure in STRUCTURES:
        rules = (
            rule for rule in catalogue(structure.name, DEFAULT_VERSION) if rule.kind not in NEVER_APPLIES
        )
        validate({rule.key: all_pass(0) for rule in rules}, structure.name, DEFAULT_VERSION)


def verdicts(masks: Masks, structure: str, version: str = DEFAULT_VERSION) -> list[Verdict]:
    """Read the verdicts off the validation's results, in the catalogue's order; matched by rule id and xpath.

    A rule that no block can break has no expectation: it applied to nothing.

    Raises RuntimeError if an expectation could not be judged, which is a defect of this program.
    """
    by_key = {
        judged.key: _ON_NOTHING for judged in catalogue(structure, version) if judged.kind in NEVER_APPLIES
    }
    for result in validate(masks, structure, version).results:
        configuration, details = result.expectation_config, result.result
        meta = {} if configuration is None else configuration.meta
        key = RuleKey(meta["rule_id"], meta["xpath"])
        if "unexpected_index_list" not in details:
            message = f"Great Expectations could not judge {key.rule} at {key.xpath} of {structure}"
            raise RuntimeError(message)
        mask = Mask(details["element_count"], details["unknown_count"], details["unexpected_index_list"])
        by_key[key] = (bool(result.success), mask)
    return [Verdict(judged, *by_key[judged.key]) for judged in catalogue(structure, version)]


def verdicts_on_nothing(structure: str, version: str = DEFAULT_VERSION) -> list[Verdict]:
    """Return the verdicts where there is no document: every rule applied to nothing, and nobody need be asked."""
    return [Verdict(judged, *_ON_NOTHING) for judged in catalogue(structure, version)]
