"""Errors of the system, of Python and of libraries are put in words before people see them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOREIGN = {
    "AttributeError",
    "EOFError",
    "Error",
    "ImportError",
    "IndexError",
    "KeyError",
    "LookupError",
    "MsgspecError",
    "OSError",
    "PermissionError",
    "SSLError",
    "TypeError",
    "UnicodeDecodeError",
    "UnicodeError",
    "error",
}
"""Exceptions whose texts are for programmers, such as ``[Errno 13]`` or ``'x'``."""

PERMITTED = {
    # SQLite's own words for what is wrong with a file, and what a program passes to dictConfig or declares.
    ("tsmon/stores/sqlite/sqlite_errors.py", "str(error)"),
    ("tsmon/stores/sqlite/sqlite_errors.py", "error"),
    ("tsmon_agent/state/database_errors.py", "str(error)"),
    ("tsmon_agent/logging_config.py", "str(error)"),
    ("tsmon_agent/logging_config.py", "error"),
    ("tsmon/points/point.py", "error"),
}


def find_texts(handler: ast.ExceptHandler) -> Iterator[tuple[int, str]]:
    """Where the text of the exception is taken as it is."""
    for node in ast.walk(handler):
        match node:
            case ast.FormattedValue(value=ast.Name(id=name)) if name == handler.name:
                yield node.lineno, "error"
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=name)]) if name == handler.name:
                yield node.lineno, "str(error)"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="_log"))):
                if any(isinstance(one, ast.Name) and one.id == handler.name for one in node.args):
                    yield node.lineno, "error"


def names_of(caught: ast.expr | None) -> set[str]:
    if caught is None:
        return set()
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return {ast.unparse(one).rpartition(".")[2] for one in parts}


def test_texts_of_foreign_exceptions_are_not_shown_as_they_are() -> None:
    found = []
    for package in ("tsmon", "tsmon_agent"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ExceptHandler) and node.name and names_of(node.type) & FOREIGN:
                    found += [
                        f"{name}:{line}: use tsmon.logs.error_texts.describe_error"
                        for line, text in find_texts(node)
                        if (name, text) not in PERMITTED
                    ]
    assert found == []
