"""The version of tsmon, which is known without the metadata of an installed package."""

from typing import Final

__all__ = ["VERSION"]

VERSION: Final = "0.1.0"
