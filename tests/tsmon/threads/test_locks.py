"""Which exceptions come from a signal handler of the program, and go on to the program."""

import functools
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.alarms import AlarmError, alarms
from tsmon.threads.locks import raise_interruption

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")


def keep(function: Callable[[], object]) -> bool:
    """Whether a failure of ``function`` was kept from the caller."""
    try:
        function()
    except Exception as error:
        raise_interruption(error)
        return True
    return False


def fire() -> None:
    signal.raise_signal(signal.SIGALRM)


def deeper() -> None:
    sorted([1], key=lambda _: fire())


def fail(*_: object) -> None:
    raise AlarmError


class Limit:
    def __call__(self, number: int, frame: object) -> None:
        raise AlarmError

    def expire(self, number: int, frame: object) -> None:
        fail()


def forget(number: int, frame: object) -> None:
    del number, frame
    raise AlarmError


def restore(number: int, frame: object) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    raise AlarmError


def carry(text: str, *arguments: object) -> None:
    raise AlarmError


def decorate(function: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(function)
    def decorated(*arguments: object) -> object:
        return function(*arguments)

    return decorated


def convert(number: int, frame: object) -> None:
    try:
        fail()
    except AlarmError as error:
        raise TimeoutError from error


HANDLERS = [
    fail,
    Limit(),
    Limit().expire,
    forget,
    restore,
    convert,
    functools.partial(carry, "text"),
    functools.partial(Limit().expire),
    decorate(fail),
    lambda number, frame: fail(),
]


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("interrupted", [fire, deeper])
def test_what_a_handler_raises_goes_on(handler: Any, interrupted: Callable[[], None]) -> None:
    with alarms(handler), pytest.raises((AlarmError, TimeoutError)):
        keep(interrupted)


def test_what_code_raises_itself_is_kept() -> None:
    with alarms():
        assert keep(fail)
        assert keep(lambda: 1 / 0)
        assert keep(lambda: int("x"))
        assert keep(functools.partial(carry, "text", 1, None))
        assert not keep(int)
    assert keep(lambda: Limit()(1, None))
