"""Text of a core's encoding becomes UTF-8 as the codec would have it, however rare or frequent its signs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customers.errors import ExportRefused
from mappings.core import load_core
from mappings.encodings import utf8

CORE = load_core("reference")
FILE = Path("emails.csv")
LONG = b"an invented street, and a number; " * 2
# Rare signs are written one by one, frequent ones by the codec.
PIECES = st.one_of(
    st.just(LONG), st.binary(max_size=2), st.sampled_from([b"\xe9", b"\xa0", b"\xff", b"\x80"])
)


@pytest.mark.parametrize(
    "encoding", ["cp1252", "latin-1", "iso8859-15", "cp850", "cp1251", "utf-8", "shift_jis", "gbk"]
)
@given(pieces=st.lists(PIECES, max_size=8))
@example(pieces=[b"\xc9", LONG, b"\xe9"])
@example(pieces=[LONG, b"\x80", LONG])
def test_text_is_what_the_codec_says(encoding: str, pieces: list[bytes]) -> None:
    data, core = b"".join(pieces), replace(CORE, encoding=encoding)
    try:
        wanted = data if data.isascii() else data.decode(encoding).encode()
    except UnicodeDecodeError:
        with pytest.raises(ExportRefused, match=encoding):
            utf8(FILE, data, core, 0)
    else:
        assert utf8(FILE, data, core, 0) == wanted
