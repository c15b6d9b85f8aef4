"""The HTTP API of an InfluxDB 2.x server: one session, requests with a token, queries."""

import io
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.responses import error_of, message_of

if TYPE_CHECKING:
    import aiohttp

__all__ = ["ERROR_BYTES", "ONE_PIECE_BYTES", "Answer", "InfluxApi"]

ERROR_BYTES: Final = 64 * 1024
"""The server names every bad line; more of that than this is not read."""

ONE_PIECE_BYTES: Final = 1024 * 1024
"""Larger bodies are sent, or read, in pieces, between which the event loop can do other things."""

Answer = tuple[int, bytes, str | None]
"""Status, body, and the Retry-After header."""


class InfluxApi:
    """Speaks to one server as an organization's user; opening does not need the server."""

    def __init__(self, connection: InfluxConnection) -> None:
        self.connection = connection
        self._org = connection.org
        self._session: aiohttp.ClientSession | None = None
        self._token: str | None = None
        self._compress = not connection.loopback or connection.proxy is not None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection!r})"

    def __str__(self) -> str:
        connection = self.connection
        return f"InfluxDB at {connection.url} (organization {self._org!r}, bucket {connection.bucket!r})"

    @property
    def is_open(self) -> bool:
        """Whether requests can be made."""
        return self._session is not None

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

    async def _post(self, path: str, parameters: dict[str, str], headers: dict[str, str], body: bytes) -> Answer:
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
    ) -> Answer:
        import aiohttp

        from tsmon.stores.influxdb.connection_errors import unreachable

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

    def _error(self, answer: Answer) -> StoreError:
        return error_of(*answer, where=str(self))


class _Organizations(msgspec.Struct):
    orgs: list[dict[str, Any]] = []


async def _read_capped(content: "aiohttp.StreamReader") -> bytes:
    parts: list[bytes] = []
    left = ERROR_BYTES
    while left and (part := await content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
