import pytest

from tsmon_agent.web.host.thresholds import THRESHOLDS, State, judge


@pytest.mark.parametrize("subject", THRESHOLDS)
def test_a_value_is_judged_by_its_thresholds(subject: str) -> None:
    threshold = THRESHOLDS[subject]
    assert judge(subject, 0.0) == State.OK
    assert judge(subject, threshold.high - 0.01) == State.OK
    assert judge(subject, threshold.high) == State.HIGH
    assert judge(subject, threshold.critical) == State.CRITICAL


def test_what_is_not_known_is_not_judged() -> None:
    assert judge("cpu", None) == State.NONE
