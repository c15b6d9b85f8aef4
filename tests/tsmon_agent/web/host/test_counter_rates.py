from tsmon.time_units import SECOND_NS
from tsmon_agent.web.host.counter_rates import RateMeter, compute_rates

GAP_NS = 15 * SECOND_NS


def at(second: int) -> int:
    return second * SECOND_NS


def test_a_rate_is_the_difference_by_the_time_between() -> None:
    assert compute_rates([(at(0), 100), (at(10), 300), (at(20), 300)], GAP_NS) == [(at(10), 20.0), (at(20), 0.0)]


def test_a_counter_that_restarts_gives_no_rate() -> None:
    assert compute_rates([(at(0), 900), (at(10), 40), (at(20), 90)], GAP_NS) == [(at(20), 5.0)]


def test_there_is_no_rate_across_a_gap() -> None:
    assert compute_rates([(at(0), 0), (at(10), 10), (at(40), 70), (at(50), 80)], GAP_NS) == [
        (at(10), 1.0),
        (at(50), 1.0),
    ]


def test_one_reading_has_no_rate() -> None:
    assert compute_rates([(at(0), 5)], GAP_NS) == []
    assert compute_rates([], GAP_NS) == []


def test_a_meter_gives_compute_rates_successive_rounds() -> None:
    meter = RateMeter()
    assert meter.update(at(0), {"sent:eth0": 0}, GAP_NS) == {}
    assert meter.update(at(10), {"sent:eth0": 50, "sent:eth1": 7}, GAP_NS) == {"sent:eth0": 5.0}
    assert meter.update(at(20), {"sent:eth0": 20, "sent:eth1": 7}, GAP_NS) == {"sent:eth1": 0.0}


def test_a_meter_forgets_what_was_missing_in_between() -> None:
    meter = RateMeter()
    meter.update(at(0), {"sent:eth0": 0}, GAP_NS)
    meter.update(at(10), {}, GAP_NS)
    assert meter.update(at(12), {"sent:eth0": 50}, GAP_NS) == {}
