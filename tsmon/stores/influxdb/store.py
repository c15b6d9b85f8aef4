"""InfluxDB 2.x over its HTTP API."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores.base import Bin, Newest, Selector, Series, Store
from tsmon.stores.influxdb.annotated_csv import rows
from tsmon.stores.influxdb.answers import error_of, message_of
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.flux import bins_query, newest_query, series_query

if TYPE_CHECKING:
    import aiohttp

__all__ = ["InfluxStore"]

ERROR_BYTES: Final = 64 * 1024
"""The server names every bad line; more of that than this is not read."""

COMPRESSION_LEVEL: Final = 1


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
        self._compress = not connection.loopback

    def __repr__(self) -> str:
        return f"InfluxStore({self.connection!r})"

    def __str__(self) -> str:
        connection = self.connection
        return f"InfluxDB at {connection.url} (organization {self._org!r}, bucket {connection.bucket!r})"

    async def open(self) -> None:
        """Read token and certificates; raises :class:`~tsmon.errors.SettingsError` where they are wrong."""
        import aiohttp

        context = self.connection.ssl_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context) if context else None,
            headers={"Authorization": f"Token {self.connection.read_token()}", "User-Agent": "tsmon"},
            timeout=aiohttp.ClientTimeout(total=self.connection.timeout_s),
            auto_decompress=True,
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
        status, answer, retry_after = await self._post("/api/v2/write", parameters, headers, body)
        if status == 404 and self._create_bucket:
            await self.create_bucket()
            status, answer, retry_after = await self._post("/api/v2/write", parameters, headers, body)
        if status not in (200, 204):
            raise error_of(status, answer, retry_after, where=str(self))

    async def check(self) -> None:
        """Ask the server whether a write would pass; see :meth:`Store.check`."""
        if self._session is None:
            async with self:
                await self.check()
            return
        try:
            await self.write(b"# check\n")
        except StoreRefusedError as error:
            if error.status != 400:
                raise

    async def create_bucket(self) -> None:
        """Create the bucket if it is missing; the token must be allowed to."""
        connection = self.connection
        found = await self._get("/api/v2/orgs", {"org": await self._organization()})
        orgs = found.get("orgs") or []
        if not orgs:
            raise StoreUnavailableError(f"{self}: there is no such organization; correct monitoring.org")
        rules = [{"type": "expire", "everySeconds": self._retention_s}] if self._retention_s else []
        body = {"orgID": orgs[0]["id"], "name": connection.bucket, "retentionRules": rules}
        headers = {"Content-Type": "application/json"}
        status, answer, retry_after = await self._post("/api/v2/buckets", {}, headers, msgspec.json.encode(body))
        exists = status == 422 and b"already exists" in answer
        if status != 201 and not exists:
            error = error_of(status, answer, retry_after, where=str(self))
            raise StoreUnavailableError(f"the bucket cannot be created: {error}") from None

    async def query(self, flux: str) -> str:
        """Annotated CSV that a Flux query yields."""
        body = msgspec.json.encode(
            {
                "query": flux,
                "type": "flux",
                "dialect": {"annotations": ["datatype", "group", "default"], "header": True},
            }
        )
        headers = {"Content-Type": "application/json", "Accept": "application/csv"}
        status, answer, retry_after = await self._post(
            "/api/v2/query", {"org": await self._organization()}, headers, body, capped=False
        )
        if status == 400:
            raise StoreRefusedError(f"{self} refused the query: {message_of(answer)}", status=status)
        if status != 200:
            raise error_of(status, answer, retry_after, where=str(self))
        return answer.decode()

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        """See :meth:`Store.bins`."""
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

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        """See :meth:`Store.series`."""
        text = await self.query(series_query(self.connection.bucket, selector, start_ns, stop_ns, every_ns))
        found: dict[tuple[tuple[str, str], ...], tuple[list[int], list[float]]] = {}
        for row in rows(text):
            times, values = found.setdefault(tuple(sorted(row.tags.items())), ([], []))
            times.append(_floor(row.values["_time"], every_ns))
            values.append(row.values["_value"])
        return [Series(dict(tags), times, values) for tags, (times, values) in sorted(found.items())]

    async def _organization(self) -> str:
        """Name of the organization; where the settings leave it out, the one that the token sees."""
        if not self._org:
            found = await self._get("/api/v2/orgs", {})
            names = [org["name"] for org in found.get("orgs") or []]
            if len(names) != 1:
                raise StoreUnavailableError(
                    f"monitoring.organization is not set and the token sees {len(names)} organizations "
                    f"({', '.join(names) or 'none'}); set it to one of them"
                )
            self._org = names[0]
        return self._org

    async def _get(self, path: str, parameters: dict[str, str]) -> Any:
        status, answer, retry_after = await self._request("GET", path, parameters, {}, None)
        if status != 200:
            raise error_of(status, answer, retry_after, where=str(self))
        return msgspec.json.decode(answer)

    async def _post(
        self,
        path: str,
        parameters: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        *,
        capped: bool = True,
    ) -> tuple[int, bytes, str | None]:
        return await self._request("POST", path, parameters, headers, body, capped=capped)

    async def _request(
        self,
        method: str,
        path: str,
        parameters: dict[str, str],
        headers: dict[str, str],
        body: bytes | None,
        *,
        capped: bool = True,
    ) -> tuple[int, bytes, str | None]:
        import aiohttp

        if self._session is None:
            raise StoreError(f"{self} is not open; use it as `async with`, or call open() first")
        url = self.connection.url.rstrip("/") + path
        try:
            async with self._session.request(
                method, url, params=parameters, headers=headers, data=body, proxy=self.connection.proxy
            ) as response:
                answer = await (
                    response.content.read(ERROR_BYTES) if capped and response.status >= 400 else response.read()
                )
                return response.status, answer, response.headers.get("Retry-After")
        except TimeoutError:
            reason = f"no answer within {self.connection.timeout_s:g} s"
        except aiohttp.InvalidURL:
            raise StoreUnavailableError(
                f"monitoring.url {self.connection.url!r} is not an address; write it as http://host:8086"
            ) from None
        except aiohttp.ClientError as error:
            reason = str(error) or type(error).__name__
        except OSError as error:
            reason = error.strerror or str(error)
        raise StoreUnavailableError(
            f"InfluxDB at {self.connection.url} cannot be reached ({reason}); is it running, is the address right?"
        )


def _floor(time_ns: int, every_ns: int) -> int:
    return time_ns // every_ns * every_ns
