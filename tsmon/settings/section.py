"""The base class of sections of the settings."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tsmon.errors import SettingsError
from tsmon.settings.mistakes import InvalidSettingsError, Mistake, describe_mistakes

__all__ = ["Section"]


class Section(BaseModel):
    """A section of the settings: unknown keys are refused, values do not change, secrets are masked.

    A mistake raises :class:`~tsmon.errors.SettingsError`, in code as in a file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __init__(self, /, **values: Any) -> None:
        mistakes: list[Mistake] = []
        try:
            super().__init__(**values)
        except ValidationError as error:
            mistakes = describe_mistakes(error, self._known_keys())
        if mistakes:
            # Raised here, so that neither the cause nor a local variable of the traceback holds a secret.
            values.clear()
            raise self._error(mistakes)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """A section from a mapping of its keys."""
        value, obj = [obj], None
        return cls._validate(lambda: super(Section, cls).model_validate(value.pop(), **options))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """A section from a JSON object."""
        value, json_data = [json_data], ""
        return cls._validate(lambda: super(Section, cls).model_validate_json(value.pop(), **options))

    @classmethod
    def model_validate_strings(cls, obj: Any, **options: Any) -> Self:
        """A section from a mapping of its keys to texts."""
        value, obj = [obj], None
        return cls._validate(lambda: super(Section, cls).model_validate_strings(value.pop(), **options))

    if not TYPE_CHECKING:  # else type checkers would permit assignments

        def __setattr__(self, name: str, value: object) -> None:
            raise SettingsError(
                f"{type(self).__name__}: {name} cannot be changed; make other settings by model_copy(update=…)"
            )

        def __delattr__(self, name: str) -> None:
            raise SettingsError(f"{type(self).__name__}: {name} cannot be deleted")

    @classmethod
    def _known_keys(cls) -> Iterable[str]:
        return cls.model_fields

    @classmethod
    def _place(cls, keys: list[str]) -> str:
        return cls.__name__

    @classmethod
    def _error(cls, mistakes: list[Mistake]) -> InvalidSettingsError:
        return InvalidSettingsError(mistakes, cls._place)

    @classmethod
    def _validate(cls, validate: Callable[[], Self]) -> Self:
        try:
            return validate()
        except ValidationError as error:
            mistakes = describe_mistakes(error, cls._known_keys())
        raise cls._error(mistakes)
