"""Decorators from context managers, for functions and coroutine functions."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar, cast

__all__ = ["run_within"]

P = ParamSpec("P")
R = TypeVar("R")


def run_within(
    make_context: Callable[[], AbstractContextManager[Any, None]], function: Callable[P, R]
) -> Callable[P, R]:
    """Wrap ``function`` so that each call runs within a context of its own, a coroutine function to its end."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
            with make_context():
                return await cast("Callable[P, Awaitable[Any]]", function)(*args, **kwargs)

        return cast("Callable[P, R]", run_coroutine)

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with make_context():
            return function(*args, **kwargs)

    return run
