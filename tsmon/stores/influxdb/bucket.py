"""One bucket of an InfluxDB server: writes, its creation, its retention, and how far it is rolled up."""

import time
from typing import TYPE_CHECKING, Final

import msgspec

from tsmon.errors import StoreRefusedError, StoreUnavailableError
from tsmon.stores.influxdb.api import InfluxApi, Response
from tsmon.stores.influxdb.connection import InfluxConnection
from tsmon.stores.influxdb.responses import is_acknowledgement, parse_message
from tsmon.stores.influxdb.rollups.progress import RollupProgress
from tsmon.stores.influxdb.whole_windows import MIN_TIME_NS
from tsmon.time_units import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["InfluxBucket"]

COMPRESSION_LEVEL: Final = 1

MAYBE_COMPRESSION: Final = (400, 406, 501)
"""What servers that know no gzip answer, too, such as one that takes the compressed bytes for lines."""


class InfluxBucket(InfluxApi):
    """A bucket, with the buckets of its rollups beside it.

    ``create_bucket`` creates a missing bucket at the first write, with ``retention_s`` seconds of retention (0: for
    ever).
    """

    def __init__(self, connection: InfluxConnection, *, create_bucket: bool = False, retention_s: int = 0) -> None:
        super().__init__(connection)
        self._compresses_lines = self._compress
        self._compression_works = False
        self._may_create = create_bucket
        self._retention_s = retention_s
        self.rollups = RollupProgress(self.query, connection.bucket)
        """How far each measurement is rolled up; nothing before ``tsmon-agent setup``."""
        self.on_written: Callable[[bytes], None] | None = None
        """Called with the lines of each acknowledged write."""

    async def write(self, lines: bytes) -> None:
        """See :meth:`Store.write`; compressed unless the server is this machine or refuses that."""
        organization = await self._organization_parameters()
        response = await self._send_lines(organization, lines)
        if response.status == 404 and self._may_create:
            await self.create()
            response = await self._send_lines(organization, lines)
        error = None if is_acknowledgement(response.status, response.body) else self._error(response)
        if error is None and not organization:
            self._has_no_organizations = True
        stored_some = error is None or (isinstance(error, StoreRefusedError) and error.lines is not None)
        if stored_some and self.on_written is not None:
            self.on_written(lines)
        if error is not None:
            raise error

    async def write_rollups(self, bucket: str, lines: bytes) -> None:
        """Write lines to a tier's bucket, which exists."""
        response = await self._send_lines(await self._organization_parameters(), lines, bucket)
        if not is_acknowledgement(response.status, response.body):
            raise self._error(response)

    async def create(self) -> None:
        """Create the bucket if it is missing; the token must be allowed to."""
        organization_id = await self._organization_id()
        if organization_id is None:
            raise StoreUnavailableError(
                f"{self}: the bucket cannot be created, since the token does not see the organization; "
                "create the bucket yourself, or set monitoring.token to one that may"
            )
        rules = [{"type": "expire", "everySeconds": self._retention_s}] if self._retention_s else []
        body = {"orgID": organization_id, "name": self.connection.bucket, "retentionRules": rules}
        headers = {"Content-Type": "application/json"}
        response = await self._post("/api/v2/buckets", {}, headers, msgspec.json.encode(body))
        exists = response.status == 422 and b"already exists" in response.body
        if response.status != 201 and not exists:
            raise StoreUnavailableError(
                f"{self}: the bucket cannot be created ({response.status}: {parse_message(response.body)}); "
                "create it yourself, or set monitoring.token to one that may"
            )

    async def _send_lines(self, organization: dict[str, str], lines: bytes, bucket: str | None = None) -> Response:
        parameters = {**organization, "bucket": bucket or self.connection.bucket, "precision": "ns"}
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._compresses_lines:
            from isal import igzip

            body = igzip.compress(lines, COMPRESSION_LEVEL)
            packed = {**headers, "Content-Encoding": "gzip"}
            response = await self._post("/api/v2/write", parameters, packed, body)
            if is_acknowledgement(response.status, response.body):
                self._compression_works = True
                return response
            is_refused = _refuses_compression(response)
            if not is_refused and (self._compression_works or response.status not in MAYBE_COMPRESSION):
                return response
            plain = await self._post("/api/v2/write", parameters, headers, lines)
            if is_refused or is_acknowledgement(plain.status, plain.body):
                self._compresses_lines = False
            return plain
        return await self._post("/api/v2/write", parameters, headers, lines)

    async def points_since_ns(self) -> int:
        """Time before which retention may have removed points; the smallest time if the bucket keeps all points."""
        keep_ns = await self.points_keep_ns()
        return time.time_ns() - keep_ns if keep_ns else MIN_TIME_NS

    async def points_keep_ns(self) -> int:
        """The bucket's retention in nanoseconds; 0: for ever."""
        found = await self.find_bucket(self.connection.bucket)
        rules = [] if found is None else found["retentionRules"]
        return min((rule["everySeconds"] for rule in rules if rule["everySeconds"]), default=0) * SECOND_NS


def _refuses_compression(response: Response) -> bool:
    """Whether the same lines may be accepted without gzip: 415, or 400 and 501 that speak of it."""
    words = response.body.lower()
    return response.status == 415 or (response.status in (400, 501) and (b"gzip" in words or b"encoding" in words))
