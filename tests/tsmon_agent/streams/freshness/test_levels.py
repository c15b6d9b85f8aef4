"""Edges of the levels, and of groups."""

import pytest

from tsmon_agent.streams.freshness import Level, level_of, worst

N, OK, D, F = Level.NOT_TRACKED, Level.OPERATIONAL, Level.DEGRADED, Level.FAILED


@pytest.mark.parametrize(
    ("age", "warn", "fail", "level"),
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
def test_exactly_a_limit_is_not_older(age: int | None, warn: int | None, fail: int | None, level: Level) -> None:
    assert level_of(age, warn, fail) is level
    assert level_of(age, warn, fail, tracked=False) is N


def test_a_group_takes_its_worst() -> None:
    assert worst([]) is N
    assert worst([N, OK]) is OK
    assert worst([OK, F, D]) is F
    assert worst([F, Level.SILENT_HOST]) is Level.SILENT_HOST


def test_every_level_has_a_word_and_a_shape_of_its_own() -> None:
    assert [level.word for level in Level] == ["not tracked", "operational", "degraded", "failed", "silent host"]
    assert len({level.shape for level in Level}) == len(Level)
