from tests.tsmon_agent.web.served_agent import GIB, HOST, cpu, disk, memory, net, round_of, system
from tsmon.points.host import Memory, Swap
from tsmon_agent.formatting import NO_BREAK
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.web.host.figures import CARDS, Figure, compute_figures
from tsmon_agent.web.host.thresholds import Severity

BY_NAME = {card.name: card for card in CARDS}


def figures(card: str, newest: Round, **rates: float) -> list[Figure]:
    return [
        Figure(f.name, f.value.replace(NO_BREAK, " "), f.detail.replace(NO_BREAK, " "), f.percent, f.severity)
        for f in compute_figures(
            BY_NAME[card], newest, {key.replace("_", ":"): value for key, value in rates.items()}
        )
    ]


def test_cpu_is_what_is_not_idle_of_all_processors_together() -> None:
    (figure,) = figures("cpu", round_of("cpu", cpu(99.0, name="cpu0"), cpu(81.0)))
    assert (figure.value, figure.percent, figure.severity) == ("81.0 %", 81.0, Severity.HIGH)
    assert figure.detail == "user 54.0 %, system 27.0 %, waiting for I/O 0.0 %"


def test_cpu_without_the_total_has_no_figure() -> None:
    assert figures("cpu", round_of("cpu", cpu(99.0, name="cpu0"))) == []


def test_memory_says_how_much_of_how_much() -> None:
    (figure,) = figures("memory", round_of("mem", memory(used=7 * GIB)))
    assert (figure.value, figure.severity) == ("87.5 %", Severity.HIGH)
    assert figure.detail == "7.00 GiB of 8.00 GiB, 1.00 GiB available"


def test_memory_that_an_old_kernel_does_not_tell_has_no_figure() -> None:
    assert figures("memory", round_of("mem", Memory(host=HOST, total=GIB, free=0))) == []


def test_load_is_judged_per_processor() -> None:
    (calm,) = figures("load", round_of("system", system(load5=3.9, n_cpus=4)))
    (high,) = figures("load", round_of("system", system(load5=4.0, n_cpus=4)))
    assert (calm.severity, high.severity) == (Severity.OK, Severity.HIGH)
    assert calm.value == "0.25"


def test_a_host_without_swap_space_says_so() -> None:
    (figure,) = figures("swap", round_of("swap", Swap(host=HOST, total=0, used=0, free=0)))
    assert (figure.value, figure.percent, figure.severity) == ("none", None, Severity.NONE)


def test_every_disk_has_its_figure() -> None:
    full, empty = figures("disk", round_of("disk", disk("/", 96.0), disk("/home", 1.0)))
    assert (full.name, full.severity, empty.name, empty.severity) == ("/", Severity.CRITICAL, "/home", Severity.OK)


def test_traffic_shows_rates() -> None:
    newest = round_of("net", net("eth0", received=GIB, sent=0))
    (figure,) = figures("net", newest, received_eth0=2048.0, sent_eth0=0.0)
    assert figure.value == "↓ 2.00 KiB/s  ↑ 0 B/s"


def test_a_rate_that_is_not_known_is_unavailable_and_not_zero() -> None:
    (figure,) = figures("net", round_of("net", net("eth0", received=GIB, sent=0)))
    assert figure.value == "↓ unavailable  ↑ unavailable"
