"""Where work that computes runs: in this process, in a pool of processes, or on a Ray cluster.

All three have one verb, `submit(work, *args) -> Future`, and give the same results.
"""

from __future__ import annotations

from evalharness.executors.base import Executor, WorkerDied
from evalharness.executors.choice import executor_for
from evalharness.executors.here import Here
from evalharness.executors.processes import Processes, process_pool
from evalharness.executors.workplace import Workplace

__all__ = ["Executor", "Here", "Processes", "WorkerDied", "Workplace", "executor_for", "process_pool"]
