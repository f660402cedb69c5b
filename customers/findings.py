"""Findings: what the steward reads about a refused or doubtful value, and never the value itself."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from customers.unread import raw

# One row per finding; ``source_line`` is null where no line of the export can be named.
FINDINGS_SCHEMA = pa.schema(
    [
        pa.field("structure", pa.string(), nullable=False),
        pa.field("customer_ref", pa.string(), nullable=False),
        pa.field("occurrence", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("shape", pa.string()),
        pa.field("source_file", pa.string()),
        pa.field("source_line", pa.int64()),
    ]
)

RULE_RESULTS_SCHEMA = pa.schema(
    [
        pa.field("structure", pa.string(), nullable=False),
        pa.field("xpath", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("applied", pa.int64(), nullable=False),
        pa.field("passed", pa.int64(), nullable=False),
        pa.field("failed", pa.int64(), nullable=False),
        pa.field("unknown", pa.int64(), nullable=False),
    ]
)

_SHAPE_LENGTH = 64


def shapes(values: pa.Array) -> pa.Array:
    r"""Reduce texts to their shapes: digits become 9, letters A, anything unusual ?, long texts are cut.

    >>> shapes(pa.array(["12.345-X", "São Tomé\n", None])).to_pylist()
    ['99.999-A', 'AAA AAAA?', None]
    """
    text = raw(values.cast(pa.string()))
    text = pc.replace_substring_regex(text, r"\p{N}", "9")
    text = pc.replace_substring_regex(text, r"[\p{L}\p{M}]", "A")
    text = pc.replace_substring_regex(text, r"[^9A !-/:-@\[-`{-~]", "?")
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 0, _SHAPE_LENGTH), "…", "")
    return pc.if_else(pc.greater(pc.utf8_length(text), _SHAPE_LENGTH), cut, text)


def occurrence(xpath: str) -> str:
    """Turn an xpath into the path inside the data element, list indexes left out.

    >>> occurrence("/data/contacts/phones/areaCode"), occurrence("/data")
    ('$.contacts.phones.areaCode', '$')
    """
    return "$" + xpath.removeprefix("/data").replace("/", ".")
