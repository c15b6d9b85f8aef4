"""The chart of matplotlib."""

import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot

from tsmon import AvailabilityError
from tsmon.availability import (
    EXACT,
    Deployment,
    Report,
    compute_availability,
    plot_reports,
    reports_to_html,
    reports_to_json,
)

S = 1_000_000_000
START_NS = 1_700_006_400 * S
HOUR_NS = 3_600 * S
DAY_NS = 24 * HOUR_NS

matplotlib.use("Agg")


def report(name: str) -> Report:
    times = [START_NS + hour * HOUR_NS for hour in range(480) if not 100 <= hour < 150]
    return compute_availability(
        times, [Deployment(1, START_NS, START_NS + 20 * DAY_NS)], replace(EXACT, period_ns=HOUR_NS), name=name
    )


def test_intervals_are_bars_at_their_times_with_a_legend_and_texts(tmp_path: Path) -> None:
    axes = plot_reports([report("streamed ctd"), report("second\x1b")])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Deployments", "streamed ctd", r"second\x1b"]
    bars = {one.get_gid(): one for one in axes.collections if one.get_gid()}
    extents = [path.get_extents() for path in bars["MISSING"].get_paths()]
    edges = [(round(one.x0 * 24), round(one.x1 * 24)) for one in extents]
    assert edges == [(START_NS // HOUR_NS + 99, START_NS // HOUR_NS + 150)]
    assert axes.get_xlim() == pytest.approx((START_NS / DAY_NS, START_NS / DAY_NS + 20))
    assert axes.format_coord(START_NS / DAY_NS + 5, 1.2) == (
        "2023-11-19 03:00:00 to 2023-11-21 06:00:00 Missing (0 points)"
    )
    assert axes.format_coord(START_NS / DAY_NS + 5, 0) == ""
    figure = axes.figure
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "Missing"
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5_000
    pyplot.close("all")


def test_it_draws_into_the_axes_of_the_program() -> None:
    figure, own = pyplot.subplots()
    assert report("one").plot(own) is own
    assert own.get_legend() is not None
    assert figure.legends == []
    pyplot.close("all")


def test_what_is_drawn_may_be_one_report_or_come_from_a_dict() -> None:
    one = report("one")
    assert len(plot_reports(one).get_yticks()) == 2
    named = {"one": one, "two": one}
    assert len(plot_reports(named.values()).get_yticks()) == 3
    assert reports_to_html(one) == reports_to_html(iter([one]))
    assert reports_to_json(one) == one.to_json()
    pyplot.close("all")


def test_what_cannot_be_drawn_is_refused() -> None:
    one = report("one")
    with pytest.raises(AvailabilityError, match=r"^reports\[1\] is of type str; give a list of reports$"):
        plot_reports([one, "two"])  # type: ignore[list-item]
    with pytest.raises(AvailabilityError, match=r"^reports is of type NoneType; give a list of reports$"):
        plot_reports(None)  # type: ignore[arg-type]
    figure, several = pyplot.subplots(2)
    for wrong in (figure, several):
        with pytest.raises(AvailabilityError, match=r"^axes is of type (Figure|ndarray); give one Axes, or none$"):
            one.plot(wrong)
    pyplot.close("all")


@pytest.mark.parametrize(("name", "shown"), [(None, "data"), (3, "3"), (("a", 1), "('a', 1)")])
def test_the_name_of_a_column_may_be_no_text(name: Any, shown: str) -> None:
    one = report(name)
    assert f"{shown}: 3 intervals" in unescape(one._repr_html_())
    assert one.plot().get_yticklabels()[1].get_text() == one.to_measure()["measure"] == shown
    pyplot.close("all")


def test_the_pointer_finds_intervals_of_less_than_a_second_before_1970_too() -> None:
    start_ns = -S * 7
    times = [start_ns + n * S // 10 for n in range(100) if not 50 < n < 56]
    axes = compute_availability(times, unit="ns").plot()
    for time_ns, category in ((-2 * S - 10**8, "Present"), (-2 * S + 10**8, "Missing"), (-S, "Present")):
        assert f" {category} (" in axes.format_coord(time_ns / DAY_NS, 1)
    pyplot.close("all")


@pytest.mark.filterwarnings("error")
def test_a_range_too_short_for_the_axis_is_drawn_without_a_warning() -> None:
    compute_availability([START_NS, START_NS + 2, START_NS + 4]).plot().figure.canvas.draw()
    pyplot.close("all")


def test_without_matplotlib_or_reports_it_is_refused() -> None:
    with pytest.raises(AvailabilityError, match="at least one"):
        plot_reports([])
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from tsmon.availability import compute_availability\n"
        "compute_availability([1.7e9, 1.8e9]).plot()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == (
        "tsmon.errors.AvailabilityError: matplotlib is not installed; install it: pip install matplotlib"
    )
