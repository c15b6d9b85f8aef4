"""What the spool holds for other servers than the configured one, in sentences for the log."""

from pathlib import Path

from tsmon.logs.safe_text import escape_unprintable
from tsmon.spool import Destination
from tsmon.spool.inspection import WaitingQueue, find_stranded_queues

__all__ = ["describe_stranded"]


def describe_stranded(root: Path, destination: Destination) -> list[str]:
    """One sentence for each other destination for which points wait, with the command that sends them."""
    by_destination: dict[Destination | None, list[WaitingQueue]] = {}
    for queue in find_stranded_queues(root, destination):
        by_destination.setdefault(queue.destination, []).append(queue)
    return [_describe(other, queues) for other, queues in by_destination.items()]


def _describe(destination: Destination | None, queues: list[WaitingQueue]) -> str:
    where = "an unknown server"
    if destination is not None:
        url, organization, bucket = map(escape_unprintable, (destination.url, destination.org, destination.bucket))
        where = f"{url} (organization {organization!r}, bucket {bucket!r})"
    points = sum(queue.lines for queue in queues)
    names = " ".join(queue.name for queue in queues)
    return (
        f"{points} points of earlier processes wait in the spool for {where}, which is not where points go now; "
        f"if it is the same server, `tsmon spool replay {names}` sends them to the configured one; "
        "see `tsmon spool list`"
    )
