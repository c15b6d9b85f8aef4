"""Generators within context managers: around their whole life, or around each of their steps."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

__all__ = ["MakeContext", "wrap_async_generator", "wrap_generator"]

MakeContext = Callable[[], AbstractContextManager[Any, None]]


def wrap_generator(
    make_context: MakeContext, function: Callable[..., Generator[Any, Any, Any]], each_step: bool
) -> Callable[..., Generator[Any, Any, Any]]:
    """Let generators live within a context; with ``each_step`` rather each step, from ``next`` to the ``yield``."""

    def live(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with make_context():
            return (yield from function(*args, **kwargs))

    def iterate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        step: Callable[[Any], Any] = generator.send
        argument = None
        while True:
            try:
                with make_context():
                    value = step(argument)
            except StopIteration as end:
                return end.value
            try:
                argument = yield value
                step = generator.send
            except GeneratorExit:
                with make_context():
                    generator.close()
                raise
            except BaseException as error:
                argument = error
                step = generator.throw

    return iterate if each_step else live


def wrap_async_generator(
    make_context: MakeContext, function: Callable[..., AsyncGenerator[Any, Any]], each_step: bool
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """The same for asynchronous generators; a step includes what it awaits."""
    make_life, make_step = (nullcontext, make_context) if each_step else (make_context, nullcontext)

    async def iterate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with make_life():
            generator = function(*args, **kwargs)
            step: Callable[[Any], Any] = generator.asend
            argument = None
            while True:
                try:
                    with make_step():
                        value = await step(argument)
                except StopAsyncIteration:
                    return
                try:
                    argument = yield value
                    step = generator.asend
                except GeneratorExit:
                    with make_step():
                        await generator.aclose()
                    raise
                except BaseException as error:
                    argument = error
                    step = generator.athrow

    return iterate
