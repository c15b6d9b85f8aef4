"""Routes whose requests are summed up or sampled."""

import pytest

from tsmon import Monitor, Request, RequestError, RequestSummary
from tsmon.integrations.recorder import RequestRecorder
from tsmon.integrations.request_summaries import RequestSummaries, RouteSampling
from tsmon.settings import MonitoringSettings
from tsmon.sketch import Sketch
from tsmon.testing import EmittedPoints, MemoryStore


def recorder_of(settings: MonitoringSettings) -> tuple[Monitor, RequestRecorder]:
    monitor = Monitor(settings, service="web", store=MemoryStore())
    return monitor, RequestRecorder(monitor)


async def test_a_summarized_route_has_one_point_per_status_and_flush(tsmon: EmittedPoints) -> None:
    monitor, recorder = recorder_of(MonitoringSettings(summarize_routes=["GET:/health*"]))
    async with monitor:
        for status in [200] * 50 + [503] * 2:
            recorder.end(recorder.begin(), method="GET", resource="/healthz", status=status)
        recorder.end(recorder.begin(), method="GET", resource="/other", status=200)
        await monitor.flush()
        fine = tsmon.one(RequestSummary, status_code=200)
        assert (fine.service, fine.route, fine.count) == ("web", "GET:/healthz", 50)
        assert 0 < fine.min <= fine.p50 <= fine.p90 <= fine.p99 <= fine.max < fine.sum
        assert Sketch.parse(fine.sketch).count == 50
        assert tsmon.one(RequestSummary, status_code=503).count == 2
        assert len(tsmon.points(RequestError)) == 2
        assert tsmon.one(Request).route == "GET:/other"
        tsmon.clear()
        await monitor.flush()
        tsmon.none(RequestSummary)


async def test_summaries_are_written_at_the_stop(tsmon: EmittedPoints) -> None:
    monitor, recorder = recorder_of(MonitoringSettings(summarize_routes=["*"]))
    async with monitor:
        recorder.end(recorder.begin(), method="GET", resource="/", status=200)
    assert tsmon.one(RequestSummary).count == 1


def test_a_sampled_route_keeps_one_request_in_n_and_every_error(tsmon: EmittedPoints) -> None:
    _, recorder = recorder_of(MonitoringSettings(sample_routes={"GET:/thumbnails/*": 10}))
    for n in range(2_000):
        recorder.end(
            recorder.begin(), method="GET", resource="/thumbnails/{id}", status=200, request_id=f"request {n}"
        )
    kept = tsmon.points(Request)
    assert {point.fields and point.fields["weight"] for point in kept} == {10}
    assert len(kept) == sum(RouteSampling.keeps(f"request {n}", 10) for n in range(2_000))
    assert 120 < len(kept) < 280
    tsmon.clear()
    for _ in range(20):
        recorder.end(recorder.begin(), method="GET", resource="/thumbnails/{id}", status=500)
    assert len(tsmon.points(Request, fields=None)) == 20
    assert len(tsmon.points(RequestError)) == 20


@pytest.mark.parametrize(
    ("route", "one_in"),
    [("GET:/health", 0), ("GET:/healthz", 0), ("POST:/health", 1), ("GET:/a/b", 5), ("GET:/", 1)],
)
def test_patterns_choose_routes(route: str, one_in: int) -> None:
    thinning = RouteSampling(["GET:/health*"], {"GET:/a/*": 5, "GET:/a/b": 7})
    assert thinning.one_in(route) == one_in
    assert thinning.one_in(route) == one_in


def test_sums_are_exact() -> None:
    summaries = RequestSummaries("web")
    for seconds in (0.5, 0.25, 1.0):
        summaries.add("GET:/", 200, seconds)
    [point] = summaries.collect()
    assert (point.count, point.sum, point.min, point.max) == (3, 1.75, 0.25, 1.0)
    summaries.add("GET:/", 200, 1.0)
    summaries.forget()
    assert list(summaries.collect()) == []
