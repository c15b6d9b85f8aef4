"""What the spool holds that is not sent as the settings are, in sentences for the log."""

from pathlib import Path

from tsmon.logs.once import warn_once
from tsmon.logs.safe_text import escape_unprintable
from tsmon.spool import Destination
from tsmon.spool.inspection import WaitingQueue, find_stranded_queues
from tsmon.threads.native import start_thread

__all__ = ["describe_stranded", "report_stranded_soon"]


def describe_stranded(root: Path, destination: Destination) -> list[str]:
    """One sentence for each other destination for which points wait, with the command that sends them."""
    return [_sentence(queues, _of_former(queues)) for queues in _by_destination(root, destination)]


def describe_unsent(root: Path, store: str, destination: Destination | None) -> list[str]:
    """The same where no spool is used: because it is off, or because ``store`` needs none."""
    sentences = []
    for queues in _by_destination(root, None):
        if destination is not None and queues[0].destination == destination:
            remedy = "but monitoring.spool is off, so no Monitor sends them; `tsmon spool replay` does"
        elif destination is not None:
            remedy = _of_former(queues)
        else:
            remedy = (
                f"but points go to {store} now; `tsmon spool replay {_names(queues)}`, run with settings that name "
                f"the server, sends them, `tsmon spool drop {_names(queues)}` deletes them"
            )
        sentences.append(_sentence(queues, remedy))
    return sentences


def report_stranded_soon(root: Path, store: str, destination: Destination | None) -> None:
    """Log :func:`describe_unsent`, each sentence once, from a thread, because the disk may be slow."""

    def report() -> None:
        for sentence in describe_unsent(root, store, destination):
            warn_once(sentence)

    try:
        start_thread(report, "tsmon-stranded")
    except RuntimeError:
        return  # The interpreter is ending.


def _by_destination(root: Path, own: Destination | None) -> list[list[WaitingQueue]]:
    found: dict[Destination | None, list[WaitingQueue]] = {}
    for queue in find_stranded_queues(root, own):
        found.setdefault(queue.destination, []).append(queue)
    return list(found.values())


def _of_former(queues: list[WaitingQueue]) -> str:
    return (
        "which is not where points go now; if it is the same server, "
        f"`tsmon spool replay {_names(queues)}` sends them to the configured one"
    )


def _sentence(queues: list[WaitingQueue], remedy: str) -> str:
    destination = queues[0].destination
    where = "an unknown server"
    if destination is not None:
        url, organization, bucket = map(escape_unprintable, (destination.url, destination.org, destination.bucket))
        where = f"{url} (organization {organization!r}, bucket {bucket!r})"
    points = sum(queue.lines for queue in queues)
    return f"{points} points of earlier processes wait in the spool for {where}, {remedy}; see `tsmon spool list`"


def _names(queues: list[WaitingQueue]) -> str:
    return " ".join(queue.name for queue in queues)
