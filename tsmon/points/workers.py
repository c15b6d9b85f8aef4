"""Series of workers: how long tasks take to reach them, measured at both ends."""

from tsmon.line_protocol import Tag
from tsmon.points.point import ServicePoint

__all__ = ["WorkerQueue", "WorkerRequest"]


class WorkerQueue(ServicePoint, measurement="worker_queue"):
    """A worker took a task."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the type of task."""
    transport_time: float
    """Time from receiving the task to the start of the work on it, in seconds."""


class WorkerRequest(ServicePoint, measurement="worker_requests"):
    """A subtask was sent to a worker."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    transport_time: float
    """Time from the start of sending the subtasks of the task to the sending of this one, in seconds."""
