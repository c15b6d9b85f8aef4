"""Flux that computes gaps and sparsity inside InfluxDB: the bins of each span, then the rules."""

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from tsmon.availability.deployments import Span
from tsmon.availability.flux.sources import RolledPart, build_points_source, build_reported_bins_source
from tsmon.availability.reported_bins import selects_reported_bins
from tsmon.availability.rules import Rules
from tsmon.stores import Selector

__all__ = ["LIMIT", "build_availability_query", "build_raised_rows", "build_steps", "load_rules"]

LIMIT: Final = -1
"""What rows of spans have in place of a category."""


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
    """A row per interval of all of time: start, stop, cat, and the sums c, isolated, len and sep of its points.

    ``cat`` is the number of a :class:`~tsmon.availability.Category`; len / sep is the mean separation of the
    interval, tl / ts that of the whole data set, both in nanoseconds. ``spans`` are those of
    :func:`~tsmon.availability.compute_spans` for the same rules; ``rolled`` are the parts of them that are read
    from rollups, by number of the span. If the rules use the typical separation, there is also a row per span, with
    the cat :data:`LIMIT`: its number as start, and its limit as stop.
    """
    read = build_reported_bins_source if selects_reported_bins(selector) else build_points_source
    assignments, bins = read(bucket, selector, spans, rolled)
    edges = ",\n    ".join(_build_edges(spans, rules))
    return (
        'import "array"\n'
        f"{load_rules()}\n"
        f"edges = array.from(rows: [\n    {edges},\n])\n"
        f"{assignments}"
        f"rows = union(tables: [edges, {bins}])\n"
        "    |> sortRows()\n"
        f"{_build_pipeline(rules)}"
    )


def build_raised_rows() -> str:
    """Assignments of ``limits``, the edges with raised limits, and of ``raised``, all rows with them."""
    return (
        "limits = rows |> raiseLimits()\n"
        'of_bins = rows |> filter(fn: (r) => r.k == 1) |> drop(columns: ["limit"])\n'
        "raised = union(tables: [limits, of_bins]) |> spreadLimits()\n"
    )


def build_steps(rules: Rules | None = None) -> str:
    """The steps from sorted rows of edges and bins to intervals; without rules, bins are joined."""
    join = ["joinBins"] if rules is None or rules.gaps == "points" else []
    steps = [*join, "addTotals", "addLevels", "splitPieces", "mergePieces"]
    return "".join(f"    |> {step}()\n" for step in steps)


def _build_pipeline(rules: Rules) -> str:
    kept = '    |> keep(columns: ["start", "stop", "cat", "c", "isolated", "len", "sep", "tl", "ts"])\n'
    if not rules.uses_typical_separation:
        return f"rows\n{build_steps(rules)}{kept}"
    return (
        f"{build_raised_rows()}"
        f"intervals = raised\n{build_steps(rules)}{kept}"
        f"of_spans = limits |> map(fn: (r) => ({{start: r.s, stop: r.limit, cat: {LIMIT}, "
        "c: 0, isolated: 0, len: 0, sep: 0, tl: 0, ts: 0}))\n"
        "union(tables: [intervals, of_spans])\n"
    )


def _build_edge(columns: Mapping[str, int | float | str], *, last: bool = False) -> str:
    """The row that begins a span, as a Flux record."""
    whole = {"k": 0, "c": 0, "len": 0, "sep": 0, "tl": 0, "ts": 0, "none": 0, "fin": int(last), **columns}
    return f"{{{', '.join(f'{name}: {_format_literal(value)}' for name, value in whole.items())}}}"


def _build_edges(spans: Sequence[Span], rules: Rules) -> Iterator[str]:
    first, second, third = rules.bounds
    bounds = {"presentTo": first + rules.tolerance, "level1To": second, "level2To": third}
    width_ns = rules.bin_width_ns
    same = {"width": width_ns, **{name: float(value) for name, value in bounds.items()}}
    nothing = {"typical": 0, "wholeFrom": 0, "wholeTo": 0} if rules.uses_typical_separation else {}
    for number, span in enumerate(spans):
        # Outside deployments there are no gaps, and bins are whole.
        limit_ns = span.limit_ns if span.deployment else width_ns
        known = {"limit": limit_ns, "floor": float(span.floor_ns), "expected": int(span.deployment is not None)}
        whole = {
            "typical": 1,
            "wholeFrom": -(-span.start_ns // width_ns) * width_ns,
            "wholeTo": span.end_ns // width_ns * width_ns,
        }
        typical = whole if nothing and span.deployment else nothing
        yield _build_edge({"s": number, "f": span.start_ns, "l": span.start_ns, **known, **same, **typical})
    at = {"s": len(spans), "f": spans[-1].end_ns, "l": spans[-1].end_ns}
    yield _build_edge({**at, "limit": 0, "floor": 0.0, "expected": 0, **same, **nothing}, last=True)


def _format_literal(value: int | float | str) -> str:
    return _format_float(value) if isinstance(value, float) else str(value)


def _format_float(value: float) -> str:
    """A Flux literal of exactly this number; Flux has no exponents."""
    text = format(Decimal(value), "f")
    return text if "." in text else f"{text}.0"
