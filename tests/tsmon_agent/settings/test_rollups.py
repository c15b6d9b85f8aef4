"""Section [rollups]."""

import pytest

from tsmon import SettingsError
from tsmon.settings.durations import format_duration, parse_duration
from tsmon.stores.rollup_tiers import DEFAULT_TIERS, RollupTier
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS
from tsmon_agent.settings import RollupSettings


def test_the_tiers_left_out() -> None:
    assert RollupSettings().effective_tiers == DEFAULT_TIERS
    assert RollupSettings(enabled=False).effective_tiers == ()


def test_tiers_are_put_in_order() -> None:
    settings = RollupSettings(tiers={"1d": "forever", "15m": "30d"})
    assert settings.effective_tiers == (RollupTier(15 * MINUTE_NS, 30 * DAY_NS), RollupTier(DAY_NS))


@pytest.mark.parametrize(
    ("tiers", "reason"),
    [
        ({"1x": "2d"}, "'1x' is not a duration; write one such as 30s, 15m, 1h, 7d, or forever"),
        ({"0m": "2d"}, "'0m' is not a duration"),
        ({"forever": "2d"}, "a tier cannot be forever wide"),
        ({"2m": "2d", "3m": "2d"}, "the tiers of 120 s and 180 s do not fit each other"),
        ({"60m": "2d", "1h": "2d"}, "the tiers of 3600 s and 3600 s are the same"),
        ({"1m": "3d", "1h": "2d"}, "the narrower one is kept longer"),
        ({"1m": "forever", "1h": "2d"}, "the narrower one is kept longer"),
        ({"1m": "1h", "1d": "2d"}, "the narrower one is kept for less than one window of the wider one"),
        ({"1h": "1m"}, "the tier of 3600 s is kept for less than one of its windows"),
    ],
)
def test_tiers_that_do_not_fit_are_refused_with_the_reason(tiers: dict[str, str], reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        RollupSettings(tiers=tiers)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "length_ns"),
    [("30s", 30 * 10**9), ("15m", 15 * MINUTE_NS), ("1h", HOUR_NS), ("7d", 7 * DAY_NS), ("forever", None)],
)
def test_durations_are_read_and_written(text: str, length_ns: int | None) -> None:
    assert parse_duration(text) == length_ns
    assert format_duration(length_ns) == text


def test_a_duration_of_no_unit_is_written_in_seconds() -> None:
    assert format_duration(1_500_000_000) == "1.5s"
