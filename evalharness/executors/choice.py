"""Which executor a study, or a command's --executor, asks for."""

from __future__ import annotations

from evalharness.config import ExecutorName, Study
from evalharness.executors.base import Executor
from evalharness.executors.here import Here
from evalharness.executors.processes import Processes

__all__ = ["executor_for"]


def executor_for(study: Study, name: ExecutorName | None = None) -> Executor:
    """The executor of that name, or of the one in `[work]`; it starts with its first work.

    Raises MissingExtraError where Ray is asked for and not installed.
    """
    match name or study.settings.work.executor:
        case ExecutorName.HERE:
            return Here()
        case ExecutorName.PROCESSES:
            return Processes()
        case ExecutorName.RAY:
            from evalharness.executors.cluster import Cluster  # Ray: only where it is asked for

            return Cluster(study.storage, address=study.settings.work.ray_address)
