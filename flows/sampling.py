"""The verb ``sample``: an invented export, or one line that says why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customers.errors import UsageError
from mappings.cores.reference.sample import SampleSummary, write_sample

if TYPE_CHECKING:
    from pathlib import Path


def sampled(out: Path, *, delta_of: Path | None, **order: Any) -> SampleSummary:  # noqa: ANN401 (of write_sample)
    """Write a sample.

    Raises UsageError for arguments that make no sense together, an earlier sample that cannot be read, and a folder
    that cannot be written.
    """
    if delta_of is not None and not delta_of.is_dir():
        raise UsageError(f"--delta-of: there is no folder {delta_of}")
    try:
        return write_sample(out, delta_of=delta_of, **order)
    except OSError as problem:
        raise UsageError(f"no sample: {problem.filename or out}: {problem.strerror or 'not there'}") from None
    except (pa.ArrowException, KeyError):
        # Their words may quote a cell, and the folder may hold a real export.
        raise UsageError(f"no sample: {delta_of or out} holds no earlier sample that can be read") from None
    except ValueError as problem:
        raise UsageError(f"no sample: {problem}") from None
