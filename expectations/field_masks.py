"""The masks of the field rules: what each applies to in a block, and which rows break it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from customers.formats import NUMBER
from expectations import kernels
from expectations.catalogue import unread_rule
from expectations.cells import positions
from expectations.masks import NOTHING, Mask, all_pass

if TYPE_CHECKING:
    from customers.rule_kinds import FieldRule
    from expectations.cells import Booleans, Cells, Positions
    from expectations.scope import Scope


def field_mask(rule: FieldRule, scope: Scope) -> Mask:
    """Judge one field rule on its block."""
    structural = scope.is_block(rule.xpath) or not scope.fields[rule.xpath].is_leaf
    match rule.keyword:
        case "required":
            return _required(rule.xpath, scope)
        case "minItems" | "maxItems":
            return _occurrences(rule, scope)
        case "type" if structural and not (rule.on_items and scope.fields[rule.xpath].is_leaf):
            return all_pass(_nodes(rule, scope))
        case _:
            return _values(rule, scope)


def mapped_mask(xpath: str, scope: Scope) -> Mask:
    """Judge whether the values of a leaf without any rule on what they may be could be read."""
    cells = scope.cells(xpath)
    return Mask(cells.applied, 0, cells.unread)


def _nodes(rule: FieldRule, scope: Scope) -> int:
    """Count the lists, elements or objects that a document would have."""
    if rule.on_items or rule.xpath == "/data":
        return len(scope.rows(rule.xpath))
    return int(_sent(rule.xpath, scope).sum())


def _sent(xpath: str, scope: Scope) -> Booleans:
    """Say in which rows a list or object is sent: a required list always is, empty or not."""
    if scope.is_block(xpath) and scope.fields[xpath].obligation == "required":
        return _around(xpath, scope)
    return scope.present(xpath)


def _around(xpath: str, scope: Scope) -> Booleans:
    """Say in which rows the object around an xpath is present."""
    return scope.present(xpath.rsplit("/", 1)[0]) if not _at_top(xpath, scope) else _all(xpath, scope)


def _at_top(xpath: str, scope: Scope) -> bool:
    return xpath.rsplit("/", 1)[0] == scope.home(xpath)


def _all(xpath: str, scope: Scope) -> Booleans:
    return np.ones(len(scope.rows(scope.home(xpath))), dtype=np.bool_)


def _required(xpath: str, scope: Scope) -> Mask:
    """Ask for the field wherever the object around it is present; a required list is always there."""
    if xpath == "/data":
        return all_pass(len(scope.documents))
    expected = _around(xpath, scope)
    if scope.is_block(xpath):
        return all_pass(int(expected.sum()))
    return Mask(int(expected.sum()), 0, positions(expected & ~scope.present(xpath)))


def _occurrences(rule: FieldRule, scope: Scope) -> Mask:
    """Count the elements of each list that is sent."""
    if rule.xpath == "/data":
        return all_pass(len(scope.documents))
    sent, counts = _sent(rule.xpath, scope), scope.children(rule.xpath)
    bound = cast("int", rule.argument)
    wrong = counts < bound if rule.keyword == "minItems" else counts > bound
    return Mask(int(sent.sum()), 0, positions(sent & wrong))


def _values(rule: FieldRule, scope: Scope) -> Mask:
    """Judge the readable values; an unread one fails the one rule of its leaf and is unknown to the others."""
    cells = scope.cells(rule.xpath)
    if not cells.applied:
        return all_pass(0)
    documents = scope.documents
    takes_unread = rule.id == unread_rule(documents.structure, rule.xpath, documents.version)
    failed, unjudged = _broken(rule, cells, scope)
    if not len(cells.unread):
        return Mask(cells.applied, unjudged, failed)
    if takes_unread:
        return Mask(cells.applied, unjudged, np.union1d(failed, cells.unread))
    return Mask(cells.applied, unjudged + len(cells.unread), failed)


def _broken(rule: FieldRule, cells: Cells, scope: Scope) -> tuple[Positions, int]:
    """Return the rows of readable values that break a rule, and how many are no numbers and not judged."""
    texts = cells.texts
    if not len(texts):
        return NOTHING, 0
    good = kernels.KERNELS[rule.keyword](texts, rule.argument)
    if rule.keyword == "type" or scope.fields[rule.xpath].type != "number":
        return (NOTHING if np.count_nonzero(good) == len(good) else texts.rows[~good]), 0
    numeric = kernels.matches(texts, NUMBER)
    return texts.rows[~good & numeric], int((~numeric).sum())
