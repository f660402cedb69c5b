"""What buckets come to, kept from run to run: thousands of runs of the same few batches need judge each bucket only once.

Mapping, checking and nesting are functions of a bucket and its context. The first run to meet a bucket makes its
verdicts as the product does and leaves them here; what the reliability tests are about, all that comes after, is done
anew by each run.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.judging import Judged, Stopwatch


def remember(folder: Path) -> None:
    """Let this process, and its children, look verdicts up in a folder before they make any."""
    from flows import judging  # noqa: PLC0415 (heavy)

    judge_bucket = judging.judge_bucket

    def remembered(bucket: Any, context: Any, watch: Stopwatch) -> Iterator[Judged]:  # noqa: ANN401 (hashed only)
        path = folder / hashlib.sha256(pickle.dumps((bucket, context))).hexdigest()
        if not path.exists():
            keep(list(judge_bucket(bucket, context, watch)), path)
        judged: list[Judged] = pickle.loads(path.read_bytes())  # noqa: S301 (written by ourselves)
        watch.lap("check")
        yield from judged

    for module in list(sys.modules.values()):
        if vars(module).get("judge_bucket") is judge_bucket:
            module.judge_bucket = remembered  # type: ignore[attr-defined]


def keep(judged: list[Judged], path: Path) -> None:
    """Write verdicts in one step, however many processes do; without a rename, for those are counted."""
    draft = path.with_name(f"{path.name}-{os.getpid()}")
    draft.write_bytes(pickle.dumps(judged))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
