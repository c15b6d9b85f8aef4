import pytest

from tsmon_agent import formatting


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "0.98 KiB"),
        (1_024, "1.00 KiB"),
        (10 * 1_024, "10.0 KiB"),
        (150 * 2**20, "150 MiB"),
        (999.7 * 2**20, "0.98 GiB"),
        (3 * 2**60, "3072 PiB"),
    ],
)
def test_sizes_have_three_digits(number: float, words: str) -> None:
    assert formatting.size(number).replace(formatting.NO_BREAK, " ") == words


@pytest.mark.parametrize(
    ("value", "words"), [(5, "5 s"), (65, "1 min 5 s"), (7_300, "2 h 1 min"), (93_784, "1 d 2 h")]
)
def test_long_times_have_two_units(value: int, words: str) -> None:
    assert formatting.days(value).replace(formatting.NO_BREAK, " ") == words


def test_short_times_are_in_milliseconds_or_seconds() -> None:
    assert formatting.seconds(0.00123) == f"1.2{formatting.NO_BREAK}ms"
    assert formatting.seconds(10.0) == f"10{formatting.NO_BREAK}s"
