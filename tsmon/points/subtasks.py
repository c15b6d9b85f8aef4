"""Series of subtasks: their progress, their end, and their failures."""

from tsmon.line_protocol import Tag, TagAndField
from tsmon.points.point import ServicePoint

__all__ = ["SubtaskError", "SubtaskExecution", "SubtaskFinal"]


class SubtaskExecution(ServicePoint, measurement="subtask_execution"):
    """Progress of a subtask; each type of task fills in its own fields."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the type of task: 1, 2, 3, …"""
    save_result_time: float | None = None
    """Time to save the result, in seconds; any task."""
    linked_faces: int | None = None
    """Approximate number of linked faces; linker."""
    extracted_descriptors: int | None = None
    """Number of extracted descriptors; additional extraction."""
    events: int | None = None
    """Number of removed event ids; clean-up."""
    match_time: float | None = None
    """Time to match, in seconds; cross-matching."""
    clusterization_report_build_time: float | None = None
    """Time to build the report, in seconds; reporter."""


class SubtaskFinal(ServicePoint, measurement="subtask_final"):
    """End of a subtask."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the type of task."""
    execution_time: float
    """Time from start to end, in seconds."""
    status: int
    """Outcome, as a number of the application."""


class SubtaskError(ServicePoint, measurement="subtask_errors"):
    """Failure of a subtask."""

    task_id: Tag[int]
    """Identifier of the task."""
    subtask_id: Tag[int]
    """Identifier of the subtask."""
    task_type: Tag[int]
    """Number of the type of task."""
    error_code: TagAndField[int]
    """The application's own code of the error, as tag and as field."""
