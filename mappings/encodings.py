"""Tell the text of a core's encoding from other bytes, and bring it to UTF-8."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.errors import ExportRefused

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mappings.core import Core

    Octets = NDArray[np.uint8]

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# To decode is faster than to look for so many bytes one after the other; an encoding of single bytes has hardly any.
_FEW = 8
_ASCII = 128
# One byte in so many, as in Portuguese; where there are more of them decoding is as fast.
_RARE = 16


def may_be_wrong(data: bytes, encoding: str) -> bool:
    """Say whether bytes may not be of an encoding, with as little work as it takes to tell."""
    strange = _strange(encoding)
    return not data.isascii() and (len(strange) > _FEW or any(byte in data for byte in strange))


@cache
def _strange(encoding: str) -> tuple[bytes, ...]:
    """Return the bytes that are no character by themselves."""
    return tuple(byte for byte in map(bytes, zip(range(256))) if not _is_text(byte, encoding))


def _is_text(signs: bytes, encoding: str) -> bool:
    try:
        signs.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


@cache
def has_plain_signs(encoding: str, separator: str) -> bool:
    """Say whether the signs that end fields and records are never part of another character."""
    signs = f'{separator}"\r\n'
    return signs.isascii() and not any(
        _is_text(byte + sign.encode(), encoding) for byte in _strange(encoding) for sign in signs
    )


def is_wide(core: Core) -> bool:
    """Say whether no byte is a line end by itself, as in UTF-16."""
    return not "\n\n".encode(core.encoding).endswith(b"\n\n")


def refuse_mark(path: Path, data: bytes, core: Core, lines_before: int) -> None:
    """Raise ExportRefused where a file begins with a byte order mark, which would be part of a column's name."""
    if lines_before == 0 and data.startswith(_MARKS) and not core.encoding.startswith(("utf-16", "utf_16")):
        msg = (
            f"export refused: {path.name} begins with a byte order mark of Unicode, which is none of its columns' "
            f"name: core {core.name} wants {core.encoding} without one"
        )
        raise ExportRefused(msg)


def utf8(path: Path, data: bytes, core: Core, lines_before: int) -> bytes:
    """Encode text of a core as UTF-8.

    Raises ExportRefused naming the line of a byte that the encoding does not have.
    """
    if data.isascii():
        return data
    try:
        return _by_pairs(data, core.encoding) or data.decode(core.encoding).encode()
    except UnicodeDecodeError as problem:
        line = lines_before + data.count(b"\n", 0, problem.start) + 1
        msg = f"export refused: {path.name}, line {line}: a byte that {core.encoding} does not have (is it UTF-8?)"
        raise ExportRefused(msg) from problem


def _by_pairs(data: bytes, encoding: str) -> bytes | None:
    """Write two octets for each byte beyond ASCII and copy what is between them; None where that will not do."""
    firsts, seconds = _pairs(encoding)
    if not firsts.any():
        return None
    octets = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(octets >= _ASCII)
    signs = octets[places]
    if len(places) * _RARE > len(data) or not firsts[signs].all():
        return None
    edges = np.concatenate(([0], places, [len(data)])).astype(np.int64)
    between = pa.Array.from_buffers(
        pa.large_binary(), len(places) + 1, [None, pa.py_buffer(edges), pa.py_buffer(data)]
    )
    lists = pa.ListArray.from_arrays(pa.array([0, len(between)], pa.int32()), between)
    text = np.array(pc.binary_join(lists, pa.scalar(b"\0", pa.large_binary())).buffers()[2], copy=True).view(
        np.uint8
    )
    places += np.arange(len(places))
    text[places], text[places + 1] = firsts[signs], seconds[signs]
    return text.tobytes()


@cache
def _pairs(encoding: str) -> tuple[Octets, Octets]:
    """Return the two octets that each byte beyond ASCII is in UTF-8; zero where it is none by itself, or more."""
    firsts, seconds = np.zeros(2 * _ASCII, np.uint8), np.zeros(2 * _ASCII, np.uint8)
    if len(_strange(encoding)) <= _FEW:
        for byte in range(_ASCII, 2 * _ASCII):
            text = bytes([byte]).decode(encoding, "replace").encode()
            if _is_text(bytes([byte]), encoding) and len(text) == len((firsts, seconds)):
                firsts[byte], seconds[byte] = text
    return firsts, seconds
