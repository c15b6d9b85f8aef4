"""InfluxDB 2.x as a store."""

import contextlib
import shlex
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Final, Self

from tsmon.errors import StoreError, StoreRefusedError
from tsmon.store_names import BUILT_IN
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.reader import InfluxReader
from tsmon.stores.influxdb.rollups import tier_bucket
from tsmon.stores.retention_policy import RetentionPolicy, RetentionStatus
from tsmon.stores.rollup_tiers import RollupTier, validate_tiers
from tsmon.stores.setup_change import ReportProgress, SetupChange, ignore_progress
from tsmon.stores.store_copy import StoreCopy

if TYPE_CHECKING:
    from pathlib import Path

    from influxdb_client import InfluxDBClient
    from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync

    from tsmon.settings import MonitoringSettings
    from tsmon.stores.influxdb.rollup_tasks import RollupUpkeep

__all__ = ["InfluxStore"]

SERVER_KEYS: Final = BUILT_IN["influxdb"]
"""Settings that only an InfluxDB server has: any of them, if set, means one."""

CONNECTION_KEYS: Final = (
    *sorted(SERVER_KEYS),
    *("create_bucket", "ca_file", "cert_file", "key_file", "proxy", "timeout"),
)


class InfluxStore(InfluxReader):
    """One bucket of an InfluxDB 2.x server, or of any server with the v2 write API.

    ``create_bucket`` creates a missing bucket as soon as the server answers, with ``retention_s`` seconds of
    retention (0: for ever). ``tiers`` are those of the rollups that ``tsmon-agent setup`` prepares and
    :meth:`refresh_rollups` maintains; without them neither does anything. Opening does not contact the server.
    """

    needs_setup: ClassVar[bool] = True

    def __init__(
        self,
        connection: InfluxConnection,
        *,
        create_bucket: bool = False,
        retention_s: int = 0,
        tiers: Iterable[RollupTier] | None = None,
    ) -> None:
        super().__init__(connection, create_bucket=create_bucket, retention_s=retention_s)
        self._tiers = None if tiers is None else validate_tiers(tiers)
        self._upkeep: RollupUpkeep | None = None

    @classmethod
    def is_named_by(cls, settings: "MonitoringSettings") -> bool:
        """Whether any key is set that only an InfluxDB server has."""
        return not SERVER_KEYS.isdisjoint(settings.model_fields_set)

    @classmethod
    def from_settings(cls, settings: "MonitoringSettings", *, tiers: Iterable[RollupTier] | None = None) -> Self:
        """See :meth:`Store.from_settings`."""
        connection = InfluxConnection.from_settings(settings)
        return cls(connection, create_bucket=settings.create_bucket, tiers=tiers)

    @classmethod
    def settings_key(cls, settings: "MonitoringSettings") -> tuple[object, ...]:
        """See :meth:`Store.settings_key`."""
        return tuple(getattr(settings, key) for key in CONNECTION_KEYS)

    @property
    def destination(self) -> tuple[str, str, str]:
        """See :attr:`Store.destination`."""
        return self.connection.url, self.connection.org, self.connection.bucket

    async def check(self) -> None:
        """See :meth:`Store.check`: write an empty batch, which the server checks like any other.

        Servers that know no comments, such as QuestDB, refuse it after they have checked all else.
        """
        if not self.is_open:
            async with self:
                await self.check()
            return
        with contextlib.suppress(StoreRefusedError):
            await self.write(b"# check\n")

    def client(self) -> "InfluxDBClient":
        """Make a client of influxdb-client with the same server, token, organization, TLS, proxy and timeout.

        For a program's own Flux: ``with store.client() as client: client.query_api().query(flux)``. The caller
        closes it. It needs the extra ``tsmon[influxdb-client]``; the store need not be open. Without an
        organization in the settings the server is queried, which blocks.
        """
        from tsmon.stores.influxdb.official_client import make_client

        return make_client(self.connection, self._org)

    async def async_client(self) -> "InfluxDBClientAsync":
        """As :meth:`client`, for the running event loop: ``async with await store.async_client() as client:``."""
        from tsmon.stores.influxdb.official_client import make_async_client

        if not self.is_open and not self._org:
            async with self:
                return make_async_client(self.connection, await self._organization())
        return make_async_client(self.connection, await self._organization())

    def back_up(self, directory: "Path", report: ReportProgress = ignore_progress) -> StoreCopy:  # noqa: ARG002
        """See :meth:`Store.back_up`: a server has its own command for that, which needs its operator's token."""
        target, url = shlex.quote(str(directory.parent / "influxdb")), shlex.quote(self.connection.url)
        return StoreCopy(
            advice=(
                f"the points of {self} are NOT in this backup, nor are its buckets and tasks of rollups; back them "
                f"up by the server's own command, with its operator's token: influx backup {target} --host {url} "
                "--token OPERATOR-TOKEN"
            ),
            restore_advice=(
                f"the points of {self} were not in this backup; restore them by the server's own command, with its "
                f"operator's token: influx restore DIRECTORY --host {url} --token OPERATOR-TOKEN, then run "
                "tsmon-agent setup"
            ),
        )

    async def change_tiers(self, tiers: Iterable[RollupTier]) -> None:
        """See :meth:`Store.change_tiers`; buckets and tasks of new tiers are created by the next refresh."""
        self._tiers = validate_tiers(tiers)

    async def refresh_rollups(self) -> None:
        """See :meth:`Store.refresh_rollups`: what the server's tasks leave to be done, if there are rollups."""
        if not self._tiers:
            return
        if self._upkeep is None:
            from tsmon.stores.influxdb.rollup_tasks import RollupUpkeep

            self._upkeep = RollupUpkeep(self)
        await self._upkeep.refresh(self._tiers)

    @asynccontextmanager
    async def backfill(self, rolling_up: Callable[[str], None] = lambda _: None) -> AsyncIterator[None]:
        """See :meth:`Store.backfill`."""
        from tsmon.stores.influxdb.rollup_tasks import backfill

        async with backfill(self, rolling_up):
            yield

    async def rebuild_rollups(
        self,
        measurements: Sequence[str] = (),
        *,
        start_ns: int | None = None,
        stop_ns: int | None = None,
        report: ReportProgress = ignore_progress,
    ) -> Mapping[str, int]:
        """See :meth:`Store.rebuild_rollups`; measurements without tasks get them, as by ``tsmon-agent setup``."""
        from tsmon.stores.influxdb.rollup_tasks import find_missing_tasks, rebuild

        computed: dict[str, int] = {}
        for measurement, change in await find_missing_tasks(self, self._tiers or (), measurements):
            before = computed.setdefault(measurement, 0)

            def count(label: str, done: int, total: int, name: str = measurement, before: int = before) -> None:
                computed[name] = before + done
                report(label, done, total)

            await change.apply(count)
        names = [name for name in measurements if name not in computed]
        if names or not measurements:
            rebuilt = await rebuild(self, names, start_ns, stop_ns, report)
            computed = {**rebuilt, **computed}
        return dict(sorted(computed.items()))

    async def read_retention(self, wanted: RetentionPolicy) -> RetentionStatus | None:
        """See :meth:`Store.read_retention`; None if the server shows no buckets or tasks."""
        from tsmon.stores.influxdb.rollup_tasks import read_retention

        if not self.is_open:
            async with self:
                return await self.read_retention(wanted)
        try:
            return await read_retention(self, self._tiers or ())
        except StoreError:
            return None

    async def request_tier_drop(self, every_ns: int) -> None:
        """See :meth:`Store.request_tier_drop`; buckets and tasks of a server are not ours to delete."""
        name = tier_bucket(self.connection.bucket, every_ns)
        raise StoreError(f"{self}: delete the bucket {name!r} and the tasks of that name on the server, by influx")

    async def setup_changes(self, *, shorter: bool = False) -> Sequence[SetupChange]:
        """See :meth:`Store.setup_changes`: the bucket of the points, and buckets and tasks of the rollups."""
        from tsmon.stores.influxdb.rollup_tasks import find_bucket_changes, find_changes

        if await self.find_bucket(self.connection.bucket) is not None:
            return [] if self._tiers is None else await find_changes(self, self._tiers, shorter=shorter)
        if not self._may_create:
            raise StoreError(f"{self} has no such bucket; create it, or set monitoring.create_bucket = true")

        async def create(_: ReportProgress) -> None:
            await self.create()

        change = SetupChange(f"create bucket {self.connection.bucket!r}", create)
        return [change, *await find_bucket_changes(self, self._tiers or ())]
