"""A Dask cluster of the tests' own: a scheduler and two workers, as ``dask scheduler`` and ``dask worker`` make them.

Run as a program, since no test imports Dask (see ``tests.prefect_server``): it says the scheduler's address and ends when
its standard input closes, which happens however the tests end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WORKERS = 2


@contextmanager
def running(environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Run a cluster whose workers have an environment, and yield the address of its scheduler."""
    command = [sys.executable, "-m", "tests.dask_cluster"]
    pipe = subprocess.PIPE
    settings = {**os.environ, **environment}
    with (
        log.open("w") as said,
        subprocess.Popen(
            command, cwd=ROOT, env=settings, stdin=pipe, stdout=pipe, stderr=said, text=True
        ) as process,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address
        try:
            yield address
        finally:
            process.communicate()


def serve() -> None:
    """Run the cluster until standard input closes; its workers are forked from one that has imported everything."""
    import dask  # noqa: PLC0415 (the module is imported by tests, too; so below)
    from distributed import LocalCluster  # noqa: PLC0415
    from distributed.utils import get_mp_context  # noqa: PLC0415

    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    get_mp_context().set_forkserver_preload(["distributed", "flows.cluster", "flows.cluster_member"])
    cluster = LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None, memory_limit=0)
    sys.stdout.write(f"{cluster.scheduler_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # whereupon the workers end; to close it would wait seconds for them


if __name__ == "__main__":
    serve()
