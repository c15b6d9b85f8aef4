import pytest

from tsmon.monitor.hyperloglog import HyperLogLog


@pytest.mark.parametrize("count", [0, 1, 10, 1_000, 5_000, 20_000, 200_000])
def test_the_estimate_is_within_a_few_percent(count: int) -> None:
    distinct = HyperLogLog()
    for number in range(count):
        distinct.add(f"series {number}")
    # Hashes of text differ from run to run: four standard errors.
    assert distinct.estimate == pytest.approx(count, rel=0.066, abs=0.5)


def test_what_comes_again_is_not_counted_again() -> None:
    distinct = HyperLogLog()
    for number in range(10_000):
        distinct.add(f"series {number % 7}")
    assert round(distinct.estimate) == 7
