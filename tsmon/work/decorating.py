"""Decorators from context managers: what is decorated runs within them to its end, or the decoration is refused."""

import contextlib
import functools
import inspect
import types
from collections.abc import Callable, Generator
from contextvars import copy_context
from typing import Any, Final, TypeVar, cast

from tsmon.errors import DeclarationError
from tsmon.work.generating import MakeContext, wrap_async_generator, wrap_generator

__all__ = ["Decorated", "check_function", "check_name", "describe", "find_called", "run_within"]

Decorated = TypeVar("Decorated", bound="Callable[..., Any] | classmethod[Any, ..., Any]")
"""What can be decorated; its type stays."""

PLAIN: Final = frozenset({bool, bytes, dict, float, int, list, set, str, tuple, type(None)})
"""Types of results with which a call has ended, to be quick about it."""

Wrap = Callable[[MakeContext, Callable[..., Any], bool], Callable[..., Any]]

_DECORATORS: Final[tuple[Callable[..., Any], ...]] = (contextlib.contextmanager, contextlib.asynccontextmanager)

MAKES_CONTEXT_MANAGER: Final = frozenset(
    getattr(decorate(lambda: None), "__code__", None) for decorate in _DECORATORS
)
"""The code that all functions share of which ``contextlib`` makes context managers."""


def check_name(decorator: str, name: object) -> None:
    """Raise :class:`DeclarationError` unless ``name`` is one; a decorator without parentheses gets a function."""
    if isinstance(name, str) and name:
        return
    if callable(name) or isinstance(name, classmethod | property):
        raise DeclarationError(
            f'@{decorator} needs the name of a field; write @{decorator}("…") above {describe(name)}'
        )
    raise DeclarationError(f"{decorator}(field) takes the name of a field, a text, not {name!r}")


def run_within(
    decorator: str, make_context: MakeContext, function: Decorated, *, each_step: bool = False
) -> Decorated:
    """Wrap ``function`` so that each call runs within a context of its own, to its end.

    Coroutines and what a function returns to be awaited, futures too, run within it until they are done, generators
    for their whole life, or with ``each_step`` from each ``next`` to the ``yield``. Raises
    :class:`~tsmon.errors.DeclarationError` for what is no function.
    """
    if isinstance(function, staticmethod | classmethod):
        wrapped = run_within(decorator, make_context, function.__func__, each_step=each_step)
        return cast("Decorated", type(function)(wrapped))
    check_function(decorator, function)
    wrap: Wrap = _wrap_plain
    called = find_called(function)
    if inspect.iscoroutinefunction(called):
        wrap = _wrap_coroutine
    elif inspect.isasyncgenfunction(called):
        wrap = wrap_async_generator
    elif inspect.isgeneratorfunction(called):
        is_coroutine = _unwrap(called).__code__.co_flags & inspect.CO_ITERABLE_COROUTINE
        wrap = _wrap_old_coroutine if is_coroutine else wrap_generator
    wrapper = wrap(make_context, cast("Callable[..., Any]", function), each_step)
    return cast("Decorated", functools.wraps(cast("Callable[..., Any]", function))(wrapper))


def check_function(decorator: str, function: object) -> None:
    """Raise :class:`DeclarationError` for what has no run that ends."""
    if isinstance(function, type):
        raise DeclarationError(
            f"{decorator} cannot be applied to the class {function.__qualname__}, which has no run that ends; "
            "decorate its methods"
        )
    if isinstance(function, property | functools.cached_property):
        raise DeclarationError(
            f"{decorator} cannot be applied to {describe(function)}; write it below @{type(function).__name__}"
        )
    if not callable(function):
        raise DeclarationError(f"{decorator} cannot be applied to {function!r}, which is no function")
    if getattr(function, "__code__", None) in MAKES_CONTEXT_MANAGER:
        raise DeclarationError(
            f"{decorator} would see only the creation of the context manager {describe(function)}; "
            "write it below @contextmanager or @asynccontextmanager"
        )


def _wrap_coroutine(make_context: MakeContext, function: Callable[..., Any], _: bool) -> Callable[..., Any]:
    async def run_coroutine(*args: Any, **kwargs: Any) -> Any:
        with make_context():
            return await function(*args, **kwargs)

    return run_coroutine


def _wrap_old_coroutine(make_context: MakeContext, function: Callable[..., Any], _: bool) -> Callable[..., Any]:
    def run_old_coroutine(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with make_context():
            return (yield from function(*args, **kwargs))

    return types.coroutine(run_old_coroutine)


def _wrap_plain(make_context: MakeContext, function: Callable[..., Any], each_step: bool) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with make_context():
            result = function(*args, **kwargs)
        return result if type(result) in PLAIN else _run_result(make_context, result, each_step)

    return run


def _run_result(make_context: MakeContext, result: Any, each_step: bool) -> Any:
    """Let what a function has returned, but not yet run, run within a context; returns it or its like."""
    cls = type(result)
    if cls is types.CoroutineType:
        return _await(make_context, result)
    if cls is types.GeneratorType:
        if result.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE:
            return _await(make_context, result)
        return wrap_generator(make_context, lambda: result, each_step)()
    if cls is types.AsyncGeneratorType:
        return wrap_async_generator(make_context, lambda: result, each_step)()
    if hasattr(cls, "add_done_callback"):
        _watch_future(make_context, result)
    elif hasattr(cls, "__await__") and not hasattr(cls, "__aenter__"):
        return _await(make_context, result)
    return result


async def _await(make_context: MakeContext, awaitable: Any) -> Any:
    with make_context():
        return await awaitable


def _watch_future(make_context: MakeContext, future: Any) -> None:
    """Keep a context entered until a future is done."""
    # In a copy, so that what the caller does meanwhile is not within it.
    copy = copy_context()
    context = make_context()
    copy.run(context.__enter__)

    def leave(done: Any) -> None:
        # Without side effects: to ask for the exception would hide that nobody else did.
        error = getattr(done, "_exception", None)
        copy.run(context.__exit__, None if error is None else type(error), error, None)

    future.add_done_callback(leave)


def find_called(function: Any) -> Callable[..., Any]:
    """Return the function that a call of ``function``, which may be any callable object, runs."""
    is_function = isinstance(
        function,
        types.FunctionType | types.MethodType | types.BuiltinFunctionType | functools.partial,
    )
    return cast("Callable[..., Any]", function if is_function else type(function).__call__)


def _unwrap(function: Any) -> Any:
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, types.MethodType):
            function = function.__func__
        else:
            return function


def describe(function: Any) -> str:
    """Return the name of a function, or of what is called or decorated like one."""
    for named in (function, getattr(function, "fget", None), getattr(function, "func", None)):
        name = getattr(named, "__qualname__", None)
        if isinstance(name, str):
            return name
    return type(function).__name__
