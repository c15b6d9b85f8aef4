"""Chunks into the store: tried again while it is away, told apart where it refuses some lines."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from tsmon.delivery.backoff import Backoff
from tsmon.delivery.blocks import Batch
from tsmon.delivery.isolation import split_in_half, split_into_lines, split_refused, split_unparseable
from tsmon.errors import BatchTooLargeError, StoreRefusedError, StoreUnavailableError
from tsmon.stores import Store

__all__ = ["write_lines"]

Refused = list[tuple[str, str]]
"""Lines that the store refuses for good, each with the reason."""


async def write_lines(store: Store, lines: list[str], say: Callable[[str], None]) -> Refused:
    """Write lines until the store has all that it takes; returns the others.

    Parts that were refused in part are written again, which changes nothing, until it is known of each line.
    """
    refused: Refused = []
    parts = deque([Batch("\n".join(lines).encode(), len(lines))] if lines else [])
    backoff = Backoff()
    whole = True
    while parts:
        part = parts[0]
        try:
            await store.write(part.data)
        except StoreUnavailableError as error:
            delay_s = backoff.next_delay_s(error.retry_after_s)
            say(f"{error}; trying again in {delay_s:.1f} s")
            await asyncio.sleep(delay_s)
            continue
        except BatchTooLargeError as error:
            reason, split = str(error), split_in_half(part)
        except StoreRefusedError as error:
            reason = str(error)
            if error.lines is not None and error.lines >= part.lines:
                split = []
            elif error.lines is not None:
                split = split_refused(part, error.lines, error.conflict)
            else:
                split = split_unparseable(part) if whole else split_in_half(part)
            whole = False
        else:
            parts.popleft()
            backoff.reset()
            continue
        parts.popleft()
        if split:
            parts.extendleft(reversed(split))
        else:
            refused += map(
                partial(_with, reason), split_into_lines(part) or [part.data.decode(errors="surrogateescape")]
            )
    return refused


def _with(reason: str, line: str) -> tuple[str, str]:
    return line, reason
