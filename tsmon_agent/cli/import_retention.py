"""What an import needs to know of retention, so that nothing is imported that the agent would soon remove."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tsmon.cli.terminal import say
from tsmon.errors import ImportingError

if TYPE_CHECKING:
    from pathlib import Path

    from tsmon.stores import Selector, Store
    from tsmon_agent.ingest.files import ReadOptions, RetentionCheck
    from tsmon_agent.ingest.files.chunks import Chunk
    from tsmon_agent.settings import Settings

__all__ = ["build_retention_check", "check_file", "load_stream_selectors"]


async def build_retention_check(store: "Store", settings: "Settings", *, keeps: bool) -> "RetentionCheck | None":
    """What refuses points that are too old; None if the open store applies no retention of its own."""
    from tsmon_agent.ingest.files import RetentionCheck
    from tsmon_agent.upkeep.retention_terms import format_keep, policy_of

    policy = policy_of(settings.monitoring, settings.streams)
    await store.settle_retention(policy)
    status = None if store.needs_setup else await store.read_retention(policy)
    if status is None:
        if keeps:
            say(f"{store} has a retention of its own, which --keep does not change", err=True)
        return None
    now_ns = time.time_ns()

    def explain(is_stream: bool) -> str:
        if is_stream:
            return (
                f"retention would remove: streams.retention_days keeps points {format_keep(policy.streams_ns)}; "
                "set a longer time, or 0 for ever"
            )
        return (
            f"retention would remove: monitoring.retention_days keeps points {format_keep(policy.points_ns)}, and "
            "no stream is expected there; load it by tsmon-agent streams load, import with --keep, or set a longer "
            "time, or 0 for ever"
        )

    is_stream = _build_is_stream(lambda: [*status.streams, *load_stream_selectors(settings)])
    points_from_ns, streams_from_ns = (
        None if keep_ns is None else now_ns - keep_ns for keep_ns in (policy.points_ns, policy.streams_ns)
    )
    return RetentionCheck(points_from_ns, streams_from_ns, is_stream, explain, keeps=keeps)


def check_file(check: "RetentionCheck", path: "Path", options: "ReadOptions") -> None:
    """Read a whole file; raises :class:`~tsmon.errors.ImportingError` if retention would remove a point of it.

    What cannot be read is left to the import, which takes what is readable and reports the rest.
    """
    from tsmon_agent.ingest.files import open_file
    from tsmon_agent.ingest.files.chunks import close_chunks

    if not check.can_refuse:
        return
    with open_file(path, encoding=options.encoding) as one:
        chunks = options.build_reader(path, one)[0].read_chunks(one.stream, 0, 1)
        try:
            while (chunk := _read_next(path, chunks)) is not None:
                check.check(str(path), chunk, 0)
        finally:
            close_chunks(chunks)


def _read_next(path: "Path", chunks: "Iterator[Chunk]") -> "Chunk | None":
    from tsmon_agent.ingest.files.import_file import next_chunk

    try:
        return next_chunk(path, chunks)
    except ImportingError:
        return None


def load_stream_selectors(settings: "Settings") -> "list[Selector]":
    """What expected streams select: those of the state, if there is one yet, and of the table in the settings."""
    from tsmon_agent.cli.state_edits import configured_database
    from tsmon_agent.streams.inventory import query_selectors
    from tsmon_agent.streams.inventory.table_files import read_table_selectors

    found: list[Selector] = []
    database = configured_database(settings)
    if database.exists():
        with database:
            found += database.run(query_selectors)
    return found + read_table_selectors(settings)


def _build_is_stream(load: "Callable[[], list[Selector]]") -> "Callable[[str, Mapping[str, str]], bool]":
    """Whether a series belongs to a stream; the streams are loaded when this is first asked."""
    from tsmon_agent.streams.inventory.series_index import SeriesIndex

    indices: dict[str, SeriesIndex] = {}
    is_loaded = False

    def is_stream(measurement: str, tags: Mapping[str, str]) -> bool:
        nonlocal is_loaded
        if not is_loaded:
            is_loaded = True
            by_measurement: dict[str, dict[int, Selector]] = {}
            for number, one in enumerate(load()):
                by_measurement.setdefault(one.measurement, {})[number] = one
            indices.update((name, SeriesIndex(group)) for name, group in by_measurement.items())
        return measurement in indices and next(iter(indices[measurement].of(tags)), None) is not None

    return is_stream
