"""The masks of the prose rules: conditions judged on the rows of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from expectations.cells import positions
from expectations.masks import Mask
from expectations.truths import truth

if TYPE_CHECKING:
    from customers.rule_kinds import ProseRule
    from expectations.cells import Booleans
    from expectations.scope import Scope


def prose_mask(rules: tuple[ProseRule, ...], block: str, scope: Scope) -> Mask:
    """Judge the prose rules of one key together: a row fails if it fails one of them.

    Where the field itself was not read, the rule is unknown: such a value gets one finding and no other.
    """
    size = len(scope.rows(block))
    applied, failed, unknown = (np.zeros(size, dtype=np.bool_) for _ in range(3))
    own = _unread(rules[0].xpath, block, scope)
    for rule in rules:
        when, must = truth(rule.when, scope, block), truth(rule.must, scope, block)
        decided = when.true & must.known
        undecided = ~decided & ~when.false
        if np.count_nonzero(undecided):
            undecided &= _unjudgeable(rule, block, scope)
        failed |= decided & must.false & ~own
        unknown |= undecided | (decided & own)
        applied |= decided | undecided
    unknown &= ~failed
    return Mask(int(applied.sum()), int(unknown.sum()), positions(failed))


def _unread(xpath: str, block: str, scope: Scope) -> Booleans:
    if scope.fields[xpath].is_leaf:
        return scope.unread(xpath, block)
    return np.zeros(len(scope.rows(block)), dtype=np.bool_)


def _unjudgeable(rule: ProseRule, block: str, scope: Scope) -> Booleans:
    """Say in which rows an undecided rule is unknown rather than not applicable.

    It is where an operand was not read, or where all operands are there and one is no number, no date or no
    code that a table has. A missing operand alone means that the rule does not apply.
    """
    size = len(scope.rows(block))
    unread, complete = np.zeros(size, dtype=np.bool_), np.ones(size, dtype=np.bool_)
    for xpath in rule.xpaths:
        unread |= _unread(xpath, block, scope)
        if scope.fields[xpath].is_leaf and scope.leaf_block(xpath) == block:
            complete &= scope.cells(xpath).present
    return unread | complete
