"""Types of settings that several sections have: lists, files, addresses."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from tsmon.files.user_places import expand_home

__all__ = ["CommaSeparated", "FilePath", "check_address", "split_commas"]


def split_commas(value: Any) -> Any:
    """Items of a comma-separated text; anything else unchanged."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


CommaSeparated = Annotated[list[str], BeforeValidator(split_commas)]
"""A list, or one comma-separated text; items are stripped, empty ones ignored."""


def _parse_path(value: Any) -> Any:
    if not value or not isinstance(value, str | Path):
        raise ValueError("should be the path of a file")
    return expand_home(value)


FilePath = Annotated[Path, BeforeValidator(_parse_path)]
"""Path of a file; ``~`` is the home directory."""


def check_address(url: str) -> str:
    """The URL itself; raises ValueError unless it is the address of an HTTP server."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or any(c.isspace() for c in url):
        raise ValueError("should be an address such as http://localhost:8086")
    return url
