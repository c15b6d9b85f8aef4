"""Flux that tells gaps and sparsity inside InfluxDB: readings of each span, and then the rules."""

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from tsmon.availability.deployments import Span
from tsmon.availability.flux.sources import RolledPart, given, windows
from tsmon.availability.reported_bins import are_given
from tsmon.availability.rules import Rules
from tsmon.stores import Selector

__all__ = ["availability_query", "edge", "laid_out", "rules_source"]


def rules_source() -> str:
    """The rules as Flux functions."""
    return importlib.resources.files(__package__).joinpath("rules.flux").read_text(encoding="utf-8")


def availability_query(
    bucket: str,
    selector: Selector,
    spans: Sequence[Span],
    rules: Rules,
    *,
    rolled: Mapping[int, RolledPart] = MappingProxyType({}),
) -> str:
    """A row per interval of all of time: start, stop, cat, and the sums c, len and sep of its points.

    ``cat`` is the number of a :class:`~tsmon.availability.Category`; len / sep is the mean separation of the
    interval, tl / ts that of the whole data set, both in nanoseconds. ``spans`` are those of
    :func:`~tsmon.availability.spans` for the same rules; ``rolled`` tells what of each is read from rollups.
    """
    read = given if are_given(selector) else windows
    assignments, bins = read(bucket, selector, spans, rolled)
    edges = ",\n    ".join(_edges(spans, rules))
    return (
        'import "array"\n'
        f"{rules_source()}\n"
        f"edges = array.from(rows: [\n    {edges},\n])\n"
        f"{assignments}"
        f"union(tables: [edges, {bins}])\n"
        f"{laid_out(rules)}"
        '    |> keep(columns: ["start", "stop", "cat", "c", "len", "sep", "tl", "ts"])\n'
    )


def laid_out(rules: Rules) -> str:
    """From rows of edges and bins to intervals."""
    joined = "    |> joined()\n" if rules.gaps == "points" else ""
    return f"    |> inOrder()\n{joined}    |> withWhole()\n    |> withLevels()\n    |> pieces()\n    |> merged()\n"


def edge(columns: Mapping[str, int | float | str], *, last: bool = False) -> str:
    """A row that begins a span."""
    whole = {"k": 0, "c": 0, "len": 0, "sep": 0, "tl": 0, "ts": 0, "none": 0, "fin": int(last), **columns}
    return f"{{{', '.join(f'{name}: {_literal(value)}' for name, value in whole.items())}}}"


def _edges(spans: Sequence[Span], rules: Rules) -> Iterator[str]:
    first, second, third = rules.bounds
    bounds = {"presentTo": first + rules.tolerance, "level1To": second, "level2To": third}
    same = {"width": rules.bin_width_ns, **{name: float(value) for name, value in bounds.items()}}
    for number, span in enumerate(spans):
        # Outside of deployments there are no gaps, and bins are whole.
        limit_ns = span.limit_ns if span.deployment else rules.bin_width_ns
        known = {"limit": limit_ns, "floor": float(span.floor_ns), "expected": int(span.deployment is not None)}
        yield edge({"s": number, "f": span.start_ns, "l": span.start_ns, **known, **same})
    at = {"s": len(spans), "f": spans[-1].end_ns, "l": spans[-1].end_ns}
    yield edge({**at, "limit": 0, "floor": 0.0, "expected": 0, **same}, last=True)


def _literal(value: int | float | str) -> str:
    return _float(value) if isinstance(value, float) else str(value)


def _float(value: float) -> str:
    """A Flux literal of exactly this number; Flux knows no exponents."""
    text = format(Decimal(value), "f")
    return text if "." in text else f"{text}.0"
