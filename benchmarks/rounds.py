"""Alternating rounds of candidates, each in its own process.

A library that leaves threads, caches or garbage then affects only itself, and each round of a candidate is close in
time to a round of every other.
"""

import importlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

__all__ = ["Candidate", "Figures", "Unavailable", "alternate"]

Figures = Mapping[str, float]
"""Figures of one round, by names with units."""


@dataclass(frozen=True)
class Candidate:
    """A function ``module:name`` that measures one round, and its arguments."""

    name: str
    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Unavailable:
    """Why a candidate cannot run here."""

    reason: str


Measure = Callable[[Candidate, Callable[..., Figures | Unavailable]], Figures | Unavailable]
"""Called for each round with the candidate, and a function that runs it in its process with further arguments."""


def alternate(
    candidates: Sequence[Candidate], rounds: int, measure: Measure | None = None
) -> Iterator[tuple[Candidate, list[Figures] | Unavailable]]:
    """Run ``rounds`` of each candidate, alternating; yields each with the figures of its rounds."""
    found: dict[Candidate, list[Figures] | Unavailable] = {candidate: [] for candidate in candidates}
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        processes = {
            candidate: stack.enter_context(ProcessPoolExecutor(1, mp_context=context)) for candidate in candidates
        }
        for _ in range(rounds):
            for candidate in candidates:
                so_far = found[candidate]
                if isinstance(so_far, Unavailable):
                    continue
                run = _build_runner(processes[candidate], candidate)
                figures = run() if measure is None else measure(candidate, run)
                if isinstance(figures, Unavailable):
                    found[candidate] = figures
                else:
                    so_far.append(figures)
    yield from found.items()


def _build_runner(process: ProcessPoolExecutor, candidate: Candidate) -> Callable[..., Figures | Unavailable]:
    def run(*more: Any) -> Figures | Unavailable:
        return process.submit(_run_round, candidate.function, (*candidate.arguments, *more)).result()

    return run


def _run_round(function: str, arguments: tuple[Any, ...]) -> Figures | Unavailable:
    module, _, name = function.partition(":")
    try:
        measured = getattr(importlib.import_module(module), name)
    except ImportError as error:
        return Unavailable(f"{error}; `pip install 'tsmon[bench]'` installs every peer")
    figures: Figures = measured(*arguments)
    return figures
