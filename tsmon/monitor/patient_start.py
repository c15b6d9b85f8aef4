"""Starting a Monitor for a program that must run even if that fails."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from tsmon.delivery.backoff import Backoff
from tsmon.logs.error_texts import describe_error

__all__ = ["start_patiently"]

_log = logging.getLogger("tsmon")

FIRST_S: Final = 1.0
LONGEST_S: Final = 30.0


class Startable(Protocol):
    """A Monitor."""

    def start(self) -> Coroutine[Any, Any, None]:
        """See :meth:`tsmon.Monitor.start`."""


async def start_patiently(monitor: Startable, on_tried: Callable[[], object]) -> None:
    """Start ``monitor``; if that fails, log the reason and try again until it works.

    ``on_tried`` is called after the first try, whether it worked or not.
    """
    backoff = Backoff(FIRST_S, LONGEST_S)
    reason = None
    while True:
        try:
            await monitor.start()
        except Exception as error:
            if describe_error(error) != reason:
                reason = describe_error(error)
                _log.error("the Monitor cannot start, points wait in memory, and it is tried again: %s", reason)
        else:
            if reason is not None:
                _log.info("the Monitor has started after %d failed tries", backoff.failures)
            return
        finally:
            on_tried()
        await asyncio.sleep(backoff.next_delay_s())
