"""Flux that computes gaps and sparsity inside InfluxDB: the bins of each span, then the rules."""

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from tsmon.availability.deployments import Span
from tsmon.availability.flux.sources import RolledPart, build_points_source, build_reported_bins_source
from tsmon.availability.reported_bins import selects_reported_bins
from tsmon.availability.rules import Rules
from tsmon.stores import Selector

__all__ = ["build_availability_query", "build_edge", "build_rules_pipeline", "load_rules"]


def load_rules() -> str:
    """The rules as Flux functions, from ``rules.flux``."""
    return importlib.resources.files(__package__).joinpath("rules.flux").read_text(encoding="utf-8")


def build_availability_query(
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
    :func:`~tsmon.availability.compute_spans` for the same rules; ``rolled`` are the parts of them that are read
    from rollups, by number of the span.
    """
    read = build_reported_bins_source if selects_reported_bins(selector) else build_points_source
    assignments, bins = read(bucket, selector, spans, rolled)
    edges = ",\n    ".join(_build_edges(spans, rules))
    return (
        'import "array"\n'
        f"{load_rules()}\n"
        f"edges = array.from(rows: [\n    {edges},\n])\n"
        f"{assignments}"
        f"union(tables: [edges, {bins}])\n"
        f"{build_rules_pipeline(rules)}"
        '    |> keep(columns: ["start", "stop", "cat", "c", "len", "sep", "tl", "ts"])\n'
    )


def build_rules_pipeline(rules: Rules) -> str:
    """The pipeline from rows of edges and bins to intervals."""
    join = ["joinBins"] if rules.gaps == "points" else []
    steps = ["sortRows", *join, "addTotals", "addLevels", "splitPieces", "mergePieces"]
    return "".join(f"    |> {step}()\n" for step in steps)


def build_edge(columns: Mapping[str, int | float | str], *, last: bool = False) -> str:
    """The row that begins a span, as a Flux record."""
    whole = {"k": 0, "c": 0, "len": 0, "sep": 0, "tl": 0, "ts": 0, "none": 0, "fin": int(last), **columns}
    return f"{{{', '.join(f'{name}: {_format_literal(value)}' for name, value in whole.items())}}}"


def _build_edges(spans: Sequence[Span], rules: Rules) -> Iterator[str]:
    first, second, third = rules.bounds
    bounds = {"presentTo": first + rules.tolerance, "level1To": second, "level2To": third}
    same = {"width": rules.bin_width_ns, **{name: float(value) for name, value in bounds.items()}}
    for number, span in enumerate(spans):
        # Outside deployments there are no gaps, and bins are whole.
        limit_ns = span.limit_ns if span.deployment else rules.bin_width_ns
        known = {"limit": limit_ns, "floor": float(span.floor_ns), "expected": int(span.deployment is not None)}
        yield build_edge({"s": number, "f": span.start_ns, "l": span.start_ns, **known, **same})
    at = {"s": len(spans), "f": spans[-1].end_ns, "l": spans[-1].end_ns}
    yield build_edge({**at, "limit": 0, "floor": 0.0, "expected": 0, **same}, last=True)


def _format_literal(value: int | float | str) -> str:
    return _format_float(value) if isinstance(value, float) else str(value)


def _format_float(value: float) -> str:
    """A Flux literal of exactly this number; Flux has no exponents."""
    text = format(Decimal(value), "f")
    return text if "." in text else f"{text}.0"
