"""Reports on what retention has left: nothing that was there is Missing, however windows and deployments meet."""

import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tsmon.availability import Category, Deployment, MinWindowWidths, Rules, query_availability
from tsmon.stores import Selector
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore

NOW = 4_000
TIERS = (
    (RollupTier(10, 60), RollupTier(30, 200), RollupTier(120)),
    (RollupTier(10, 150), RollupTier(120, 500), RollupTier(240)),
    (RollupTier(10, 400), RollupTier(360)),
    (RollupTier(1_200),),
    (RollupTier(60, 1_800), RollupTier(1_800)),
)
RULES = Rules(gap_fraction=0.05, sparse_floor=0.05)


@st.composite
def deployments(draw: st.DrawFn) -> list[Deployment]:
    edges = sorted(draw(st.lists(st.integers(0, NOW), min_size=2, max_size=6, unique=True)))
    return [Deployment(n, *edges[n : n + 2]) for n in range(0, len(edges) - 1, draw(st.sampled_from([1, 2])))]


@given(
    tiers=st.sampled_from(TIERS),
    keep=st.sampled_from([15, 100, 130, 500]),
    step=st.integers(3, 20),
    holes=st.lists(st.tuples(st.integers(0, NOW), st.integers(1, 900)), max_size=3),
    expected=deployments(),
    width=st.sampled_from([0, 0, 30, 120, 360]),
)
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
async def test_nothing_that_was_there_is_missing(
    tiers: tuple[RollupTier, ...],
    keep: int,
    step: int,
    holes: list[tuple[int, int]],
    expected: list[Deployment],
    width: int,
) -> None:
    times = [
        time_ns
        for time_ns in range(0, NOW, step)
        if not any(start <= time_ns < start + length for start, length in holes)
    ]
    with tempfile.TemporaryDirectory() as directory:
        async with SqliteStore(Path(directory) / "tsmon.db", tiers=tiers) as store:
            await store.write(f"other v=1 {NOW - keep - 100}\nother v=1 {NOW}".encode())
            await store.apply_retention(keep, now_ns=NOW)
            for half in (times[: len(times) // 2], times[len(times) // 2 :]):
                if half:
                    await store.write("\n".join(f"m v=1 {time_ns}" for time_ns in half).encode())
                await store.apply_retention(keep, now_ns=NOW)
            report = await query_availability(
                store,
                Selector("m", "v"),
                expected,
                RULES,
                now_ns=NOW,
                min_widths=MinWindowWidths(width, width),
            )
    for one in report.intervals:
        if one.category is Category.MISSING:
            assert not [time_ns for time_ns in times if one.start_ns < time_ns < one.end_ns]
