import pytest

from tsmon_agent.web.host.thresholds import THRESHOLDS, Severity, judge, worst


@pytest.mark.parametrize("subject", THRESHOLDS)
def test_a_value_is_judged_by_its_thresholds(subject: str) -> None:
    threshold = THRESHOLDS[subject]
    assert judge(subject, 0.0) == Severity.OK
    assert judge(subject, threshold.high - 0.01) == Severity.OK
    assert judge(subject, threshold.high) == Severity.HIGH
    assert judge(subject, threshold.critical) == Severity.CRITICAL


def test_what_is_not_known_is_not_judged() -> None:
    assert judge("cpu", None) == Severity.NONE


def test_the_worst_is_what_needs_attention_first() -> None:
    assert worst([Severity.OK, Severity.NONE, Severity.HIGH, Severity.STALE]) == Severity.HIGH
    assert worst([Severity.NONE]) is None
