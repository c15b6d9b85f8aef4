"""Names that come from outside, made fit for tags."""

import re

__all__ = ["tag_value"]

_refused = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|\\\Z")


def tag_value(name: str) -> str:
    """``name`` with ``?`` for each character that a tag cannot hold.

    These are control characters, bytes that are not UTF-8 (as ``os.fsdecode`` gives them) and a backslash at
    the end. Anybody who may mount something chooses such names; a point is not lost for one.
    """
    return _refused.sub("?", name)
