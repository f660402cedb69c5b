"""Whether a run can be given to a Dask cluster, said before anything is read, and before Dask is imported."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from customers.errors import UsageError
from sql.engine import target_of

if TYPE_CHECKING:
    from flows.cluster import Cluster
    from flows.job import Job


def look_for_cluster(job: Job) -> None:
    """Raise UsageError where the workers of a scheduler could not do a job."""
    if job.scheduler is None or job.rehearse:
        return
    if importlib.util.find_spec("prefect_dask") is None:
        raise UsageError("--scheduler needs the extra dask: pip install 'cadastra[dask]'")
    if target_of(job.database_url).get_backend_name() != "postgresql":
        raise UsageError("--scheduler needs PostgreSQL: workers write into the database themselves")
    if job.spill is None:
        raise UsageError("--scheduler needs CADASTRA_SPILL: a folder or URL that every worker reads")
    if job.spill.startswith("memory:"):
        raise UsageError("CADASTRA_SPILL is this process's memory: no worker can read it")
    if not os.environ.get("PREFECT_API_URL"):
        raise UsageError("--scheduler needs PREFECT_API_URL: every worker reports to that server")


def cluster_of(address: str) -> Cluster:
    """Return the workers of a scheduler; raises UsageError where there are none."""
    from flows.cluster import Cluster  # noqa: PLC0415 (Prefect and Dask: seconds)

    return Cluster(address)
