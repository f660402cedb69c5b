"""Nest blocks into JSON text, column by column: no value is parsed, no document is a Python object.

Every field of a row becomes its text or nothing; an object is the join of its fields, a list the join of its
rows. Absence is spelt as the standard wants it: a required list without rows is ``[]``, everything
else without a value is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_128_hexdigest

from customers.blocks import ROOT
from customers.dictionary import Field, effective_fields
from mappings.octets import changed_where, maybe_escaped

if TYPE_CHECKING:
    from customers.blocks import Documents, Rows

_NAMED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_CONTROLS = {chr(code): f"\\u{code:04x}" for code in range(32) if chr(code) not in _NAMED}


def nest(documents: Documents) -> pa.Array:
    """Return the JSON text of every document's data element.

    Texts of documents that break the rules are not meaningful: the check stage decides which of them are used.
    """
    children: dict[str, list[Field]] = {}
    for field in effective_fields(documents.structure, documents.version):
        if field.parent is not None:
            children.setdefault(field.parent, []).append(field)
    texts: dict[str, pa.Array] = {}
    for path in reversed(documents.blocks):
        if path != ROOT:
            texts[path] = _list_text(documents, path, children, texts)
    return _object(documents.root, ROOT, children, texts)


def escaped(values: pa.Array) -> pa.Array:
    r"""Escape text for JSON.

    >>> escaped(pa.array(['a"b\\c', "línea\n\x01", None])).to_pylist()
    ['a\\"b\\\\c', 'línea\\n\\u0001', None]
    """
    return changed_where(values, maybe_escaped(values), _spelt)


def _spelt(values: pa.Array) -> pa.Array:
    for sign, spelt in (_NAMED | _CONTROLS).items():
        values = pc.replace_substring(values, sign, spelt)
    return values


def _object(rows: Rows, path: str, children: dict[str, list[Field]], texts: dict[str, pa.Array]) -> pa.Array:
    """Return the text of an object for each row, missing where none of its members is there."""
    first, *rest = (_value(rows, field, children, texts) for field in children[path])
    members = [*_member("", *first), *(part for value in rest for part in _member(",", *value))]
    if first[1].null_count == 0:
        # Every row has its first member, so that braces and members are joined at once.
        return _joined("{", *members, "}")
    body = pc.ascii_ltrim(_joined(*members), ",")  # a member begins with its quote
    nothing = pc.equal(pc.binary_length(body), 0)
    whole = _joined("{", body, "}")
    return pc.if_else(nothing, pa.scalar(None, pa.string()), whole) if pc.any(nothing).as_py() else whole


def _value(
    rows: Rows, field: Field, children: dict[str, list[Field]], texts: dict[str, pa.Array]
) -> tuple[str, pa.Array, str]:
    """Return what stands before each row's value, the value (missing where there is none), and what stands behind."""
    name = f'"{field.name}":'
    if field.type == "array":
        return f"{name}[", texts[field.xpath], "]"
    if field.type == "object":
        return name, _object(rows, field.xpath, children, texts), ""
    values = rows.columns[field.xpath]
    return (f'{name}"', escaped(values), '"') if field.type == "string" else (name, values, "")


def _member(comma: str, before: str, values: pa.Array, behind: str) -> tuple[pa.Array | str, ...]:
    """Return ``"name":value`` as parts to be joined; one part, missing without a value, where values are missing."""
    if values.null_count == 0:
        return f"{comma}{before}", values, behind
    return (pc.binary_join_element_wise(f"{comma}{before}", values, behind, ""),)


def _joined(*parts: pa.Array | str) -> pa.Array:
    """Join columns and the texts between them; missing values are nothing."""
    merged: list[pa.Array | str] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return pc.binary_join_element_wise(*merged, "", null_handling="replace", null_replacement="")


def _list_text(
    documents: Documents, path: str, children: dict[str, list[Field]], texts: dict[str, pa.Array]
) -> pa.Array:
    """Return what is between the brackets of a list for each row of the block around it.

    An optional list without rows is missing.
    """
    rows = documents.blocks[path]
    parents = len(documents.blocks[rows.block.parent or ROOT])
    items = _quoted(rows.columns[path]) if rows.block.scalar else _object(rows, path, children, texts)
    if items.null_count:
        items = pc.fill_null(items, "null")
    counts = np.bincount(rows.parent, minlength=parents)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    own = next(field for field in children[_above(path, children)] if field.xpath == path)
    missing = None if own.obligation == "required" else pa.array(counts == 0)
    return pc.binary_join(pa.ListArray.from_arrays(offsets, items, mask=missing), ",")


def _above(path: str, children: dict[str, list[Field]]) -> str:
    return next(parent for parent, fields in children.items() if any(field.xpath == path for field in fields))


def _quoted(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', escaped(values), '"', "")


def content_hashes(texts: pa.Array) -> pa.Array:
    """Return the 128-bit content hash (XXH3, hexadecimal) of every document: equal bytes, equal hash."""
    return pa.array(map(xxh3_128_hexdigest, texts.cast(pa.binary()).to_pylist()), pa.string())
