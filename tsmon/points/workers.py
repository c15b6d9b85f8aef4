"""Series of workers: how long tasks travel to them, seen from both ends."""

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
    """Number of the task's type."""
    transport_time: float
    """From the worker's receiving the task to the start of its work, in seconds."""


class WorkerRequest(ServicePoint, measurement="worker_requests"):
    """A subtask was sent to a worker."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    transport_time: float
    """From the start of sending the task's subtasks to the sending of this one, in seconds."""
