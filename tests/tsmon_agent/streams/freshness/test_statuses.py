"""Limits of the statuses, and the statuses of groups."""

import pytest

from tsmon_agent.streams.freshness import FreshnessStatus, judge_age, worst_status

N, OK, D, F = (
    FreshnessStatus.NOT_TRACKED,
    FreshnessStatus.OPERATIONAL,
    FreshnessStatus.DEGRADED,
    FreshnessStatus.FAILED,
)


@pytest.mark.parametrize(
    ("age", "warn", "fail", "status"),
    [
        (0, 10, 20, OK),
        (10, 10, 20, OK),
        (11, 10, 20, D),
        (20, 10, 20, D),
        (21, 10, 20, F),
        (None, 10, 20, F),
        (99, None, None, N),
        (None, None, None, N),
        (11, 10, None, D),
        (99, 10, None, D),
        (19, None, 20, OK),
        (21, None, 20, F),
    ],
)
def test_an_age_equal_to_a_limit_is_within_it(
    age: int | None, warn: int | None, fail: int | None, status: FreshnessStatus
) -> None:
    assert judge_age(age, warn, fail) is status
    assert judge_age(age, warn, fail, tracked=False) is N


def test_a_group_takes_its_worst() -> None:
    assert worst_status([]) is N
    assert worst_status([N, OK]) is OK
    assert worst_status([OK, F, D]) is F
    assert worst_status([F, FreshnessStatus.SILENT_HOST]) is FreshnessStatus.SILENT_HOST


def test_every_status_has_its_own_label_and_symbol() -> None:
    assert [status.label for status in FreshnessStatus] == [
        "not tracked",
        "operational",
        "degraded",
        "failed",
        "silent host",
    ]
    assert len({status.symbol for status in FreshnessStatus}) == len(FreshnessStatus)
