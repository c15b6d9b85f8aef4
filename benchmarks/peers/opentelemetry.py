"""The OpenTelemetry SDK: a histogram with three attributes; it counts values; ids and times are not stored."""

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from benchmarks.emitting import time_emitting
from benchmarks.events import SERVICE, Events
from benchmarks.rounds import Figures

__all__ = ["emit"]


def emit(points: int, threads: int) -> Figures:
    """One round of ``record(x, attributes)``."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    histogram = provider.get_meter("benchmarks").create_histogram("requests")

    def record(events: Events) -> None:
        for route, status_code, _, execution_time in events:
            histogram.record(
                execution_time,
                {"service": SERVICE, "route": route, "status_code": status_code},
            )

    figures = time_emitting(record, points, threads)
    provider.shutdown()
    return figures
