"""Numbers as people write them: decimal sign and thousands separator, recognised where the texts leave no doubt."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tsmon.errors import ImportingError

__all__ = ["DECIMALS", "MISSING", "THOUSANDS", "NumberForm", "find_number_form", "is_missing", "looks_like_number"]

DECIMALS: Final = (".", ",")
THOUSANDS: Final = (",", ".", "'", " ")
MISSING: Final = frozenset(
    ("", "-", "--", "---", "null", "(null)", "na", "n/a", "#n/a", "<na>", "nan", "nat", "none", "\\n")
)
"""Marks, in lower case, of a value that is missing in a column of numbers."""

_SPACES: Final = "\u00a0\u2009\u202f"
_APOSTROPHE: Final = "\u2019"
_MINUS: Final = "\u2212"
_number: Final = re.compile(
    rf"[+\-{_MINUS}]?(?:\d[\d.,' {_SPACES}{_APOSTROPHE}]*|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII
)
_exponent: Final = re.compile(r"[eE][+-]?\d+\Z")


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How numbers are written; without a thousands separator, none is accepted."""

    decimal: str = "."
    thousands: str = ""

    def normalize(self, text: str) -> str:
        """The number as Python reads it; raises ValueError if it is none of this form."""
        if not _compile(self).fullmatch(text):
            raise ValueError
        for sign in _variants(self.thousands):
            text = text.replace(sign, "")
        return text.replace(self.decimal, ".").replace(_MINUS, "-")

    def __str__(self) -> str:
        return f"1{self.thousands}234{self.decimal}5"


def is_missing(text: str) -> bool:
    """Whether a cell of a column of numbers says that there is none."""
    return text.lower() in MISSING


def looks_like_number(text: str) -> bool:
    """Whether a text is a number in one form or another."""
    return _number.fullmatch(text) is not None and (
        text.isdigit() or any(_compile(form).fullmatch(text) for form in _FORMS)
    )


def find_number_form(texts: Iterable[str], decimal: str | None, thousands: str | None) -> NumberForm:
    """The form of numbers; ``decimal`` and ``thousands`` are given if they are not None.

    Raises :class:`~tsmon.errors.ImportingError` if the numbers may mean different values.
    """
    decimals: dict[str, str] = {}
    separators: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    for text in texts:
        _collect(text, decimals, separators, doubtful)
    if decimal is None:
        decimal = _find_decimal(decimals, separators, doubtful, thousands)
    if thousands is None:
        thousands = _find_thousands(decimals, separators | doubtful, decimal)
    return NumberForm(decimal, thousands)


def _collect(text: str, decimals: dict[str, str], separators: dict[str, str], doubtful: dict[str, str]) -> None:
    """Note what a number shows: signs that must be decimal, or separators, or may be both, each with the text."""
    body = _exponent.sub("", text.lstrip(f"+-{_MINUS}"))
    for sign in ("'", " "):
        for variant in _variants(sign):
            if variant in body:
                separators.setdefault(sign, text)
                body = body.replace(variant, "")
    present = [sign for sign in DECIMALS if sign in body]
    if len(present) == 2:
        last = max(present, key=body.rfind)
        decimals.setdefault(last, text)
        separators.setdefault(next(one for one in present if one != last), text)
    elif present:
        (sign,) = present
        head, *groups = body.split(sign)
        if len(groups) > 1:
            separators.setdefault(sign, text)
        elif len(groups[0]) == 3 and 1 <= len(head) <= 3 and head[0] != "0" and not _exponent.search(text):
            doubtful.setdefault(sign, text)
        else:
            decimals.setdefault(sign, text)


def _find_decimal(
    decimals: dict[str, str], separators: dict[str, str], doubtful: dict[str, str], thousands: str | None
) -> str:
    if len(decimals) == 2:
        one, other = decimals["."], decimals[","]
        raise ImportingError(
            f"numbers are written with both decimal signs ({one!r}, {other!r}); name the right one by --decimal"
        )
    if decimals:
        return next(iter(decimals))
    for sign, other in ((".", ","), (",", ".")):
        if other in separators or thousands == other:
            return sign
    if "," in doubtful:
        number = doubtful[","]
        raise ImportingError(
            f"{number!r} may be {number.replace(',', '')} or {number.replace(',', '.')}; "
            "name the decimal sign by --decimal"
        )
    return "."


def _find_thousands(decimals: dict[str, str], found: dict[str, str], decimal: str) -> str:
    others = {sign: text for sign, text in found.items() if sign != decimal}
    if len(others) > 1:
        shown = ", ".join(map(repr, others.values()))
        raise ImportingError(f"numbers are written with different separators ({shown}); name one by --thousands")
    if decimal in found and decimal not in decimals and not others and found[decimal].count(decimal) > 1:
        raise ImportingError(
            f"{found[decimal]!r} is no number whose decimal sign is {decimal}; name it by --decimal"
        )
    return next(iter(others), "")


def _variants(sign: str) -> str:
    return {" ": " " + _SPACES, "'": "'" + _APOSTROPHE}.get(sign, sign)


@lru_cache
def _compile(form: NumberForm) -> re.Pattern[str]:
    point = re.escape(form.decimal)
    whole = r"\d+"
    if form.thousands:
        group = f"[{re.escape(_variants(form.thousands))}]"
        whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)"
    return re.compile(rf"[+\-{_MINUS}]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?", re.ASCII)


_FORMS: Final = [
    NumberForm(decimal, thousands) for decimal in DECIMALS for thousands in ("", *THOUSANDS) if decimal != thousands
]
