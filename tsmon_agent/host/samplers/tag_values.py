"""Sanitizes names from outside for tags."""

import re

__all__ = ["tag_value"]

_refused = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|\\\Z")


def tag_value(name: str) -> str:
    """``name`` with ``?`` for each character that a tag cannot contain.

    These are control characters, bytes that are not UTF-8 (as decoded by ``os.fsdecode``) and a trailing backslash.
    Anyone who may mount a file system chooses such names; they must not cost a point.
    """
    return _refused.sub("?", name)
