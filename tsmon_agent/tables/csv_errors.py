"""What is wrong with CSV, in words."""

import csv
from typing import Final

__all__ = ["describe_csv_error"]

_REASONS: Final = {
    "line contains NUL": "it contains a NUL character, so it is not text",
    "field larger than field limit": "a cell has more than 131,072 characters; is a quote not closed?",
    "unexpected end of data": "a quote is not closed before the end of the file",
    "expected after": "there is text after the closing quote of a cell; double each quote within a cell",
    "new-line character seen": "a carriage return is within a cell without quotes",
}
"""By what the messages of Python's reader contain."""


def describe_csv_error(error: csv.Error) -> str:
    """Why a row is no CSV, to follow a colon."""
    text = str(error)
    return next((reason for part, reason in _REASONS.items() if part in text), "its quotes do not match")
