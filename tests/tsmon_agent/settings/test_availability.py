from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tsmon import SettingsError
from tsmon.availability import BINS, EXACT, Category
from tsmon_agent.settings import AvailabilitySettings, load_settings


def test_the_defaults_are_those_of_the_rules() -> None:
    assert AvailabilitySettings().rules() == EXACT
    assert AvailabilitySettings(preset="bins").rules() == BINS


def test_every_key_changes_the_rules() -> None:
    settings = AvailabilitySettings(
        preset="bins",
        gap_fraction=0.01,
        bin_width=0.5,
        bounds=[2, 3, 4],
        sparse_floor=0.0,
        tolerance=0.25,
        colors={"missing": "#000000"},
    )
    appearances = list(BINS.appearances)
    appearances[Category.MISSING] = replace(appearances[Category.MISSING], color="#000000")
    assert settings.rules() == replace(
        BINS,
        gap_fraction=0.01,
        bin_width_ns=500_000_000,
        bounds=(2, 3, 4),
        sparse_floor=0.0,
        tolerance=0.25,
        appearances=tuple(appearances),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6min", 360.0),
        ("1h 30min", 5400.0),
        ("1D", 86_400.0),
        ("500ms", 0.5),
        ("3600", 3600.0),
        ("0.5", 0.5),
        ("1e3", 1000.0),
    ],
)
def test_the_bin_width_may_have_a_unit(text: str, seconds: float) -> None:
    assert AvailabilitySettings.model_validate({"bin_width": text}).bin_width == seconds


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"preset": "other"}, "preset"),
        ({"gap_fraction": 2}, "gap_fraction is 2.0; give more than 0 and at most 1"),
        ({"bin_width": 0}, "bin_width"),
        ({"bin_width": "often"}, "bin_width: should be a valid number"),
        ({"bin_width": "6M"}, "bin_width: should be a valid number"),
        ({"bin_width": 1e-10}, "the bin width is 0 ns"),
        ({"bounds": [1, 2]}, "bounds"),
        ({"bounds": [3, 2, 1]}, "let them increase"),
        ({"colors": {"missing": "red"}}, "give it as #rrggbb"),
        ({"colors": {"lost": "#000000"}}, "colors"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        AvailabilitySettings.model_validate(values)


def test_a_mistake_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[availability]\ngap_fraction = 2\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert str(caught.value) == f"{file}:1: availability: gap_fraction is 2.0; give more than 0 and at most 1"
