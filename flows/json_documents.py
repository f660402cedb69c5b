"""JSON as a stream of values: JSON lines line by line, a list element by element, anything else as a whole.

A file is JSON lines if it is called so or if its first line is a whole value. What cannot be read raises
UnreadableInput, which names the place and never a value; a property that stands twice and NaN are no JSON here, because
no two readers agree on what they mean.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from customers.errors import UnreadableInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

_Value = TypeVar("_Value")

STDIN = "-"

_LINES = frozenset({".jsonl", ".ndjson"})
_CHUNK = 1 << 20
_LONGEST_ELEMENT = 1 << 26
# What is cut off in the middle is wrong this close to the end of what was read so far: at most \ud800\udc00.
_CUT = 16
_LONGEST_INTEGER = 1000
_BLANKS = re.compile(r"[ \t\n\r]*")


class _NotJsonError(ValueError):
    """Tell what Python's reader lets through and JSON does not."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NotJsonError("a property stands twice in one object")
    return found


def _no_number(_constant: str) -> NoReturn:
    raise _NotJsonError("NaN and Infinity are no JSON numbers")


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < _LONGEST_INTEGER else Decimal(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number, parse_int=_integer)


def _complaint(error: ValueError | RecursionError) -> str:
    """Say what is wrong without the text: some messages of the standard library quote it."""
    match error:
        case json.JSONDecodeError():
            return f"no JSON at character {error.pos + 1}"
        case _NotJsonError():
            return str(error)
        case UnicodeDecodeError():
            return "not UTF-8"
        case _:
            return "nested too deeply"


def _placed(file: str, place: str, read: Callable[[], _Value]) -> _Value:
    """Read something; what goes wrong is told without the exception, which holds the text that is no JSON."""
    try:
        return read()
    except (ValueError, RecursionError) as error:
        complaint = _complaint(error)
    raise UnreadableInput(f"{file}: {place}: {complaint}")


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    if file == STDIN:
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict")  # type: ignore[union-attr] # TextIO lacks it
        yield sys.stdin
        return
    try:
        stream = Path(file).open(encoding="utf-8-sig")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise UnreadableInput(f"{file}: {error.strerror}") from error
    with stream:
        yield stream


def values(file: str) -> Iterator[Any]:
    """Yield the JSON values of a file, or of the standard input if it is called ``-``; a list's elements one by one.

    Raises UnreadableInput where the file cannot be opened or understood; values before that place were yielded.
    """
    with _opened(file) as stream:
        number, head = _placed(file, "start", lambda: _first_line(stream))
        if Path(file).suffix in _LINES or _is_value(head):
            yield from _from_lines(file, chain([head], stream), number)
        elif head.lstrip().startswith("["):
            yield from _from_list(file, _Window(stream, head))
        else:
            yield _placed(file, "start", lambda: _DECODER.decode(head + stream.read()))


def _first_line(stream: TextIO) -> tuple[int, str]:
    """Return the first line that is not blank, and its number; of a list only so much as fits in memory."""
    number, head = 1, stream.readline(_CHUNK)
    while head and not head.strip():
        number, head = number + 1, stream.readline(_CHUNK)
    return number, head if head.lstrip().startswith("[") else head + _rest_of_line(stream, head)


def _rest_of_line(stream: TextIO, head: str) -> str:
    return "" if head.endswith("\n") else stream.readline()


def _is_value(line: str) -> bool:
    """Say whether a line is a whole JSON value, so that there may be more of them below."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _from_lines(file: str, lines: Iterator[str], number: int) -> Iterator[Any]:
    while (found := _placed(file, f"line {number}", lambda: _next_line(lines))) is not None:
        number += 1
        yield from found[0] if found and isinstance(found[0], list) else found


def _next_line(lines: Iterator[str]) -> list[Any] | None:
    """Return the value of the next line, nothing for a blank one, None after the last."""
    line = next(lines, None)
    if line is None:
        return None
    return [_DECODER.decode(line)] if line.strip() else []


class _Window:
    """Hold as much of a list's text as one element needs."""

    def __init__(self, stream: TextIO, head: str) -> None:
        self._stream, self._text, self._at = stream, head, head.index("[") + 1
        self._before, self._first = 0, True
        self.closed = False

    def element(self) -> list[Any]:
        """Return the next element (nothing for an empty list), reading on until it and what follows are there."""
        chunk = _CHUNK
        while True:
            try:
                return self._next()
            except json.JSONDecodeError as error:
                left = len(self._text) - self._at
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _CUT
                more = self._stream.read(chunk) if cut and left < _LONGEST_ELEMENT else ""
                if not more:
                    raise _NotJsonError(f"no JSON at character {self._before + error.pos + 1}") from None
            self._before += self._at
            self._text, self._at, chunk = self._text[self._at :] + more, 0, chunk * 2

    def _next(self) -> list[Any]:
        start = self._skip(self._at)
        if self._first and self._text.startswith("]", start):
            self._at, self.closed = start + 1, True
            return []
        found, end = _DECODER.raw_decode(self._text, start)
        end = self._skip(end)
        if not self._text.startswith((",", "]"), end):
            raise json.JSONDecodeError("Expecting , or ]", self._text, end)
        self._first = False
        self._at, self.closed = end + 1, self._text.startswith("]", end)
        return [found]

    def _skip(self, at: int) -> int:
        blanks = _BLANKS.match(self._text, at)
        return at if blanks is None else blanks.end()

    def require_end(self) -> None:
        """Refuse anything but blanks after the list."""
        rest = self._text[self._at :]
        while rest and not rest.strip():
            rest = self._stream.read(_CHUNK)
        if rest:
            raise _NotJsonError("something stands after the list")


def _from_list(file: str, window: _Window) -> Iterator[Any]:
    """Yield the elements of a list that may be larger than memory."""
    number = 0
    while not window.closed:
        number += 1
        yield from _placed(file, f"element {number}", window.element)
    _placed(file, "end", window.require_end)
