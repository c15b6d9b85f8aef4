"""Series of subtasks: while one is worked on, at its end, and where it failed."""

from tsmon.line_protocol import Tag, TagAndField
from tsmon.points.point import ServicePoint

__all__ = ["SubtaskError", "SubtaskExecution", "SubtaskFinal"]


class SubtaskExecution(ServicePoint, measurement="subtask_execution"):
    """Progress of a subtask; each kind of task fills in the fields it knows."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the task's type: 1, 2, 3, …"""
    save_result_time: float | None = None
    """Saving the result, in seconds; any task."""
    linked_faces: int | None = None
    """Approximate count of linked faces; linker."""
    extracted_descriptors: int | None = None
    """Count of extracted descriptors; additional extraction."""
    events: int | None = None
    """Count of removed event ids; clean-up."""
    match_time: float | None = None
    """Matching, in seconds; cross-matching."""
    clusterization_report_build_time: float | None = None
    """Building the report, in seconds; reporter."""


class SubtaskFinal(ServicePoint, measurement="subtask_final"):
    """End of a subtask."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the task's type."""
    execution_time: float
    """From its start to its end, in seconds."""
    status: int
    """How it ended, as the application numbers it."""


class SubtaskError(ServicePoint, measurement="subtask_errors"):
    """Failure of a subtask."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the task's type."""
    error_code: TagAndField[int]
    """The application's code of the error, as tag and as field."""
