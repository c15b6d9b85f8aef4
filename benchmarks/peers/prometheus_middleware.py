"""prometheus_client in a minimal middleware: a histogram and a gauge, labels of method, route and status."""

import asyncio
import time

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Gauge, Histogram

from benchmarks.rounds import Figures
from benchmarks.serving import application, serve

__all__ = ["requests"]


def requests(count: int) -> Figures:
    """One round."""
    registry = CollectorRegistry()
    seconds = Histogram("request_seconds", "Requests", ["method", "route", "status"], registry=registry)
    active = Gauge("requests_active", "Requests in progress", registry=registry)

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        active.inc()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            active.dec()
            resource = request.match_info.route.resource
            route = resource.canonical if resource is not None else "unmatched"
            seconds.labels(request.method, route, str(status)).observe(time.perf_counter() - started)

    app = application()
    app.middlewares.append(record)

    def recorded() -> int:
        return int(sum(s.value for m in registry.collect() for s in m.samples if s.name == "request_seconds_count"))

    return asyncio.run(serve(app, count, recorded))
