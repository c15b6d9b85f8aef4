"""The series that point classes declare, as data for people, dashboards and other programs."""

import ast
import importlib
import inspect
import itertools
import pkgutil
import textwrap
from collections.abc import Iterable

import msgspec

from tsmon.errors import TsmonError
from tsmon.logs.error_texts import describe_error
from tsmon.points import Point

__all__ = ["ColumnSchema", "SeriesSchema", "describe_series", "find_series"]

TYPE_NAMES = {str: "string", int: "integer", float: "float", bool: "boolean"}


class ColumnSchema(msgspec.Struct, frozen=True):
    """One tag or field: name in the store, type by InfluxDB's name, and the text of its docstring."""

    name: str
    type: str
    optional: bool
    description: str


class SeriesSchema(msgspec.Struct, frozen=True):
    """One measurement; a column that is both a tag and a field is in both lists."""

    measurement: str
    class_name: str
    module: str
    description: str
    tags: tuple[ColumnSchema, ...]
    fields: tuple[ColumnSchema, ...]


def find_series(modules: Iterable[str]) -> list[SeriesSchema]:
    """Return the series that modules declare, of packages with all their submodules, sorted by name.

    Raises :class:`~tsmon.errors.TsmonError` if a module cannot be imported or declares no series.
    """
    found: dict[type[Point], None] = {}
    for name in modules:
        classes = [cls for module in _import_modules(name) for cls in _find_classes(module)]
        if not classes:
            raise TsmonError(f"{name} declares no point class with a measurement; name the module that does")
        found |= dict.fromkeys(classes)
    return sorted((describe_series(cls) for cls in found), key=lambda one: (one.measurement, one.class_name))


def describe_series(cls: type[Point]) -> SeriesSchema:
    """Return what one point class declares."""
    descriptions = _read_descriptions(cls)
    columns = [
        (column, ColumnSchema(column.key, TYPE_NAMES[column.type], column.optional or column.service, text))
        for column in cls.__declaration__.columns
        for text in (descriptions.get(column.attribute, ""),)
    ]
    return SeriesSchema(
        measurement=cls.__declaration__.measurement,
        class_name=cls.__name__,
        module=cls.__module__,
        description=_first_paragraph(cls.__doc__),
        tags=tuple(schema for column, schema in columns if column.tag),
        fields=tuple(schema for column, schema in columns if column.field),
    )


def _import_modules(name: str) -> list[object]:
    try:
        module = importlib.import_module(name)
        below = [
            importlib.import_module(found.name)
            for found in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{name}.")
            if not found.name.endswith("__main__")
        ]
    except Exception as error:
        raise TsmonError(f"{name} cannot be imported: {describe_error(error)}") from error
    return [module, *below]


def _find_classes(module: object) -> list[type[Point]]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Point)
        and hasattr(value, "__declaration__")
        and value.__module__ == getattr(module, "__name__", None)
    ]


def _read_descriptions(cls: type[Point]) -> dict[str, str]:
    """Read the docstrings of attributes, inherited ones included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = getattr(tree.body[0], "body", [])
        for declared, after in itertools.pairwise(body):
            if isinstance(declared, ast.AnnAssign) and isinstance(declared.target, ast.Name):
                text = after.value.value if _is_text(after) else ""
                found[declared.target.id] = _first_paragraph(text)
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _first_paragraph(text: str | None) -> str:
    """Return the first paragraph on one line."""
    return " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())
