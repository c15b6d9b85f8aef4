"""The result of a benchmark, for people and for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["BenchmarkResult", "Row"]

Row = Mapping[str, str | int | float]
"""One candidate: ``name``, and figures with units in their keys; or ``name``, and the reason as ``unavailable``."""


@dataclass(frozen=True)
class BenchmarkResult:
    """Rows of figures. ``ratios`` are by peer: their cost over ours, or our rate over theirs."""

    benchmark: str
    rows: Sequence[Row]
    ratios: Mapping[str, float] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """One JSON object on one line, with significant digits only."""
        rows = [{key: _round(value) for key, value in row.items()} for row in self.rows]
        ratios = {peer: _round(ratio) for peer, ratio in self.ratios.items()}
        return json.dumps({"benchmark": self.benchmark, "rows": rows, "ratios": ratios})

    @classmethod
    def from_json(cls, text: str) -> "BenchmarkResult":
        """Inverse of :attr:`json`."""
        return cls(**json.loads(text))


def _round(value: str | int | float) -> str | int | float:
    return float(f"{value:.4g}") if isinstance(value, float) else value
