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
from tsmon.files.user_places import NO_HOME
from tsmon.logs.error_texts import describe_error
from tsmon.logs.safe_text import escape_unprintable
from tsmon.time_units import SECOND_NS

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings
    from tsmon.spool import Destination
    from tsmon.spool.inspection import WaitingQueue

__all__ = ["spool"]

spool = typer.Typer(
    name="spool",
    help="List, show, send or delete what waits on disk for a server.",
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
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """List the queues: server, process, points, bytes, age."""
    from tsmon.spool.inspection import find_quarantined_segments, find_queues

    root = _spool_root(settings)
    queues = find_queues(root)
    damaged = find_quarantined_segments(root)
    dead_letters = sorted((root / "dead_letters").glob("*.jsonl*"))
    if as_json:
        print_json(
            {
                "directory": str(root),
                "queues": [_describe(queue) for queue in queues],
                "damaged": [str(path) for path in damaged],
                "dead_letters": [str(path) for path in dead_letters],
            }
        )
        return
    if queues:
        _print_queues(queues)
    else:
        say(f"nothing waits in {root}")
    for queue in queues:
        for problem in queue.damage:
            say(f"damaged: {escape_unprintable(problem)}")
    for path in damaged:
        say(f"quarantined, because it is damaged: {escape_unprintable(str(path))}")
    for path in dead_letters:
        say(f"dead letters, with the server's reasons: {escape_unprintable(str(path))}")


@spool.command()
def show(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Name from `list`, or a file of the spool.")],
    settings: SettingsOption = None,
) -> None:
    """Print the points of a queue as line protocol."""
    from tsmon.spool.inspection import read_batches
    from tsmon.spool.segment import CorruptSegmentError

    if queue.endswith(".seg"):
        files = [Path(queue)]
    else:
        files = [segment.path for segment in _find_queue(_spool_root(settings), queue).segments]
    for file in files:
        try:
            for batch in read_batches(file):
                _print_lines(batch)
        except CorruptSegmentError as error:
            raise TsmonError(f"{error}; what is printed above is intact") from None
        except OSError as error:
            raise TsmonError(f"{file} cannot be read: {error.strerror}; see `tsmon spool list`") from None


@spool.command()
def replay(
    queues: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUEUE]...",
            help="Names from `list`: send these to the configured server, whatever they wait for.",
        ),
    ] = None,
    settings: SettingsOption = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Give up if no point is settled for this long.")
    ] = 60.0,
) -> None:
    """Send the queues that ended processes left for the configured server; every program does so at its start.

    A queue that is named is sent to the configured server, even if it waits for another address, organization or
    bucket, as after a change of the settings. It may be interrupted and repeated, because points that are sent
    twice are stored once.
    """
    from tsmon.settings import load_settings
    from tsmon.stores.factory import store_from

    monitoring = load_settings(settings).monitoring
    store = store_from(monitoring, embedded=True)
    if store.destination is None:
        raise TsmonError(
            f"the settings name no InfluxDB server; points go to {store}, which needs no spool; name the server of "
            "the queues, as by TSMON_MONITORING__STORE=influxdb and TSMON_MONITORING__URL"
        )
    _readdress(queues or [], settings, store.destination)
    asyncio.run(_replay(monitoring.model_copy(update={"enabled": True, "spool": "on"}), timeout))


@spool.command()
def drop(
    queues: Annotated[list[str] | None, typer.Argument(metavar="[QUEUE]...", help="Names from `list`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All queues that no running process owns.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    settings: SettingsOption = None,
) -> None:
    """Delete queues that ended processes left; their points are lost."""
    from tsmon.spool.inspection import find_queues
    from tsmon.spool.ownership import QueueDirectory

    root = _spool_root(settings)
    if every:
        chosen = [queue for queue in find_queues(root) if not queue.owned]
    else:
        chosen = [_find_queue(root, name) for name in queues or []]
    if not every and not chosen:
        raise TsmonError("no queue is named; give names from `tsmon spool list`, or --all")
    for queue in chosen:
        if queue.owned:
            raise TsmonError(f"{queue.name} belongs to a running process; stop it first")
    lines = sum(queue.lines for queue in chosen)
    if not yes and chosen:
        confirm(f"Delete {lines} points in {len(chosen)} queues permanently?")
    for queue in chosen:
        owned = QueueDirectory.adopt(queue.path)
        if owned is None:
            raise TsmonError(f"{queue.name} has just been adopted by another process, which sends it")
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
            raise TsmonError(f"{counts.pending} points still wait: {monitor.last_error or 'the server is slow'}")


def _readdress(names: list[str], settings: Path | None, configured: tuple[str, str, str]) -> None:
    from tsmon.spool import Destination
    from tsmon.spool.readdressing import readdress_queue
    from tsmon.spool.segment import CorruptSegmentError

    root, destination = _spool_root(settings), Destination(*configured)
    for queue in [_find_queue(root, name) for name in names]:
        try:
            moved = queue.destination == destination or readdress_queue(queue, root, destination)
        except CorruptSegmentError as error:
            raise TsmonError(f"{error}; the queue stays; see `tsmon spool show {queue.name}`") from None
        except OSError as error:
            raise TsmonError(
                f"{queue.name} cannot be moved ({describe_error(error, names_file=False)}); it stays"
            ) from None
        if not moved:
            raise TsmonError(f"{queue.name} belongs to a running process, which sends it")


def _spool_root(settings: Path | None) -> Path:
    from tsmon.delivery.paths import spool_directory
    from tsmon.settings import load_settings

    directory = spool_directory(load_settings(settings).monitoring)
    if directory is None:
        raise TsmonError(f"there is no place for a spool, because {NO_HOME}; set monitoring.spool_directory")
    return directory


def _find_queue(root: Path, name: str) -> "WaitingQueue":
    from tsmon.spool.inspection import find_queues

    found = [queue for queue in find_queues(root) if queue.name.startswith(name)]
    exact = [queue for queue in found if queue.name == name]
    if len(exact or found) != 1:
        problem = "no queue has this name" if not found else "several queues begin with this name"
        raise TsmonError(f"{name!r}: {problem}; see `tsmon spool list`")
    return (exact or found)[0]


def _describe(queue: "WaitingQueue") -> dict[str, Any]:
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


def _print_queues(queues: "list[WaitingQueue]") -> None:
    """Print a table for each destination; names come from files, so they are never interpreted as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for destination in dict.fromkeys(queue.destination for queue in queues):
        console.print(Text(_format_destination(destination)), soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        table.add_column("queue", no_wrap=True)
        table.add_column("process")
        for name in ("points", "bytes", "since"):
            table.add_column(name, justify="right", no_wrap=True)
        for queue in queues:
            if queue.destination == destination:
                process = "runs" if queue.owned else "has ended"
                cells = (queue.name, process, f"{queue.lines:,}", f"{queue.size:,}", _format_age(queue.created_ns))
                table.add_row(*(Text(escape_unprintable(cell)) for cell in cells))
        console.print(table)


def _format_destination(destination: "Destination | None") -> str:
    if destination is None:
        return "for an unknown server, because the files are empty or damaged"
    url, organization, bucket = map(escape_unprintable, (destination.url, destination.org, destination.bucket))
    return f"for {url}, organization {organization!r}, bucket {bucket!r}"


def _format_age(created_ns: int | None) -> str:
    if created_ns is None:
        return "?"
    seconds = max(time.time_ns() - created_ns, 0) // SECOND_NS
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _print_lines(batch: bytes) -> None:
    """Print lines unchanged; on a terminal, with control characters escaped."""
    if sys.stdout.isatty():
        say(batch.decode(errors="replace"))
    else:
        sys.stdout.buffer.write(batch + b"\n")
