"""Watch what SQLite does to its files, below Python: every write, sync and truncation can be made to fail.

The library that the ``sqlite3`` module uses is found in this very process; the open function of its VFS is replaced by
one that gives every file a table of methods with ours in front. An error's words are ``EIO`` or ``ENOSPC``.
"""

from __future__ import annotations

import ctypes
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_POINTER = ctypes.c_void_p
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, _POINTER, ctypes.c_int, _POINTER)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int)
_IOERR, _FULL = 10, 13
_CODES = {"write": _IOERR | (3 << 8), "sync": _IOERR | (4 << 8), "truncate": _IOERR | (6 << 8)}
# Nineteen members of sqlite3_io_methods; a table of version 1 or 2 is shorter, and what lies behind it is not used.
_MEMBERS = 19
_kept: list[Any] = []


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("size", ctypes.c_int),
        ("path", ctypes.c_int),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("data", _POINTER),
        ("open", _POINTER),
    )


class _Methods(ctypes.Structure):
    _fields_ = (("version", ctypes.c_int), *((f"m{number}", _POINTER) for number in range(1, _MEMBERS)))


class _File(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


def library() -> ctypes.CDLL | None:
    """Return the SQLite of this process, None where it is built into Python and cannot be reached."""
    assert sqlite3.sqlite_version  # the import has loaded it
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        path = line.rpartition(" ")[2]
        if "libsqlite3" in Path(path).name or "_sqlite3." in path:
            found = ctypes.CDLL(path)
            if hasattr(found, "sqlite3_vfs_find"):
                return found
    return None


def watch(reach: Callable[[str], str | None]) -> None:
    """Call ``reach`` with ``write``, ``sync`` or ``truncate`` before SQLite does it; words make it fail."""
    sqlite = library()
    if sqlite is None:
        raise RuntimeError("SQLite cannot be reached")
    sqlite.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = sqlite.sqlite3_vfs_find(None).contents
    original = _OPEN(vfs.open)
    tables: dict[int, Any] = {}

    def opened(this: int, name: int, file: int, flags: int, out: int) -> int:
        code: int = original(this, name, file, flags, out)
        methods = ctypes.cast(file, ctypes.POINTER(_File)).contents
        if code == 0 and methods.methods:
            address = ctypes.addressof(methods.methods.contents)
            if address not in tables:
                tables[address] = _in_front(methods.methods.contents, reach)
            methods.methods = ctypes.pointer(tables[address])
        return code

    callback = _OPEN(opened)
    _kept.extend((original, callback, tables))
    vfs.open = ctypes.cast(callback, _POINTER)


def _in_front(methods: _Methods, reach: Callable[[str], str | None]) -> _Methods:
    """Copy a table of methods, with ours for write (m3), truncate (m4) and sync (m5)."""
    table = _Methods.from_buffer_copy(methods)
    for member, name, kind in (("m3", "write", _WRITE), ("m4", "truncate", _TRUNCATE), ("m5", "sync", _SYNC)):
        original = kind(getattr(methods, member))

        def method(*arguments: Any, _original: Any = original, _name: str = name) -> int:  # noqa: ANN401 (of C)
            words = reach(_name)
            if words is not None:
                return _FULL if words == "ENOSPC" else _CODES[_name]
            code: int = _original(*arguments)
            return code

        callback = kind(method)
        _kept.extend((original, callback))
        setattr(table, member, ctypes.cast(callback, _POINTER))
    return table
