"""The commands ``tsmon spool list|show|replay|drop``."""

import asyncio
import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmon.cli.terminal import confirm, print_json, say
from tsmon.errors import TsmonError
from tsmon.logs.safe_text import escape_unprintable
from tsmon.time_units import SECOND_NS

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings
    from tsmon.spool import Destination
    from tsmon.spool.inspection import WaitingQueue

__all__ = ["spool"]

spool = typer.Typer(
    name="spool",
    help="What waits on disk for a server that was away: look at it, send it, drop it.",
    no_args_is_help=True,
)

SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings", "-s", metavar="FILE", help="Settings file, instead of TSMON_SETTINGS or ./tsmon.toml."
    ),
]
POLL_S = 0.1


@spool.command("list")
def list_queues(
    settings: SettingsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what waits: for which server, from which process, how much and since when."""
    from tsmon.spool.inspection import damaged_segments, waiting_queues

    root = _root(settings)
    queues = waiting_queues(root)
    damaged = damaged_segments(root)
    dead_letters = sorted((root / "dead_letters").glob("*.jsonl*"))
    if as_json:
        print_json(
            {
                "directory": str(root),
                "queues": [_described(queue) for queue in queues],
                "damaged": [str(path) for path in damaged],
                "dead_letters": [str(path) for path in dead_letters],
            }
        )
        return
    if queues:
        _table(queues)
    else:
        say(f"nothing waits in {root}")
    for queue in queues:
        for problem in queue.damage:
            say(f"damaged: {escape_unprintable(problem)}")
    for path in damaged:
        say(f"put aside, since it is damaged: {escape_unprintable(str(path))}")
    for path in dead_letters:
        say(f"refused by the server, with its reasons: {escape_unprintable(str(path))}")


@spool.command()
def show(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Name as `list` has it, or a file of the spool.")],
    settings: SettingsOption = None,
) -> None:
    """Print the points of a queue as line protocol."""
    from tsmon.spool.inspection import lines_in
    from tsmon.spool.segment import CorruptSegmentError

    files = [Path(queue)] if queue.endswith(".seg") else [s.path for s in _named(_root(settings), queue).segments]
    for file in files:
        try:
            for batch in lines_in(file):
                _print_lines(batch)
        except CorruptSegmentError as error:
            raise TsmonError(f"{error}; what is printed above is sound") from None
        except OSError as error:
            raise TsmonError(f"{file} cannot be read: {error.strerror}; see `tsmon spool list`") from None


@spool.command()
def replay(
    settings: SettingsOption = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Give up when nothing was taken for so long.")
    ] = 60.0,
) -> None:
    """Send what ended processes left for the configured server; every program that starts does the same.

    It may be broken off and called again: what was sent twice is stored once.
    """
    from tsmon.settings import load_settings
    from tsmon.stores.factory import store_from

    monitoring = load_settings(settings).monitoring
    store = store_from(monitoring, embedded=True)
    if store.destination is None:
        raise TsmonError(
            f"the settings name no InfluxDB server; points go to {store}, which needs no spool, so nothing waits"
        )
    asyncio.run(_replay(monitoring.model_copy(update={"enabled": True, "spool": "on"}), timeout))


@spool.command()
def drop(
    queues: Annotated[
        list[str] | None, typer.Argument(metavar="[QUEUE]...", help="Names as `list` has them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that no living process holds.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    settings: SettingsOption = None,
) -> None:
    """Delete what ended processes left; its points are lost."""
    from tsmon.spool.inspection import waiting_queues
    from tsmon.spool.ownership import QueueDirectory

    root = _root(settings)
    if every:
        chosen = [queue for queue in waiting_queues(root) if not queue.owned]
    else:
        chosen = [_named(root, name) for name in queues or []]
    if not every and not chosen:
        raise TsmonError("no queue is named; give names as `tsmon spool list` has them, or --all")
    for queue in chosen:
        if queue.owned:
            raise TsmonError(f"{queue.name} belongs to a process that runs; stop that first")
    lines = sum(queue.lines for queue in chosen)
    if not yes and chosen:
        confirm(f"Delete {lines} points of {len(chosen)} queues for ever?")
    for queue in chosen:
        owned = QueueDirectory.adopt(queue.path)
        if owned is None:
            raise TsmonError(f"{queue.name} was taken over by another process just now; it sends what it holds")
        owned.remove()
        with contextlib.suppress(OSError):
            queue.path.parent.rmdir()
    say(f"{lines} points were deleted")


async def _replay(monitoring: "MonitoringSettings", timeout_s: float) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tsmon.monitor.monitor import Monitor

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with Monitor(monitoring) as monitor:
        counts = monitor.counts
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("points", total=counts.recovered)
            settled, since = -1, time.monotonic()
            while counts.pending and time.monotonic() - since < timeout_s:
                if counts.written + counts.dropped > settled:
                    settled, since = counts.written + counts.dropped, time.monotonic()
                progress.update(task, completed=settled, total=counts.recovered)
                await asyncio.sleep(POLL_S)
                counts = monitor.counts
        say(f"{counts.written} points were written to {monitor.store}")
        if counts.dropped:
            say(f"{counts.dropped} were refused for good; see `tsmon spool list`")
        if counts.pending:
            raise TsmonError(
                f"{counts.pending} points wait still: {monitor.last_error or 'the server takes its time'}"
            )


def _root(settings: Path | None) -> Path:
    from tsmon.delivery.paths import spool_directory
    from tsmon.settings import load_settings

    return spool_directory(load_settings(settings).monitoring)


def _named(root: Path, name: str) -> "WaitingQueue":
    from tsmon.spool.inspection import waiting_queues

    found = [queue for queue in waiting_queues(root) if queue.name.startswith(name)]
    exact = [queue for queue in found if queue.name == name]
    if len(exact or found) != 1:
        problem = "no queue is called so" if not found else "several queues begin so"
        raise TsmonError(f"{name!r}: {problem}; see `tsmon spool list`")
    return (exact or found)[0]


def _described(queue: "WaitingQueue") -> dict[str, Any]:
    destination = queue.destination
    return {
        "name": queue.name,
        "url": destination.url if destination else None,
        "organization": destination.org if destination else None,
        "bucket": destination.bucket if destination else None,
        "owned": queue.owned,
        "points": queue.lines,
        "bytes": queue.size,
        "created_ns": queue.created_ns,
        "files": [str(segment.path) for segment in queue.segments],
        "damage": list(queue.damage),
    }


def _table(queues: "list[WaitingQueue]") -> None:
    """A table for each destination; names come from files, so they are never taken for markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for destination in dict.fromkeys(queue.destination for queue in queues):
        console.print(Text(_for(destination)), soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        table.add_column("queue", no_wrap=True)
        table.add_column("process")
        for name in ("points", "bytes", "since"):
            table.add_column(name, justify="right", no_wrap=True)
        for queue in queues:
            if queue.destination == destination:
                process = "runs" if queue.owned else "has ended"
                cells = (queue.name, process, f"{queue.lines:,}", f"{queue.size:,}", _age(queue.created_ns))
                table.add_row(*(Text(escape_unprintable(cell)) for cell in cells))
        console.print(table)


def _for(destination: "Destination | None") -> str:
    if destination is None:
        return "for a server that cannot be told, since the files are empty or damaged"
    url, organization, bucket = map(escape_unprintable, (destination.url, destination.org, destination.bucket))
    return f"for {url}, organization {organization!r}, bucket {bucket!r}"


def _age(created_ns: int | None) -> str:
    if created_ns is None:
        return "?"
    seconds = max(time.time_ns() - created_ns, 0) // SECOND_NS
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _print_lines(batch: bytes) -> None:
    """Lines as they are; on a terminal without what would command it."""
    if sys.stdout.isatty():
        say(batch.decode(errors="replace"))
    else:
        sys.stdout.buffer.write(batch + b"\n")
