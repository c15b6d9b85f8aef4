"""The HTTP API of an InfluxDB 2.x server: a session, requests with a token, Flux queries."""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from tsmon.errors import SettingsError, StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.files.disk_thread import DiskHangsError, DiskThread
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.responses import error_for, is_acknowledgement, is_own_answer, parse_message

if TYPE_CHECKING:
    import ssl

    import aiohttp

__all__ = ["ERROR_BYTES", "ONE_PIECE_BYTES", "REFUSAL_BYTES", "InfluxApi", "Response"]

T = TypeVar("T")

ERROR_BYTES: Final = 64 * 1024
"""How much of an error response is read."""

REFUSAL_BYTES: Final = 16 * 1024 * 1024
"""How much is read of an answer about the data: InfluxDB 3 repeats every bad line in it."""

NOT_ABOUT_ORGANIZATIONS: Final = (401, 407, 408, 413, 425, 429)
"""Answers to a request for the organizations that say nothing about whether there are any."""

ONE_PIECE_BYTES: Final = 1024 * 1024
"""Larger bodies are sent and parsed in pieces, so that the event loop is not blocked."""


class Response(NamedTuple):
    """What the server answered; ``retry_after`` is the header of that name."""

    status: int
    body: bytes
    retry_after: str | None


class InfluxApi:
    """Client of one server with the token of one organization; opening it does not contact the server."""

    def __init__(self, connection: InfluxConnection) -> None:
        self.connection = connection
        self._org = connection.org
        self._has_no_organizations = False
        self._session: aiohttp.ClientSession | None = None
        self._token: str | None = None
        self._context: ssl.SSLContext | None = None
        self._is_fork = False
        self._disk: DiskThread | None = None
        self._compress = not connection.loopback or connection.proxy is not None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.connection!r})"

    def __str__(self) -> str:
        connection = self.connection
        return f"InfluxDB at {connection.url} (organization {self._org!r}, bucket {connection.bucket!r})"

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._session is not None

    def after_fork(self) -> None:
        """See :meth:`Store.after_fork`; closing the session would write to the parent's connection."""
        self._is_fork = True
        self._disk = None
        self._abandon_session()

    def after_loop_end(self) -> None:
        """See :meth:`Store.after_loop_end`; closing the session would need its event loop."""
        self._abandon_session()

    def preload(self) -> None:
        """See :meth:`Store.preload`."""
        import tsmon.stores.influxdb.connection_errors  # noqa: F401

    def _read_credentials(self) -> "ssl.SSLContext | None":
        try:
            self._token = self.connection.read_token()
            self._context = self.connection.ssl_context()
        except SettingsError:
            # A child that has given up rights since the fork keeps what its parent has read.
            if not self._is_fork or self._token is None:
                raise
        return self._context

    async def _read_file(self, read: Callable[[], T], setting: str) -> T:
        """Call ``read``, on a thread, because the disk of the file that ``setting`` names may hang."""
        if self._disk is None or not self._disk.is_busy:
            self._disk = DiskThread("tsmon-credentials")
        disk = self._disk
        try:
            if disk.hangs:
                raise DiskHangsError
            return await disk.run(read)
        except DiskHangsError as error:
            raise StoreUnavailableError(f"{setting} cannot be read ({error.strerror}); correct the path") from None
        finally:
            if not disk.is_busy:
                self._disk = None
                disk.end()

    def _abandon_session(self) -> None:
        # Kept, because it would be closed when it is collected.
        self._abandoned, self._session = self._session, None

    async def open(self) -> None:
        """Read token and certificates; raises :class:`~tsmon.errors.SettingsError` if they are wrong."""
        import aiohttp

        if self._session is not None:
            return
        connection = self.connection
        if connection.token_file is None and not connection.url.startswith("https:"):
            context = self._read_credentials()
        else:
            context = await self._read_file(self._read_credentials, connection.files)
        if self.is_open:
            return
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
        """Run a Flux query and return annotated CSV; ``timeout_s`` replaces the connection's for long queries."""
        body = msgspec.json.encode(
            {
                "query": flux,
                "type": "flux",
                "dialect": {"annotations": ["datatype", "group", "default"], "header": True},
            }
        )
        headers = {"Content-Type": "application/json", "Accept": "application/csv"}
        if not self._compress:
            headers["Accept-Encoding"] = "identity"  # compression costs more than loopback
        parameters = await self._organization_parameters()
        response = await self._request("POST", "/api/v2/query", parameters, headers, body, timeout_s=timeout_s)
        if response.status == 400 and is_own_answer(response.body):
            raise StoreRefusedError(f"{self} refused the query: {parse_message(response.body)}", status=400)
        if response.status != 200:
            raise self._error(response)
        return response.body.decode(errors="replace")

    async def call(self, method: str, path: str, parameters: dict[str, str], body: object = None) -> Any:
        """Send a request to the server's API (``/api/v2/…``) and return the decoded response; None if it is empty.

        An empty ``org`` in the parameters and an empty ``orgID`` in the body are filled in. Raises
        :class:`~tsmon.errors.StoreError`.
        """
        if parameters.get("org") == "":
            organization = await self._organization()
            key = "orgID" if _is_id(organization) else "org"
            parameters = {**parameters, key: organization}
            if key != "org":
                del parameters["org"]
        if isinstance(body, dict) and body.get("orgID") == "":
            found = await self._organization_id()
            if found is None:
                raise StoreUnavailableError(
                    f"{self}: the token cannot see the organization, so it may not create anything in it; "
                    "set monitoring.token to one that may"
                )
            body = {**body, "orgID": found}
        data = None if body is None else msgspec.json.encode(body)
        response = await self._request(method, path, parameters, {"Content-Type": "application/json"}, data)
        if response.status == 404 and method == "GET" and is_own_answer(response.body):
            return None
        if response.status not in (200, 201, 204):
            raise self._error(response)
        try:
            return msgspec.json.decode(response.body) if response.body else None
        except (msgspec.DecodeError, RecursionError):
            raise self._error(response) from None

    async def find_bucket(self, name: str) -> dict[str, Any] | None:
        """The server's description of a bucket; None if there is no bucket of that name."""
        found = await self.call("GET", "/api/v2/buckets", {"org": "", "name": name})
        return found["buckets"][0] if found and found["buckets"] else None

    async def _organization(self) -> str:
        """The organization: as set, else the only one that the token can see; empty if the server has none."""
        if not self._org and not self._has_no_organizations:
            response = await self._request("GET", "/api/v2/orgs", {}, {}, None)
            if _knows_no_organizations(response):
                return ""
            names = [org.name for org in self._parse_organizations(response)]
            if len(names) != 1:
                raise StoreUnavailableError(
                    f"monitoring.organization is not set and the token sees {len(names)} organizations "
                    f"({', '.join(names) or 'none'}); set it to one of them"
                )
            self._org = names[0]
        return self._org

    async def _organization_parameters(self) -> dict[str, str]:
        organization = await self._organization()
        return {"org": organization} if organization else {}

    async def _organization_id(self) -> str | None:
        """Id of the organization; None if the token cannot see it."""
        organization = await self._organization()
        if _is_id(organization):
            return organization
        response = await self._request("GET", "/api/v2/orgs", {"org": organization}, {}, None)
        found = self._parse_organizations(response)
        return found[0].id if found else None

    def _parse_organizations(self, response: Response) -> "list[_Organization]":
        if response.status != 200:
            raise self._error(response)
        try:
            return msgspec.json.decode(response.body, type=_Organizations).orgs
        except (msgspec.DecodeError, RecursionError):
            raise self._error(response) from None

    async def _post(self, path: str, parameters: dict[str, str], headers: dict[str, str], body: bytes) -> Response:
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
    ) -> Response:
        import aiohttp

        from tsmon.stores.influxdb.connection_errors import unreachable_error

        if self._token is None:
            connection = self.connection
            self._token = await self._read_file(connection.read_token, connection.files)
        if self._session is None:
            raise StoreError(f"{self} is not open; use it as `async with`, or call open() first")
        connection = self.connection
        try:
            async with self._session.request(
                method,
                connection.url.rstrip("/") + path,
                params=parameters,
                headers={**({"Authorization": f"Token {self._token}"} if self._token else {}), **headers},
                data=io.BytesIO(body) if body is not None and len(body) > ONE_PIECE_BYTES else body,
                proxy=connection.proxy,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s or connection.timeout_s),
            ) as reply:
                status = reply.status
                if status in (401, 403) and connection.token_file is not None:
                    # The file may contain a newer token by the next request.
                    self._token = None
                limit = REFUSAL_BYTES if status in (400, 422) else ERROR_BYTES
                content = await (reply.read() if status == 200 else _read_capped(reply.content, limit))
                return Response(status, content, reply.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise unreachable_error(error, connection) from None

    def _error(self, response: Response) -> StoreError:
        return error_for(*response, where=str(self))


class _Organization(msgspec.Struct):
    id: str
    name: str


class _Organizations(msgspec.Struct):
    orgs: list[_Organization] = []


def _knows_no_organizations(response: Response) -> bool:
    """Whether the server has no organizations, such as VictoriaMetrics, or a gateway in front of it hides them.

    Then lines are written without; a server that wants an organization says so. A server that answers everything
    alike has none, either.
    """
    status, body, _ = response
    if status == 404 or is_acknowledgement(status, body):
        return True
    return (
        (400 <= status < 500 or status == 501) and status not in NOT_ABOUT_ORGANIZATIONS and not is_own_answer(body)
    )


def _is_id(organization: str) -> bool:
    """Whether the server takes this for an id: sixteen hexadecimal digits."""
    return re.fullmatch("[0-9a-f]{16}", organization) is not None


async def _read_capped(content: "aiohttp.StreamReader", left: int) -> bytes:
    parts: list[bytes] = []
    while left and (part := await content.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
