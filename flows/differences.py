"""What a run would change in documents, by xpath: counts and shapes, never a value."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from customers.problems import shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from sql.store import Store

MOST_DOCUMENTS = 10_000
_AT_ONCE = 500
_MOST_SHAPES = 3
_PLACE = re.compile(r"\[\d+\]")


class Differences:
    """Compare changed documents with those that are served, up to ``MOST_DOCUMENTS`` of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changed = self.compared = 0
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._shapes: dict[tuple[str, str, str], Counter[str]] = {}

    def add(self, structure: str, documents: pa.Table, before: Sequence[int]) -> None:
        """Compare documents with what is stored under the numbers ``before``."""
        self.changed += documents.num_rows
        texts = documents["document"].to_pylist()[: MOST_DOCUMENTS - self.compared]
        for start in range(0, len(texts), _AT_ONCE):
            numbers = before[start : min(start + _AT_ONCE, len(texts))]
            stored = self._store.documents_of(numbers)
            for number, text in zip(numbers, texts[start : start + _AT_ONCE], strict=True):
                self._compare(structure, json.loads(stored[number]), json.loads(text))
        self.compared += len(texts)

    def _compare(self, structure: str, old: Any, new: Any) -> None:  # noqa: ANN401 (parsed JSON)
        before, after = dict(_values("/data", old)), dict(_values("/data", new))
        for place in before.keys() | after.keys():
            if place not in after:
                self._note(structure, place, "removed", f"{shape(before[place])}")
            elif place not in before:
                self._note(structure, place, "added", f"{shape(after[place])}")
            elif before[place] != after[place]:
                self._note(structure, place, "changed", f"{shape(before[place])} → {shape(after[place])}")

    def _note(self, structure: str, place: str, what: str, shapes: str) -> None:
        key = (structure, _PLACE.sub("", place), what)
        self._counts[key] += 1
        self._shapes.setdefault(key, Counter())[shapes] += 1

    def as_data(self) -> dict[str, Any]:
        """Return the counts by structure and xpath, and the commonest shapes; ``compared`` of ``changed`` documents."""
        rows = [
            {
                "structure": structure,
                "xpath": xpath,
                "difference": what,
                "values": count,
                "shapes": [
                    shapes for shapes, _ in self._shapes[structure, xpath, what].most_common(_MOST_SHAPES)
                ],
            }
            for (structure, xpath, what), count in sorted(
                self._counts.items(), key=lambda item: (-item[1], item[0])
            )
        ]
        return {"changed_documents": self.changed, "compared_documents": self.compared, "xpaths": rows}


def _values(place: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (parsed JSON)
    """Yield every scalar with its place; an empty list or object counts as one."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _values(f"{place}/{name}", part)
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            yield from _values(f"{place}[{number}]", part)
    else:
        yield place, value
