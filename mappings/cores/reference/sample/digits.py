"""Invented document numbers: valid check digits, unique where needed, in the shapes a core keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from mappings.cores.reference.sample.draw import join, on, padded

if TYPE_CHECKING:
    from mappings.cores.reference.sample.draw import Draw, Ints, Text

# Stepping through the residues of a prime visits each one once: unique numbers without remembering any.
_STRIDE = 618_033_989
_LARGEST_PRIME_BELOW = {8: 99_999_989, 9: 999_999_937, 10: 9_999_999_967}

_CNPJ_WEIGHTS = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_CPF_DIGITS, _CNPJ_DIGITS = 11, 14


def scrambled(positions: Ints, width: int, seed: int) -> Ints:
    """Give each position its own number of up to ``width`` digits (8 to 10), never zero."""
    prime = _LARGEST_PRIME_BELOW[width]
    start = seed * 105_670_001 % (prime // 2)
    return (1 + (positions + start) % (prime - 1)) * _STRIDE % prime


def _check_digit(digits: Ints, weights: Ints) -> Ints:
    rest = digits @ weights % 11
    return np.where(rest < 2, 0, 11 - rest)  # noqa: PLR2004 (modulo 11: remainders 0 and 1 both give 0)


def _with_check_digits(number: Ints, width: int, first: tuple[int, ...], second: tuple[int, ...]) -> Text:
    digits = number[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10
    one = _check_digit(digits, np.array(first))
    two = _check_digit(np.column_stack([digits, one]), np.array(second))
    return padded(number * 100 + one * 10 + two, width + 2)


def cpf(base: Ints) -> Text:
    """Complete nine digits to a CPF.

    >>> cpf(np.array([123456789])).to_pylist()
    ['12345678909']
    """
    return _with_check_digits(base, 9, tuple(range(10, 1, -1)), tuple(range(11, 1, -1)))


def cnpj(root: Ints) -> Text:
    """Complete eight digits to the CNPJ of a head office (0001).

    >>> cnpj(np.array([12345678])).to_pylist()
    ['12345678000195']
    """
    return _with_check_digits(root * 10_000 + 1, 12, _CNPJ_WEIGHTS, (6, *_CNPJ_WEIGHTS))


def random_cpf(draw: Draw, size: int) -> Text:
    """Draw CPFs with valid check digits."""
    return cpf(draw.rng.integers(1, 999_999_999, size=size))


def random_cnpj(draw: Draw, size: int) -> Text:
    """Draw CNPJs with valid check digits."""
    return cnpj(draw.rng.integers(1, 99_999_999, size=size))


def _cut(text: Text, start: int, stop: int) -> Text:
    return pc.utf8_slice_codeunits(text, start, stop)


def masked_cpf(text: Text) -> Text:
    """Write CPFs as ``123.456.789-09``."""
    return join(_cut(text, 0, 3), ".", _cut(text, 3, 6), ".", _cut(text, 6, 9), "-", _cut(text, 9, 11))


def masked_cnpj(text: Text) -> Text:
    """Write CNPJs as ``12.345.678/0001-95``."""
    head = join(_cut(text, 0, 2), ".", _cut(text, 2, 5), ".", _cut(text, 5, 8))
    return join(head, "/", _cut(text, 8, 12), "-", _cut(text, 12, 14))


def without_zeros(text: Text) -> Text:
    """Drop the zeros on the left, as a number column does."""
    return pc.utf8_ltrim(text, "0")


def as_kept(draw: Draw, text: Text, *, either: bool = False) -> Text:
    """Write CPFs and CNPJs as legacy systems keep them: plain, masked, or without their leading zeros.

    ``either``: the column holds both kinds, so a CNPJ only loses zeros while it cannot be taken for a CPF.
    """
    length = np.asarray(pc.utf8_length(text))
    _, masked, lost = draw.cases(len(text), (0.5, 0.3, 0.2))
    text = on(masked & (length == _CPF_DIGITS), text, masked_cpf)
    text = on(masked & (length == _CNPJ_DIGITS), text, masked_cnpj)
    if either:
        lost &= (length == _CPF_DIGITS) | np.asarray(pc.not_equal(_cut(text, 0, 3), "000"))
    return on(lost, text, without_zeros)
