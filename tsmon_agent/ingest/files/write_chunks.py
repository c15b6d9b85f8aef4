"""Writes chunks to the store: retries while it is away, isolates the lines that it refuses."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from tsmon.delivery.backoff import Backoff
from tsmon.delivery.blocks import Batch
from tsmon.delivery.isolation import (
    join_lines,
    split_in_half,
    split_into_lines,
    split_named,
    split_refused,
    split_unparseable,
)
from tsmon.errors import BatchTooLargeError, StoreRefusedError, StoreUnavailableError
from tsmon.stores import Store

__all__ = ["write_lines"]

Refused = list[tuple[str, str]]
"""Lines that the store refuses permanently, each with the reason."""


async def write_lines(store: Store, lines: list[str], log: Callable[[str], None]) -> Refused:
    """Write lines until the store has all that it accepts; returns the others.

    A partly refused part is split and written again, which is idempotent, until the verdict on each line is known.
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
            log(f"{error}; trying again in {delay_s:.1f} s")
            await asyncio.sleep(delay_s)
            continue
        except BatchTooLargeError as error:
            reason, split = str(error), split_in_half(part)
        except StoreRefusedError as error:
            reason = str(error)
            named = split_named(part, error.line_reasons.keys())
            if named is not None and error.lines == len(error.line_reasons):
                reasons = [error.line_reasons[number] for number in sorted(error.line_reasons)]
                refused += zip(named[1], reasons, strict=True)
                parts.popleft()
                continue
            if named is not None and named[0]:
                split = [join_lines(lines) for lines in named]
            elif error.lines is not None and error.lines >= part.lines:
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
                partial(_with_reason, reason),
                split_into_lines(part) or [part.data.decode(errors="surrogateescape")],
            )
    return refused


def _with_reason(reason: str, line: str) -> tuple[str, str]:
    return line, reason
