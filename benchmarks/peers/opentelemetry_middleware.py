"""OpenTelemetry's aiohttp server instrumentation, with the metrics of its SDK; spans are not recorded."""

import asyncio
from typing import Any

from aiohttp import web
from opentelemetry import metrics
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from benchmarks.rounds import Figures
from benchmarks.serving import application, serve

__all__ = ["requests"]


# The process has one provider: setting a second one is ignored.
_reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([_reader]))


def requests(count: int) -> Figures:
    """One round."""
    instrumentor = AioHttpServerInstrumentor()
    instrumentor.instrument()
    try:
        # Look the class up only now: instrumenting replaces it.
        app = application(web.Application)
        return asyncio.run(serve(app, count, _count_recorded))
    finally:
        instrumentor.uninstrument()


def _count_recorded() -> int:
    data: Any = _reader.get_metrics_data()
    points = [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if "duration" in metric.name
        for point in metric.data.data_points
    ]
    return sum(point.count for point in points)
