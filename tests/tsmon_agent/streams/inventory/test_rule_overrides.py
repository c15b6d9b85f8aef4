"""Rules of single streams."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.availability import BINS, EXACT, Category
from tsmon.errors import AvailabilityError
from tsmon_agent.settings import AvailabilitySettings
from tsmon_agent.state import ExpectedStream
from tsmon_agent.streams.inventory.rule_overrides import build_rules, check_rules, format_rules, parse_rules

DEFAULT = AvailabilitySettings()


def stream(own: dict[str, Any] | None, rate: float | None = None) -> ExpectedStream:
    return ExpectedStream(reference_designator="a", method="b", stream="c", rules=own, expected_rate=rate)


def test_without_any_they_are_those_of_the_settings() -> None:
    assert build_rules(stream(None), DEFAULT) == EXACT
    settings = AvailabilitySettings(preset="bins", gap_fraction=0.01)
    assert build_rules(stream(None), settings) == settings.rules()


def test_the_expected_rate_gives_the_period() -> None:
    assert build_rules(stream(None, 0.1), DEFAULT).period_ns == 10_000_000_000
    assert build_rules(stream({"gap_fraction": 0.5}, 1e9), DEFAULT).period_ns == 1


def test_own_ones_override_the_settings() -> None:
    settings = AvailabilitySettings(gap_fraction=0.01, colors={"present": "#000000", "missing": "#111111"})
    own = check_rules({"preset": "bins", "bin_width": "3600", "colors": {"missing": "#222222"}}, settings)
    assert own == {"preset": "bins", "bin_width": 3600.0, "colors": {"missing": "#222222"}}
    assert check_rules(parse_rules("preset=bins; bin_width=1h; colors.missing=#222222"), settings) == own
    rules = build_rules(stream(own), settings)
    assert (rules.gaps, rules.sparse_floor) == (BINS.gaps, BINS.sparse_floor)
    assert (rules.gap_fraction, rules.bin_width_ns) == (0.01, 3_600_000_000_000)
    assert rules.appearances[Category.PRESENT].color == "#000000"
    assert rules.appearances[Category.MISSING].color == "#222222"


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"gap": 1}, r"gap is not a rule; there are preset, gap_fraction, bin_width"),
        ({"gap_fraction": 2}, r"gap_fraction is 2\.0; give more than 0 and at most 1"),
        ({"gap_fraction": "much"}, "gap_fraction: should be a valid number"),
        ({"gap_fraction": "nan"}, "gap_fraction is nan"),
        ({"preset": "tea"}, "preset: should be 'exact' or 'bins'"),
        ({"bounds": [1, 2]}, "bounds: "),
        ({"bounds": [2, 1, 3]}, "let them increase"),
        ({"colors": {"missing": "red"}}, "give it as #rrggbb"),
        ({"colors": {"gone": "#000000"}}, "colors.gone"),
        ({"colors": "red"}, "colors: "),
        ({"bin_width": 0}, "bin_width: "),
    ],
)
def test_invalid_ones(own: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_rules(own, DEFAULT)


def test_settings_that_no_longer_fit() -> None:
    own = check_rules({"tolerance": 0.4}, DEFAULT)
    with pytest.raises(
        AvailabilityError, match=r"the rules of a b c do not fit the settings: .* let them increase"
    ):
        build_rules(stream(own), AvailabilitySettings(bounds=[1.0, 1.2, 2.0]))


def test_text() -> None:
    own = check_rules(
        parse_rules(" preset=exact; gap_fraction = 0.01;bounds=1, 2,3 ;colors.missing=#d9534d;"), DEFAULT
    )
    assert own == {
        "preset": "exact",
        "gap_fraction": 0.01,
        "bounds": [1.0, 2.0, 3.0],
        "colors": {"missing": "#d9534d"},
    }
    assert format_rules(own) == "preset=exact; gap_fraction=0.01; bounds=1.0,2.0,3.0; colors.missing=#d9534d"
    assert check_rules(parse_rules(""), DEFAULT) is None
    assert format_rules(None) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gap_fraction", "'gap_fraction' is not key=value"),
        ("=1", "is not key=value"),
        ("gap_fraction=", "is not key=value"),
        ("tolerance=1;tolerance=2", "tolerance is given twice"),
        ("colors.missing=#000000;colors.missing=#000000", "missing is given twice"),
    ],
)
def test_invalid_text(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_rules(text)


positive = st.floats(1e-6, 0.5)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "preset": st.sampled_from(["exact", "bins"]),
        "gap_fraction": positive,
        "bin_width": st.floats(1e-3, 1e9),
        "bounds": st.tuples(positive, positive, positive).map(lambda b: [1 + b[0], 2 + b[1], 3 + b[2]]),
        "sparse_floor": positive,
        "tolerance": positive,
        "colors": st.dictionaries(
            st.sampled_from(["missing", "present", "sparse_1"]),
            st.from_regex(r"#[0-9a-f]{6}", fullmatch=True),
            min_size=1,
        ),
    },
)  # fmt: skip


@given(OWN)
def test_text_reads_back(own: dict[str, Any]) -> None:
    checked = check_rules(own, DEFAULT)
    assert check_rules(parse_rules(format_rules(checked)), DEFAULT) == checked
