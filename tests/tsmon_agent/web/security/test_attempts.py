"""How often one may fail."""

from tsmon_agent.web.security.attempts import MOST_CLIENTS, Attempts


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def failures(attempts: Attempts, client: str = "a") -> int:
    count = 0
    while not attempts.wait_s(client):
        attempts.record_failure(client)
        count += 1
    return count


def test_ten_at_once_and_then_one_each_six_seconds() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    assert failures(attempts) == 10
    assert attempts.wait_s("a") == 6.0
    clock.now += 6.0
    assert failures(attempts) == 1
    clock.now += 3_600.0
    assert failures(attempts) == 10


def test_others_may_go_on() -> None:
    attempts = Attempts(Clock())
    failures(attempts)
    assert attempts.wait_s("b") == 0.0


def test_its_memory_is_bounded_and_forgets_the_longest_ago() -> None:
    attempts = Attempts(Clock())
    failures(attempts, "first")
    for number in range(MOST_CLIENTS):
        attempts.record_failure(str(number))
    assert attempts.wait_s("first") == 0.0
    assert len(attempts._free_at) == MOST_CLIENTS
