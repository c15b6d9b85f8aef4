"""The parts of a Monitor that its settings describe."""

from typing import TYPE_CHECKING

from tsmon.clock import UniqueClock
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.dead_letters import DeadLetterFile
from tsmon.delivery.spooler import Spooler
from tsmon.errors import SettingsError
from tsmon.files.user_places import NO_HOME
from tsmon.line_protocol import Encoding
from tsmon.line_protocol.default_encoding import follow_configured_service
from tsmon.logs.once import warn_once
from tsmon.monitor.process_hooks import is_worker
from tsmon.monitor.series_guard import SeriesGuard
from tsmon.spool import Destination
from tsmon.stores import Store

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = [
    "build_dead_letter_file",
    "build_encoding",
    "build_spooler",
    "build_store",
    "build_unavailable_store",
    "load_monitoring_settings",
    "report_stranded",
]


def load_monitoring_settings(*, from_file: bool) -> "tuple[MonitoringSettings, str | None]":
    """Settings of a Monitor that was given none: from the file and the environment, or the defaults.

    In a worker process, which may have fewer rights than its parent, a mistake ends nothing: it is returned, too.
    """
    from tsmon.settings import MonitoringSettings, load_settings

    if not from_file:
        return MonitoringSettings(), None
    try:
        return load_settings().monitoring, None
    except SettingsError as error:
        if not is_worker():
            raise
        return MonitoringSettings(), str(error)


def build_unavailable_store(reason: str) -> Store:
    """A store that cannot be opened."""
    from tsmon.stores.unavailable import UnavailableStore

    return UnavailableStore(reason)


def build_encoding(
    settings: "MonitoringSettings", service: str | None, clock: UniqueClock, guard: SeriesGuard
) -> Encoding:
    """The encoding of points; ``service`` takes precedence over the settings, they over the process' default."""
    service = service or settings.service
    encoding = Encoding(
        service,
        tags=settings.tags,
        tags_as_fields=settings.tags_as_fields,
        clock=clock,
        on_new_series=guard.add,
    )
    return encoding if service else follow_configured_service(encoding)


def build_store(settings: "MonitoringSettings") -> Store:
    """The store that the settings name; one in memory where they switch everything off."""
    if not settings.enabled:
        from tsmon.stores.memory import MemoryStore

        return MemoryStore()
    from tsmon.stores.factory import emitting_store_from

    return emitting_store_from(settings)


def build_spooler(settings: "MonitoringSettings", store: Store, buffer: Buffer) -> Spooler | None:
    """The spooler in front of a store that may be away; None for a store whose commit is its durability."""
    destination = store.destination
    if settings.spool == "off" or destination is None:
        return None
    from tsmon.delivery.paths import spool_directory

    directory = spool_directory(settings)
    if directory is None:
        warn_once(
            f"there is no place for the spool, because {NO_HOME}; points wait in memory only, and rejected ones "
            "are not kept; set monitoring.spool_directory"
        )
        return None
    return Spooler(
        buffer,
        directory,
        Destination(*destination),
        required=settings.spool == "required",
        max_bytes=settings.spool_bytes,
    )


def report_stranded(settings: "MonitoringSettings", store: Store) -> None:
    """Where no spool is used: log what ended processes left in one, as after a change of the settings."""
    if not settings.enabled or not store.outlives_process:
        return
    from tsmon.delivery.paths import spool_directory
    from tsmon.delivery.stranded import report_stranded_soon

    directory = spool_directory(settings)
    if directory is not None:
        destination = store.destination
        report_stranded_soon(directory, str(store), None if destination is None else Destination(*destination))


def build_dead_letter_file(settings: "MonitoringSettings", store: Store) -> DeadLetterFile | None:
    """The file for what a server refuses for good."""
    destination = store.destination
    if destination is None or not settings.dead_letter_bytes:
        return None
    from tsmon.delivery.paths import dead_letter_file

    path = dead_letter_file(settings, Destination(*destination))
    if path is None:
        if settings.spool == "off":  # else the spool has the same reason
            warn_once(f"rejected points are not kept, because {NO_HOME}; set monitoring.spool_directory")
        return None
    return DeadLetterFile(path, settings.dead_letter_bytes)
