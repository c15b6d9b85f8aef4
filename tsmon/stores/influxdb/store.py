"""InfluxDB 2.x over its HTTP API."""

import io
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores.base import Asked, Bin, Count, Kept, Newest, Selector, Series, Store, Values
from tsmon.stores.influxdb.annotated_csv import rows
from tsmon.stores.influxdb.answers import error_of, message_of
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.flux import (
    MAX_TIME_NS,
    MIN_TIME_NS,
    bins_query,
    counts_query,
    newest_query,
    series_bins_query,
    series_query,
    values_query,
)
from tsmon.stores.influxdb.rollups.by_series import (
    series_windows_of,
    series_windows_query,
    windows_of_points,
)
from tsmon.stores.influxdb.rollups.reading import (
    bins_of,
    rolled_bins_query,
    rolled_series_query,
    series_of,
    windows_of,
    windows_query,
)
from tsmon.stores.influxdb.rollups.states import Rolled, States

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from tsmon.line_protocol.parser import FieldValue

__all__ = ["InfluxStore"]

ERROR_BYTES: Final = 64 * 1024
"""The server names every bad line; more of that than this is not read."""

ONE_PIECE_BYTES: Final = 1024 * 1024
"""Larger bodies are handed to the socket in pieces, between which the event loop can do other things."""

COMPRESSION_LEVEL: Final = 1

_Answer = tuple[int, bytes, str | None]
"""Status, body, and the Retry-After header."""


class InfluxStore(Store):
    """One bucket of an InfluxDB 2.x server, or of whatever takes the v2 write API.

    ``create_bucket`` makes the bucket when it is missing, as soon as the server answers, with
    ``retention_s`` seconds of retention (0: for ever). Opening does not need the server.
    """

    def __init__(self, connection: InfluxConnection, *, create_bucket: bool = False, retention_s: int = 0) -> None:
        self.connection = connection
        self._org = connection.org
        self._create_bucket = create_bucket
        self._retention_s = retention_s
        self._session: aiohttp.ClientSession | None = None
        self._token: str | None = None
        self.rollups = States(self.query, connection.bucket)
        """What is rolled up, and how far; nothing before ``tsmon-agent setup``."""
        self.on_written: Callable[[bytes], None] | None = None
        """Called with the lines of each write that was acknowledged."""
        self._compress = not connection.loopback or connection.proxy is not None

    def __repr__(self) -> str:
        return f"InfluxStore({self.connection!r})"

    def __str__(self) -> str:
        connection = self.connection
        return f"InfluxDB at {connection.url} (organization {self._org!r}, bucket {connection.bucket!r})"

    @property
    def destination(self) -> tuple[str, str, str]:
        """See :attr:`Store.destination`."""
        return self.connection.url, self.connection.org, self.connection.bucket

    def after_fork(self) -> None:
        """See :meth:`Store.after_fork`: the session is kept, unused, since closing it would speak to the server."""
        self._parents = self._session
        self._session = None

    async def open(self) -> None:
        """Read token and certificates; raises :class:`~tsmon.errors.SettingsError` where they are wrong."""
        import aiohttp

        if self._session is not None:
            return
        self._token = self.connection.read_token()
        context = self.connection.ssl_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context) if context else None,
            headers={"User-Agent": "tsmon"},
            timeout=aiohttp.ClientTimeout(total=self.connection.timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def write(self, lines: bytes) -> None:
        """Store lines; see :meth:`Store.write`. Compressed unless the server is this machine."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        body = lines
        if self._compress:
            from isal import igzip

            body = igzip.compress(lines, COMPRESSION_LEVEL)
            headers["Content-Encoding"] = "gzip"
        parameters = {"org": await self._organization(), "bucket": self.connection.bucket, "precision": "ns"}
        answer = await self._post("/api/v2/write", parameters, headers, body)
        if answer[0] == 404 and self._create_bucket:
            await self.create_bucket()
            answer = await self._post("/api/v2/write", parameters, headers, body)
        if answer[0] in (204, 422) and self.on_written is not None:
            self.on_written(lines)
        if answer[0] != 204:
            raise self._error(answer)

    async def check(self) -> None:
        """Ask the server whether a write would pass; see :meth:`Store.check`."""
        if self._session is None:
            async with self:
                await self.check()
            return
        await self.write(b"# check\n")

    async def create_bucket(self) -> None:
        """Create the bucket if it is missing; the token must be allowed to."""
        organization = await self._organization()
        found = await self._organizations({"org": organization})
        if not found:
            raise StoreUnavailableError(
                f"{self}: the bucket cannot be created, since the token does not see the organization; "
                "create the bucket yourself, or set monitoring.token to one that may"
            )
        rules = [{"type": "expire", "everySeconds": self._retention_s}] if self._retention_s else []
        body = {"orgID": found[0]["id"], "name": self.connection.bucket, "retentionRules": rules}
        headers = {"Content-Type": "application/json"}
        answer = await self._post("/api/v2/buckets", {}, headers, msgspec.json.encode(body))
        exists = answer[0] == 422 and b"already exists" in answer[1]
        if answer[0] != 201 and not exists:
            raise StoreUnavailableError(
                f"{self}: the bucket cannot be created ({answer[0]}: {message_of(answer[1])}); "
                "create it yourself, or set monitoring.token to one that may"
            )

    async def query(self, flux: str, *, timeout_s: float | None = None) -> str:
        """Annotated CSV that a Flux query yields; ``timeout_s`` is for one that may take longer than others."""
        body = msgspec.json.encode(
            {
                "query": flux,
                "type": "flux",
                "dialect": {"annotations": ["datatype", "group", "default"], "header": True},
            }
        )
        headers = {"Content-Type": "application/json", "Accept": "application/csv"}
        if not self._compress:
            headers["Accept-Encoding"] = "identity"  # by default the server would compress for its own machine
        parameters = {"org": await self._organization()}
        answer = await self._request("POST", "/api/v2/query", parameters, headers, body, timeout_s=timeout_s)
        if answer[0] == 400:
            raise StoreRefusedError(f"{self} refused the query: {message_of(answer[1])}", status=400)
        if answer[0] != 200:
            raise self._error(answer)
        return answer[1].decode(errors="replace")

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """See :meth:`Store.bins`; from rollups where they are, else from points."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        found = await self.rollups.widest(selector.measurement, start_ns, stop_ns, every_ns)
        if found is None:
            return await self._bins(selector, start_ns, stop_ns, every_ns)
        rolled, low_ns, high_ns = found
        return [
            *(await self._bins(selector, start_ns, low_ns, every_ns) if start_ns < low_ns else ()),
            *await self._rolled_bins(rolled, selector, low_ns, high_ns, every_ns),
            *(await self._bins(selector, high_ns, stop_ns, every_ns) if high_ns < stop_ns else ()),
        ]

    async def bins_of_spans(self, selector: Selector, spans: Iterable[Asked]) -> list[list[Bin]]:
        """See :meth:`Store.bins_of_spans`; spans of whole windows of one width are one question."""
        asked = list(spans)
        widths = {span.every_ns for span in asked}
        if len(widths) != 1 or any(edge % span.every_ns for span in asked for edge in span[:2]):
            return await super().bins_of_spans(selector, asked)
        start_ns = max(min(span.start_ns for span in asked), MIN_TIME_NS)
        stop_ns = min(max(span.stop_ns for span in asked), MAX_TIME_NS)
        found = await self.bins(selector, start_ns=start_ns, stop_ns=stop_ns, every_ns=widths.pop())
        starts = [one.start_ns for one in found]
        return [
            found[bisect_left(starts, span.start_ns) : bisect_left(starts, span.stop_ns)]
            if span.start_ns < span.stop_ns
            else []
            for span in asked
        ]

    async def windows(
        self, selectors: Sequence[Selector], *, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[tuple[Mapping[str, str], list[Bin]]] | None:
        """See :meth:`Store.windows`; None where there are no rollups of just this width."""
        start_ns, stop_ns = max(start_ns, MIN_TIME_NS), min(stop_ns, MAX_TIME_NS)
        found = await self.rollups.widest(selectors[0].measurement, start_ns, stop_ns, every_ns)
        if found is None or found[0].every_ns != every_ns:
            return None
        rolled, low_ns, high_ns = found
        bucket = self.rollups.bucket_of(rolled)
        bins = series_windows_of(
            await self.query(series_windows_query(bucket, selectors, low_ns, high_ns)), every_ns
        )
        if bins is None:
            return None
        for start, stop in ((start_ns, low_ns), (high_ns, stop_ns)):
            if start < stop:
                text = await self.query(series_bins_query(self.connection.bucket, selectors, start, stop, every_ns))
                for tags, more in windows_of_points(text, every_ns).items():
                    known = bins.setdefault(tags, [])
                    bins[tags] = more + known if start < low_ns else known + more
        return [(dict(tags), bins[tags]) for tags in sorted(bins)]

    async def _rolled_bins(
        self, rolled: Rolled, selector: Selector, start_ns: int, stop_ns: int, every_ns: int
    ) -> list[Bin]:
        bucket = self.rollups.bucket_of(rolled)
        if rolled.every_ns == every_ns:
            # Mostly it is one series, whose rollups are the windows as they are.
            found = windows_of(await self.query(windows_query(bucket, selector, start_ns, stop_ns)), every_ns)
            if found is not None:
                return found
        return bins_of(await self.query(rolled_bins_query(bucket, selector, start_ns, stop_ns, every_ns)), every_ns)

    async def _bins(self, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        text = await self.query(bins_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        counts: dict[int, int] = {}
        firsts: dict[int, int] = {}
        lasts: dict[int, int] = {}
        for row in rows(text):
            if row.result == "count":
                start = _floor(row.values["_start"], every_ns)
                counts[start] = counts.get(start, 0) + row.values["_value"]
            else:
                time_ns = row.values["_time"]
                start = _floor(time_ns, every_ns)
                if row.result == "first":
                    firsts[start] = min(firsts.get(start, time_ns), time_ns)
                else:
                    lasts[start] = max(lasts.get(start, time_ns), time_ns)
        return [Bin(start, firsts[start], lasts[start], count) for start, count in sorted(counts.items())]

    async def newest(self, selector: Selector) -> list[Newest]:
        """See :meth:`Store.newest`."""
        text = await self.query(newest_query(self.connection.bucket, selector))
        found = [Newest(row.tags, row.values["_time"], row.values["_value"]) for row in rows(text)]
        return sorted(found, key=lambda newest: sorted(newest.tags.items()))

    async def counts(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Count]:
        """See :meth:`Store.counts`."""
        if start_ns >= stop_ns:
            return []
        text = await self.query(counts_query(self.connection.bucket, selector, start_ns, stop_ns))
        found = [Count(row.tags, row.values["_value"]) for row in rows(text)]
        return sorted(found, key=lambda one: sorted(one.tags.items()))

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`; from rollups where they are, else from points."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        found = await self.rollups.widest(selector.measurement, start_ns, stop_ns, every_ns)
        if found is None:
            return await self._series(selector, start_ns, stop_ns, every_ns)
        rolled, low_ns, high_ns = found
        bucket = self.rollups.bucket_of(rolled)
        text = await self.query(rolled_series_query(bucket, selector, low_ns, high_ns))
        return _joined(
            await self._series(selector, start_ns, low_ns, every_ns) if start_ns < low_ns else [],
            series_of(text, every_ns),
            await self._series(selector, high_ns, stop_ns, every_ns) if high_ns < stop_ns else [],
        )

    async def _series(self, selector: Selector, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        text = await self.query(series_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        found: dict[tuple[tuple[str, str], ...], tuple[list[int], list[float]]] = {}
        for row in rows(text):
            times, values = found.setdefault(tuple(sorted(row.tags.items())), ([], []))
            times.append(_floor(row.values["_time"], every_ns))
            values.append(row.values["_value"])
        return [Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        """See :meth:`Store.values`."""
        if start_ns >= stop_ns:
            return []  # the server refuses an empty range
        text = await self.query(values_query(self.connection.bucket, selector, start_ns, stop_ns))
        found: dict[tuple[tuple[str, str], ...], tuple[list[int], list[FieldValue]]] = {}
        for row in rows(text):
            times, values = found.setdefault(tuple(sorted(row.tags.items())), ([], []))
            times.append(row.values["_time"])
            values.append(row.values["_value"])
        return [Values(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]

    async def kept(self, measurement: str) -> list[Kept]:
        """See :meth:`Store.kept`."""
        now_ns = time.time_ns()
        rolled = [
            Kept(one.every_ns, max(one.since_ns, now_ns - one.keep_ns if one.keep_ns else one.since_ns))
            for one in sorted(await self.rollups.all(), key=lambda one: one.every_ns)
            if one.measurement == measurement
        ]
        return [Kept(0, await self.points_since_ns() if rolled else MIN_TIME_NS), *rolled]

    async def call(self, method: str, path: str, parameters: dict[str, str], body: object = None) -> Any:
        """Ask the server's API (``/api/v2/…``); the decoded answer, None where there is nothing.

        ``orgID`` in a body that is a dict, and ``org`` in the parameters, are filled in where they are empty texts.
        Raises :class:`~tsmon.errors.StoreError`.
        """
        if parameters.get("org") == "":
            parameters = {**parameters, "org": await self._organization()}
        if isinstance(body, dict) and body.get("orgID") == "":
            found = await self._organizations({"org": await self._organization()})
            if not found:
                raise StoreUnavailableError(
                    f"{self}: the token does not see the organization, so it may not make anything in it; "
                    "set monitoring.token to one that may"
                )
            body = {**body, "orgID": found[0]["id"]}
        data = None if body is None else msgspec.json.encode(body)
        answer = await self._request(method, path, parameters, {"Content-Type": "application/json"}, data)
        if answer[0] == 404 and method == "GET":
            return None
        if answer[0] not in (200, 201, 204):
            raise self._error(answer)
        return msgspec.json.decode(answer[1]) if answer[1] else None

    async def bucket(self, name: str) -> dict[str, Any] | None:
        """What the server knows of a bucket; None where there is none of the name."""
        found = await self.call("GET", "/api/v2/buckets", {"org": "", "name": name})
        return found["buckets"][0] if found and found["buckets"] else None

    async def points_since_ns(self) -> int:
        """The time before which retention may have removed points; the first of all where the bucket keeps all."""
        found = await self.bucket(self.connection.bucket)
        rules = [] if found is None else found["retentionRules"]
        kept_s = min((rule["everySeconds"] for rule in rules if rule["everySeconds"]), default=0)
        return time.time_ns() - kept_s * 1_000_000_000 if kept_s else MIN_TIME_NS

    async def _organization(self) -> str:
        """Name of the organization; where the settings leave it out, the one that the token sees."""
        if not self._org:
            names = [org["name"] for org in await self._organizations({})]
            if len(names) != 1:
                raise StoreUnavailableError(
                    f"monitoring.organization is not set and the token sees {len(names)} organizations "
                    f"({', '.join(names) or 'none'}); set it to one of them"
                )
            self._org = names[0]
        return self._org

    async def _organizations(self, parameters: dict[str, str]) -> list[dict[str, Any]]:
        answer = await self._request("GET", "/api/v2/orgs", parameters, {}, None)
        if answer[0] != 200:
            raise self._error(answer)
        try:
            return msgspec.json.decode(answer[1], type=_Organizations).orgs
        except msgspec.DecodeError:
            raise self._error(answer) from None

    async def _post(self, path: str, parameters: dict[str, str], headers: dict[str, str], body: bytes) -> _Answer:
        return await self._request("POST", path, parameters, headers, body)

    async def _request(
        self,
        method: str,
        path: str,
        parameters: dict[str, str],
        headers: dict[str, str],
        body: bytes | None,
        *,
        timeout_s: float | None = None,
    ) -> _Answer:
        import aiohttp

        from tsmon.stores.influxdb.unreachable import unreachable

        if self._session is None:
            raise StoreError(f"{self} is not open; use it as `async with`, or call open() first")
        if self._token is None:
            self._token = self.connection.read_token()
        connection = self.connection
        try:
            async with self._session.request(
                method,
                connection.url.rstrip("/") + path,
                params=parameters,
                headers={"Authorization": f"Token {self._token}", **headers},
                data=io.BytesIO(body) if body is not None and len(body) > ONE_PIECE_BYTES else body,
                proxy=connection.proxy,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s or connection.timeout_s),
            ) as response:
                status = response.status
                if status in (401, 403) and connection.token_file is not None:
                    # The file may hold a newer one by the next request.
                    self._token = None
                answer = await (response.read() if status == 200 else _read_capped(response.content))
                return status, answer, response.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(error, connection) from None

    def _error(self, answer: _Answer) -> StoreError:
        return error_of(*answer, where=str(self))


def _joined(*parts: list[Series]) -> list[Series]:
    """Series of parts of time, which follow each other, as one."""
    found: dict[tuple[tuple[str, str], ...], tuple[list[int], list[float]]] = {}
    for part in parts:
        for one in part:
            times, values = found.setdefault(tuple(sorted(one.tags.items())), ([], []))
            times += one.times_ns
            values += one.values
    return [Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]


class _Organizations(msgspec.Struct):
    orgs: list[dict[str, Any]] = []


async def _read_capped(content: "aiohttp.StreamReader") -> bytes:
    parts: list[bytes] = []
    left = ERROR_BYTES
    while left and (part := await content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _floor(time_ns: int, every_ns: int) -> int:
    return time_ns // every_ns * every_ns
