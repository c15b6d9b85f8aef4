"""The store against a plain model of it, over points, questions and batches of all kinds."""

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import StoreRefusedError
from tsmon.line_protocol.escaping import escape_string
from tsmon.stores import Bin, Newest, Selector, Series
from tsmon.stores.sqlite import SqliteStore

Value = float | int | bool | str
Tags = tuple[tuple[str, str], ...]
Point = tuple[str, Tags, dict[str, Value], int]

MEASUREMENTS = ["m", "M"]
KEYS = ["a", "b"]
VALUES = ["1", "x"]
FIELDS = ["f", "F", "i", "s"]
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
ordinary = {
    "f": st.floats(-1e6, 1e6),
    "F": st.integers(-9, 9),
    "i": st.integers(-(2**53), 2**53),
    "s": st.text('a\n"\\\0', max_size=3),
}
fields = st.one_of(
    st.fixed_dictionaries({}, optional=ordinary).filter(bool),
    st.dictionaries(st.sampled_from(FIELDS), values, min_size=1),
)
tags = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES)).map(
    lambda found: tuple(sorted(found.items()))
)
points = st.tuples(st.sampled_from(MEASUREMENTS), tags, fields, st.integers(-40, 40))
questions = st.tuples(
    st.builds(
        Selector,
        st.sampled_from(MEASUREMENTS),
        st.sampled_from(FIELDS),
        st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=1),
    ),
    st.integers(-50, 50),
    st.integers(-50, 50),
    st.integers(1, 30),
)


class Model:
    """What a store does, in as few words as possible."""

    def __init__(self) -> None:
        self.types: dict[tuple[str, str], type] = {}
        self.points: dict[tuple[str, Tags], dict[int, dict[str, Value]]] = defaultdict(lambda: defaultdict(dict))

    def write(self, batch: list[Point]) -> int:
        refused = 0
        for measurement, tags, fields, time in batch:
            if any(
                self.types.get((measurement, key), type(value)) is not type(value) for key, value in fields.items()
            ):
                refused += 1
                continue
            self.types |= {(measurement, key): type(value) for key, value in fields.items()}
            self.points[measurement, tags][time] |= fields
        return refused

    def selected(self, selector: Selector, start: int, stop: int) -> list[tuple[Tags, dict[int, Value]]]:
        return [
            (
                tags,
                {
                    time: fields[selector.field]
                    for time, fields in sorted(series.items())
                    if selector.field in fields and start <= time < stop
                },
            )
            for (measurement, tags), series in sorted(self.points.items())
            if measurement == selector.measurement and selector.tags.items() <= dict(tags).items()
        ]

    def bins(self, selector: Selector, start: int, stop: int, every: int) -> list[Bin]:
        windows = defaultdict(list)
        for _, series in self.selected(selector, start, stop):
            for time in series:
                windows[time // every * every].append(time)
        return [Bin(window, min(times), max(times), len(times)) for window, times in sorted(windows.items())]

    def newest(self, selector: Selector) -> list[Newest]:
        found = [(tags, series) for tags, series in self.selected(selector, -(10**9), 10**9) if series]
        return [Newest(dict(tags), max(series), series[max(series)]) for tags, series in found]

    def series(
        self, selector: Selector, start: int, stop: int, every: int
    ) -> list[tuple[dict[str, str], dict[int, float]]]:
        answer = []
        for tags, series in self.selected(selector, start, stop):
            windows = defaultdict(list)
            for time, value in series.items():
                windows[time // every * every].append(value)
            if windows:
                means = {window: sum(map(float, found)) / len(found) for window, found in windows.items()}
                answer.append((dict(tags), means))
        return answer


def line(point: Point) -> str:
    measurement, tags, fields, time = point
    texts = []
    for key, value in fields.items():
        if isinstance(value, str):
            texts.append(f'{key}="{escape_string(value)}"')
        elif isinstance(value, bool) or not isinstance(value, int):
            texts.append(f"{key}={value!r}")
        else:
            texts.append(f"{key}={value}i")
    return f"{measurement}{''.join(f',{key}={value}' for key, value in tags)} {','.join(texts)} {time}"


def comparable(newest: list[Newest]) -> list[tuple[Newest, type]]:
    return [(one, type(one.value)) for one in newest]


@given(
    st.lists(st.lists(points, max_size=12), max_size=4), st.lists(questions, min_size=1, max_size=6), st.booleans()
)
def test_the_store_answers_like_a_plain_model(
    batches: list[list[Point]], queries: list[tuple[Selector, int, int, int]], reopen: bool
) -> None:
    async def compare(path: Path) -> None:
        model = Model()
        store = SqliteStore(path)
        await store.open()
        for batch in batches:
            refused = model.write(batch)
            data = "\n".join(map(line, batch)).encode()
            if refused:
                with pytest.raises(StoreRefusedError) as caught:
                    await store.write(data)
                assert caught.value.lines == refused
            else:
                await store.write(data)
            if reopen:
                await store.close()
                await store.open()
        for selector, start, stop, every in queries:
            interval = {"start_ns": start, "stop_ns": stop, "every_ns": every}
            assert await store.bins(selector, **interval) == model.bins(selector, start, stop, every)
            assert comparable(await store.newest(selector)) == comparable(model.newest(selector))
            if model.types.get((selector.measurement, selector.field), float) in (float, int):
                expected = model.series(selector, start, stop, every)
                found: list[Series] = await store.series(selector, **interval)
                assert [(one.tags, list(one.times_ns)) for one in found] == [
                    (tags, list(means)) for tags, means in expected
                ]
                for one, (_, means) in zip(found, expected, strict=True):
                    assert list(one.values) == pytest.approx(list(means.values()), rel=1e-9, abs=1e285)
        await store.close()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(compare(Path(directory) / "tsmon.db"))
