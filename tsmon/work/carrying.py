"""The way of work into threads that others start."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from types import CoroutineType
from typing import Any, NoReturn, TypeVar, cast

from tsmon.errors import DeclarationError, TsmonError
from tsmon.work.decorating import check_function, describe, find_called

__all__ = ["carry_work"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def carry_work(function: FunctionT) -> FunctionT:
    """Return ``function`` so that it runs as a part of the current work, in whichever thread it is called.

    ::

        executor.submit(carry_work(match), part)
        executor.map(carry_work(match), parts)
        loop.run_in_executor(None, carry_work(match), part)
        threading.Thread(target=carry_work(match), args=(part,)).start()

    It runs in a copy of the context in which this is called, as ``asyncio.to_thread`` lets it run. A coroutine
    function may be carried to another event loop. What must be in the work's point has to end before that is made.
    """
    check_function("carry_work", function)
    called = find_called(function)
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise DeclarationError(
            f"carry_work would carry only the creation of the generator {describe(function)}; "
            "carry the function that consumes it"
        )
    context = copy_context()
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_coroutine(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.create_task(function(*args, **kwargs), context=context.copy())

        return cast("FunctionT", run_coroutine)
    return cast("FunctionT", _Carried(function, context))


async def _run_in(context: Context, coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.create_task(coroutine, context=context)


class _Carried:
    """A function with the context in which it runs."""

    def __init__(self, function: Callable[..., Any], context: Context) -> None:
        self._function = function
        self._context = context
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # A copy, because several threads may call it at the same time.
        context = self._context.copy()
        result = context.run(self._function, *args, **kwargs)
        return _run_in(context, result) if type(result) is CoroutineType else result

    def __reduce__(self) -> NoReturn:
        raise TsmonError(
            "work cannot be carried into another process; measure it there, return the data, and include them: "
            "see tsmon.work.work_data"
        )
