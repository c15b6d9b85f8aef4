"""Expected streams in each database."""

from operator import itemgetter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from tests.tsmon_agent.streams.conftest import Two
from tests.tsmon_agent.streams.inventory.test_rule_overrides import OWN
from tsmon.errors import InvalidRowsError, SelectorError, UnknownNameError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon.stores import Selector, format_selector
from tsmon.stores.selectors import check_selector
from tsmon_agent.settings import Settings
from tsmon_agent.state import Database, LastKnownFreshness
from tsmon_agent.streams.inventory import (
    InstrumentSummary,
    LoadResult,
    find_streams,
    format_streams_csv,
    load_streams,
    parse_stream_csv,
    parse_stream_rows,
    query_streams,
    remove_streams,
    selector_of,
    set_enabled,
    stream_to_json,
    summarize_instruments,
)

SETTINGS = Settings()
NAMES = ("reference_designator", "method", "stream")
FIRST = "a,telemetered,ctd,1,60,120\na,streamed,ctd,0.1,,\nb,streamed,par\n"


def load(database: Database, table: str) -> LoadResult:
    rows = parse_stream_csv(table, SETTINGS, source="expected.csv")
    return database.run(lambda session: load_streams(session, rows, source="expected.csv"))


def export(database: Database) -> str:
    return database.run(lambda session: format_streams_csv(query_streams(session)))


def names(database: Database) -> list[str]:
    found = database.run(query_streams)
    return [f"{one.reference_designator} {one.method} {one.stream}" for one in found]


class TestLoad:
    def test_new_ones(self, database: Database) -> None:
        assert load(database, FIRST) == LoadResult(3, 0, 0)
        assert names(database) == ["a streamed ctd", "a telemetered ctd", "b streamed par"]
        _, second, third = database.run(query_streams)
        assert (second.expected_rate, second.warn_interval_ns, second.fail_interval_ns) == (
            1.0,
            60_000_000_000,
            120_000_000_000,
        )
        assert (third.expected_rate, third.rules, third.enabled) == (None, None, True)
        assert selector_of(third) == Selector("par", "value", {"reference_designator": "b", "method": "streamed"})

    def test_again_updates(self, database: Database) -> None:
        load(database, FIRST)
        database.run(
            lambda s: s.add(LastKnownFreshness(stream_id=query_streams(s)[1].id, state="failed", since_ns=1))
        )
        assert load(database, "a,telemetered,ctd,2,60,120\nb,streamed,par,,,\nc,streamed,par\n") == LoadResult(
            1, 1, 1
        )
        assert len(names(database)) == 4
        assert database.run(query_streams)[1].expected_rate == 2.0
        assert database.run(lambda s: s.scalar(text("SELECT count(*) FROM stream_states"))) == 1

    def test_loading_the_same_again_changes_nothing(self, database: Database) -> None:
        load(database, FIRST)
        assert load(database, FIRST) == LoadResult(0, 0, 3)

    def test_columns_that_a_table_lacks_stay(self, database: Database) -> None:
        load(database, 'a,b,c,1,60,120,m f,"bounds=1,2,3",no\n')
        before = export(database)
        load(database, "refdes,method,stream\na,b,c\n")
        assert export(database) == before
        load(database, "refdes,method,stream,rate\na,b,c,5\n")
        assert export(database) == before.replace(",1.0,60", ",5.0,60")

    def test_empty_cells_remove(self, database: Database) -> None:
        load(database, "a,b,c,1,60,120,m f,gap_fraction=0.5,no\n")
        load(database, "a,b,c,,,,,,\n")
        (one,) = database.run(query_streams)
        assert (one.expected_rate, one.warn_interval_ns, one.fail_interval_ns, one.rules) == (None,) * 4
        assert one.measurement == "c"
        assert one.enabled

    def test_intervals_that_contradict_what_is_stored(self, database: Database) -> None:
        load(database, "a,b,c,1,60,120\n")
        before = export(database)
        with pytest.raises(InvalidRowsError, match=r"expected\.csv:3: the warn interval is longer .* as stored"):
            load(database, "refdes,method,stream,warn\na,x,y,1\na,b,c,121\n")
        assert export(database) == before

    def test_many_in_few_statements(self, database: Database) -> None:
        table = "".join(f"r{n},m,s{n},1,60,120\n" for n in range(2_000))
        assert load(database, table) == LoadResult(2_000, 0, 0)
        assert load(database, table.replace(",60,", ",61,")) == LoadResult(0, 2_000, 0)
        statements: list[str] = []

        def work(session: object) -> None:
            bind = session.get_bind()  # type: ignore[attr-defined]
            event.listen(bind, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
            load_streams(session, parse_stream_csv(table, SETTINGS, source="t"))  # type: ignore[arg-type]

        database.run(work)
        assert len(statements) < 20


class TestOthers:
    def test_filters(self, database: Database) -> None:
        load(database, FIRST)

        def found(**names: object) -> int:
            return database.run(lambda session: len(query_streams(session, **names)))  # type: ignore[arg-type]

        assert found(reference_designator="a") == 2
        assert found(method="streamed") == 2
        assert found(stream="par") == 1
        assert found(enabled=True) == 3
        assert found(reference_designator="A") == 0

    def test_instruments(self, database: Database) -> None:
        load(database, FIRST)
        database.run(lambda session: set_enabled(session, "a", "streamed", "ctd", enabled=False))
        assert database.run(summarize_instruments) == [InstrumentSummary("a", 2, 1), InstrumentSummary("b", 1, 1)]

    def test_disable_and_enable(self, database: Database) -> None:
        load(database, FIRST)
        assert database.run(lambda session: set_enabled(session, "a", enabled=False)) == 2
        assert database.run(lambda session: set_enabled(session, "a", "streamed", "ctd", enabled=True)) == 1
        assert database.run(lambda session: set_enabled(session, "a", enabled=True)) == 1
        assert database.run(lambda session: set_enabled(session, "a", enabled=True)) == 0

    def test_remove(self, database: Database) -> None:
        load(database, FIRST)
        database.run(
            lambda s: s.add(LastKnownFreshness(stream_id=query_streams(s)[0].id, state="failed", since_ns=1))
        )
        assert database.run(lambda session: remove_streams(session, "a", "streamed", "ctd")) == 1
        assert names(database) == ["a telemetered ctd", "b streamed par"]
        assert database.run(lambda s: s.scalar(text("SELECT count(*) FROM stream_states"))) == 0

    def test_unknown_names(self, database: Database) -> None:
        load(database, "GP03FLMA-RIM01,streamed,ctd\n")
        for asked, reason in (
            (("GP03FLMA-RIM02",), "no stream is expected of 'GP03FLMA-RIM02'; did you mean GP03FLMA-RIM01"),
            (("tea",), "no stream is expected of 'tea'; see tsmon-agent streams list"),
            (
                ("GP03FLMA-RIM01", "streamed", "par"),
                "no stream 'streamed par' is expected of GP03FLMA-RIM01; there are streamed ctd",
            ),
        ):
            with pytest.raises(UnknownNameError, match=reason):
                database.run(lambda session, asked=asked: find_streams(session, *asked))


possible_names = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda name: name and not name.endswith("\\") and "\\ " not in name)
)


def is_possible(selector: Selector) -> bool:
    try:
        check_selector(selector)
    except SelectorError:
        return False
    return True


selectors = st.builds(
    Selector, possible_names, possible_names, st.dictionaries(possible_names, possible_names, max_size=2)
).filter(is_possible)
intervals = st.none() | st.integers(1, MAX_TIME_NS)
rows = st.fixed_dictionaries(
    {
        "reference_designator": possible_names,
        "method": possible_names,
        "stream": possible_names,
        "expected_rate": st.none() | st.floats(1e-9, 1e9),
        "warn_interval": st.none(),
        "fail_interval": st.none(),
        "selector": selectors.map(format_selector),
        "rules": st.none() | OWN,
        "enabled": st.booleans(),
    }
)


@given(
    found=st.lists(
        st.tuples(rows, intervals, intervals), max_size=4, unique_by=lambda row: tuple(row[0][key] for key in NAMES)
    )
)
def test_what_is_exported_loads_again_to_the_same(
    two_empty: Two, found: list[tuple[dict[str, object], int | None, int | None]]
) -> None:
    one, other = two_empty()
    values = [
        msgspec.structs.replace(row, warn_interval_ns=warn_ns, fail_interval_ns=fail_ns)
        for row, (_, *bounds) in zip(
            parse_stream_rows(enumerate(map(itemgetter(0), found), 1), SETTINGS), found, strict=True
        )
        for warn_ns, fail_ns in [sorted(bounds) if all(bounds) else bounds]  # type: ignore[type-var]
    ]
    one.run(lambda session: load_streams(session, values))
    table = export(one)
    assert load(other, table) == LoadResult(len(found), 0, 0)
    assert export(other) == table
    assert load(one, table) == LoadResult(0, 0, len(found))
    assert [stream_to_json(a) for a in one.run(query_streams)] == [
        stream_to_json(b) for b in other.run(query_streams)
    ]
