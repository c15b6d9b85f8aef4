"""Ready line protocol, posted by a plain HTTP client: the most that the server accepts."""

import http.client
import time
from urllib.parse import urlencode, urlsplit

from benchmarks.events import SERVICE, make_events
from benchmarks.rounds import Figures
from benchmarks.server import Bucket
from benchmarks.writing import measure_time

__all__ = ["write"]

BATCH = 5_000


def write(points: int, bucket: Bucket) -> Figures:
    """One round of posts, one after the other, over one connection; building the lines is not measured."""
    start_ns = time.time_ns()
    lines = [
        f"requests,route={route},service={SERVICE},status_code={status_code} "
        f'request_id="{request_id}",execution_time={execution_time!r} {start_ns + number * 1_000}'
        for number, (route, status_code, request_id, execution_time) in enumerate(make_events(points))
    ]
    bodies = ["\n".join(lines[first : first + BATCH]).encode() for first in range(0, points, BATCH)]
    path = "/api/v2/write?" + urlencode({"org": bucket.server.org, "bucket": bucket.name, "precision": "ns"})
    headers = {"Authorization": f"Token {bucket.server.token}", "Content-Type": "text/plain; charset=utf-8"}
    connection = http.client.HTTPConnection(urlsplit(bucket.server.url).netloc)
    with measure_time() as meter:
        for body in bodies:
            connection.request("POST", path, body, headers)
            with connection.getresponse() as response:
                answer = response.read()
                assert response.status == 204, answer
    connection.close()
    return meter.figures(points)
