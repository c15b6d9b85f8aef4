"""What a benchmark found, for people and for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Outcome", "Row"]

Row = Mapping[str, str | int | float]
"""One candidate: ``name``, and figures whose keys name their units; or ``name`` and ``unavailable``, the reason."""


@dataclass(frozen=True)
class Outcome:
    """``ratios``: by peer, how many times better tsmon is (their cost over ours, or our rate over theirs)."""

    benchmark: str
    rows: Sequence[Row]
    ratios: Mapping[str, float] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """One object on one line, its figures with the digits that mean something."""
        rows = [{key: _rounded(value) for key, value in row.items()} for row in self.rows]
        ratios = {peer: _rounded(ratio) for peer, ratio in self.ratios.items()}
        return json.dumps({"benchmark": self.benchmark, "rows": rows, "ratios": ratios})

    @classmethod
    def from_json(cls, text: str) -> "Outcome":
        """Inverse of :attr:`json`."""
        return cls(**json.loads(text))


def _rounded(value: str | int | float) -> str | int | float:
    return float(f"{value:.4g}") if isinstance(value, float) else value
