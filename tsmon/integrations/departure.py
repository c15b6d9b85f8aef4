"""Exceptions that only say that a client has left, also when a task group or another has gathered them."""

__all__ = ["is_departure"]


def is_departure(error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether ``error`` is of one of these ``kinds``, or a framework's own for a disconnect, or a group of them."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_departure(one, kinds) for one in error.exceptions)
    return isinstance(error, kinds) or type(error).__name__.endswith("Disconnect")
