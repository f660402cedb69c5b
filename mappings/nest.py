"""Nest blocks into JSON text, column by column: no value is parsed, no document is a Python object.

Every field of a row becomes its text or nothing; an object is the join of its fields, a list the join of its
rows. Absence is spelt as the standard wants it: a required list without rows is ``[]``, everything
else without a value is left out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128_digest

from customers.blocks import ROOT
from customers.dictionary import Field, effective_fields
from mappings.fragments import Fragments
from mappings.octets import changed_where, fixed_width, maybe_escaped, octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from customers.blocks import Documents, Rows

    Part: TypeAlias = pa.Array | Fragments | str

_HASH_WIDTH = 32
_NAMED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_SPELT = _NAMED | {chr(code): f"\\u{code:04x}" for code in range(32) if chr(code) not in _NAMED}


def nest(documents: Documents, repeated: Mapping[str, pa.DictionaryArray] | None = None) -> pa.Array:
    """Return the JSON text of every document's data element.

    Texts of documents that break the rules are not meaningful: the check stage decides which of them are used.
    ``repeated`` has columns of few distinct values once more, by xpath, as somebody found them out already.
    """
    children: dict[str, list[Field]] = {}
    for field in effective_fields(documents.structure, documents.version):
        if field.parent is not None:
            children.setdefault(field.parent, []).append(field)
    return _Nest(documents, children, repeated or {}).text()


def escaped(values: pa.Array) -> pa.Array:
    r"""Escape text for JSON.

    >>> escaped(pa.array(['a"b\\c', "línea\n\x01", None])).to_pylist()
    ['a\\"b\\\\c', 'línea\\n\\u0001', None]
    """
    return changed_where(values, maybe_escaped(values), _spelt)


def _spelt(values: pa.Array) -> pa.Array:
    there = set(np.unique(octets(values)[0]).tolist())
    for sign, spelt in _SPELT.items():
        if ord(sign) in there:
            values = pc.replace_substring(values, sign, spelt)
    return values


class _Nest:
    """Nest the blocks of some documents, the innermost lists first."""

    def __init__(
        self,
        documents: Documents,
        children: dict[str, list[Field]],
        repeated: Mapping[str, pa.DictionaryArray],
    ) -> None:
        self._documents, self._children, self._repeated = documents, children, repeated
        self._lists: dict[str, pa.Array] = {}

    def text(self) -> pa.Array:
        for path in reversed(self._documents.blocks):
            if path != ROOT:
                self._lists[path] = self._list(path)
        return self._object(self._documents.root, ROOT)

    def _object(self, rows: Rows, path: str) -> pa.Array:
        """Return the text of an object for each row, missing where none of its members is there."""
        first, *rest = (self._value(rows, field) for field in self._children[path])
        some = (value for value in rest if value[1].null_count < len(value[1]))
        members = [*_member("", *first), *(part for value in some for part in _member(",", *value))]
        if first[1].null_count == 0:
            # Every row has its first member, so that braces and members are joined at once.
            return _joined("{", *members, "}")
        body = pc.ascii_ltrim(_joined(*members), ",")  # a member begins with its quote
        nothing = pc.equal(pc.binary_length(body), 0)
        whole = _joined("{", body, "}")
        return pc.if_else(nothing, pa.scalar(None, pa.string()), whole) if pc.any(nothing).as_py() else whole

    def _value(self, rows: Rows, field: Field) -> tuple[str, pa.Array, str]:
        """Return what stands before each row's value, the value (missing without one), and what stands behind."""
        name = f'"{field.name}":'
        if field.type == "array":
            return f"{name}[", self._lists[field.xpath], "]"
        if field.type == "object":
            return name, self._object(rows, field.xpath), ""
        values = self._repeated.get(field.xpath, rows.columns[field.xpath])
        return (f'{name}"', _escaped(values), '"') if field.type == "string" else (name, values, "")

    def _list(self, path: str) -> pa.Array:
        """Return what is between the brackets of a list for each row of the block around it.

        An optional list without rows is missing.
        """
        rows = self._documents.blocks[path]
        parents = len(self._documents.blocks[rows.block.parent or ROOT])
        items = self._scalars(path) if rows.block.scalar else self._object(rows, path)
        if items.null_count:
            items = pc.fill_null(items, "null")
        counts = np.bincount(rows.parent, minlength=parents)
        offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
        fields = (field for inside in self._children.values() for field in inside)
        own = next(field for field in fields if field.xpath == path)
        missing = None if own.obligation == "required" else pa.array(counts == 0)
        return pc.binary_join(pa.ListArray.from_arrays(offsets, items, mask=missing), ",")

    def _scalars(self, path: str) -> pa.Array:
        values = self._repeated.get(path)
        if values is None:
            return _around('"', escaped(self._documents.blocks[path].columns[path]), '"')
        return _around('"', escaped(values.dictionary), '"').take(values.indices)


def _escaped(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(values.indices, escaped(values.dictionary))
    return escaped(values)


def _around(before: str, values: pa.Array, behind: str) -> pa.Array:
    return pc.binary_join_element_wise(before, values, behind, "")


def _member(comma: str, before: str, values: pa.Array, behind: str) -> tuple[Part, ...]:
    """Return ``"name":value`` as parts to be joined; nothing, or missing, stands for it where the value is missing."""
    before = f"{comma}{before}"
    if isinstance(values, pa.DictionaryArray):
        return (Fragments.of(_around(before, values.dictionary, behind), values.indices),)
    if values.null_count == 0:
        return before, values, behind
    if values.null_count * 2 < len(values):
        return (_around(before, values, behind),)
    there = values.is_valid().to_numpy(zero_copy_only=False)
    place = pa.array(np.cumsum(there) - 1, mask=~there)
    return (_around(before, values.drop_null(), behind).take(place),)


def _joined(*parts: Part) -> pa.Array:
    """Join columns and the texts between them; missing values are nothing."""
    return pc.binary_join_element_wise(*_merged(parts), "", null_handling="replace", null_replacement="")


def _merged(parts: tuple[Part, ...]) -> Iterator[pa.Array | str]:
    """Join neighbours that need not be joined row by row."""
    last: Part = ""
    for part in parts:
        if isinstance(part, str) and isinstance(last, str):
            last += part
        elif isinstance(part, Fragments) and isinstance(last, Fragments) and last.fits(part):
            last = last.followed_by(part)
        else:
            yield last.rows() if isinstance(last, Fragments) else last
            last = part
    yield last.rows() if isinstance(last, Fragments) else last


def content_hashes(texts: pa.Array) -> pa.Array:
    """Return the 128-bit content hash (XXH3, hexadecimal) of every document: equal bytes, equal hash."""
    content, edges = octets(texts)
    data = content.data
    digests = b"".join([xxh3_128_digest(data[begin:end]) for begin, end in pairwise(edges.tolist())])
    written = np.frombuffer(digests.hex().encode(), np.uint8).reshape(len(texts), _HASH_WIDTH)
    return fixed_width(written, np.zeros(len(texts), bool))
