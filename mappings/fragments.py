"""Members of JSON objects of which there are few: each text is made once, and rows say which one is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

# More texts than this are not made, so that neighbours stay apart.
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Fragments:
    """Hold a text for each row: ``texts`` has the different ones, ``which`` says which of them."""

    texts: pa.StringArray
    which: NDArray[np.int32]

    @classmethod
    def of(cls, texts: pa.StringArray, places: pa.Int32Array) -> Fragments:
        """Return the texts at places; a missing place is nothing."""
        if places.null_count == 0:
            return cls(texts, places.to_numpy())
        which = pc.fill_null(places, len(texts)).to_numpy()
        return cls(pa.concat_arrays([texts, pa.array([""])]), which)

    def fits(self, other: Fragments) -> bool:
        """Say whether it pays to make every text of this one with every text of another."""
        return len(self.texts) * len(other.texts) <= min(_MOST, len(self.which))

    def followed_by(self, other: Fragments) -> Fragments:
        """Return the texts of this one, each with the other's text of the same row behind it."""
        here, there = len(self.texts), len(other.texts)
        left = self.texts.take(pa.array(np.repeat(np.arange(here), there)))
        right = other.texts.take(pa.array(np.tile(np.arange(there), here)))
        texts = pc.binary_join_element_wise(left, right, "")
        return Fragments(texts, self.which * np.int32(there) + other.which)

    def rows(self) -> pa.StringArray:
        """Return the text of each row."""
        return self.texts.take(pa.array(self.which))
