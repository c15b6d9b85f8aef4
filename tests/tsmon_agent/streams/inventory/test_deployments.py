"""Deployments in each database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tsmon_agent.streams.conftest import Two
from tests.tsmon_agent.streams.inventory.test_expected_streams import possible_names
from tsmon import availability
from tsmon.errors import InvalidRowsError, StateConflictError, UnknownNameError
from tsmon.line_protocol.times import MAX_TIME_NS
from tsmon_agent.state import Database, Deployment
from tsmon_agent.streams.inventory import (
    LoadResult,
    add_deployment,
    end_deployment,
    format_deployments_csv,
    load_deployments,
    parse_deployment_csv,
    parse_deployment_rows,
    query_availability_deployments,
    query_deployments,
    remove_deployment,
)

TABLE = "a,1,2024-01-01,2024-02-01\na,2,2024-02-01,\nb,1,2024-01-01,\n"
DAY = 86_400_000_000_000
JANUARY = 19_723 * DAY


def load(database: Database, table: str) -> LoadResult:
    rows = parse_deployment_csv(table, source="d.csv")
    return database.run(lambda session: load_deployments(session, rows, source="d.csv"))


def export(database: Database) -> str:
    return database.run(lambda session: format_deployments_csv(query_deployments(session)))


def test_load_and_load_again(database: Database) -> None:
    assert load(database, TABLE) == LoadResult(3, 0, 0)
    assert load(database, TABLE) == LoadResult(0, 0, 3)
    assert load(database, "a,2,2024-02-01,2024-03-01\na,3,2024-03-01\n") == LoadResult(1, 1, 0)
    assert database.run(lambda session: query_availability_deployments(session, "a")) == [
        availability.Deployment(1, JANUARY, JANUARY + 31 * DAY),
        availability.Deployment(2, JANUARY + 31 * DAY, JANUARY + 60 * DAY),
        availability.Deployment(3, JANUARY + 60 * DAY, None),
    ]
    assert database.run(lambda session: query_availability_deployments(session, "none")) == []


def test_an_end_that_a_table_lacks_stays(database: Database) -> None:
    load(database, TABLE)
    assert load(database, "refdes,number,start\na,1,2024-01-02\n") == LoadResult(0, 1, 0)
    assert (
        database.run(lambda session: query_availability_deployments(session, "a"))[0].end_ns == JANUARY + 31 * DAY
    )
    before = export(database)
    with pytest.raises(InvalidRowsError, match=r"d\.csv:2: the deployment ended at 2024-02-01T00:00:00Z, before"):
        load(database, "refdes,number,start\na,1,2024-02-02\n")
    assert export(database) == before


def test_an_empty_end_is_still_running(database: Database) -> None:
    load(database, TABLE)
    load(database, "a,1,2024-01-01,\n")
    assert database.run(lambda session: query_availability_deployments(session, "a"))[0].end_ns is None


class TestSingleOnes:
    def test_add(self, database: Database) -> None:
        (row,) = parse_deployment_rows([(1, {"reference_designator": "a", "number": 1, "start": "2024-01-01"})])
        database.run(lambda session: add_deployment(session, row))
        with pytest.raises(StateConflictError, match="there is a deployment 1 of a already"):
            database.run(lambda session: add_deployment(session, row))
        assert database.run(lambda session: query_availability_deployments(session, "a")) == [
            availability.Deployment(1, JANUARY)
        ]

    def test_end_the_one_that_runs(self, database: Database) -> None:
        load(database, TABLE)
        ended = database.run(lambda session: end_deployment(session, "a", None, JANUARY + 40 * DAY))
        assert (ended.number, ended.end_ns) == (2, JANUARY + 40 * DAY)
        assert (
            database.run(lambda session: query_availability_deployments(session, "a"))[1].end_ns
            == JANUARY + 40 * DAY
        )

    @pytest.mark.parametrize(
        ("name", "number", "day", "error", "reason"),
        [
            ("a", 1, 40, StateConflictError, "deployment 1 of a ended at 2024-02-01T00:00:00Z"),
            ("a", 2, 10, StateConflictError, "deployment 2 of a starts at 2024-02-01T00:00:00Z, after that"),
            ("a", 3, 40, UnknownNameError, "there is no deployment 3 of 'a'"),
            ("none", None, 40, UnknownNameError, "no deployment of 'none' runs"),
            ("c", None, 40, StateConflictError, "several deployments of c run: 1, 2; name one"),
        ],
    )
    def test_ends_that_are_refused(
        self, database: Database, name: str, number: int | None, day: int, error: type[Exception], reason: str
    ) -> None:
        load(database, TABLE + "c,1,2024-01-01\nc,2,2024-01-01\n")
        before = export(database)
        with pytest.raises(error, match=reason):
            database.run(lambda session: end_deployment(session, name, number, JANUARY + day * DAY))
        assert export(database) == before

    def test_remove(self, database: Database) -> None:
        load(database, TABLE)
        database.run(lambda session: remove_deployment(session, "a", 1))
        with pytest.raises(UnknownNameError, match="there is no deployment 1 of 'a'"):
            database.run(lambda session: remove_deployment(session, "a", 1))
        assert len(database.run(lambda session: query_availability_deployments(session, "a"))) == 1


times = st.integers(-MAX_TIME_NS, MAX_TIME_NS)


@given(
    found=st.lists(
        st.tuples(possible_names, st.integers(0, 2**31 - 1), times, st.none() | times),
        max_size=5,
        unique_by=lambda row: row[:2],
    )
)
def test_what_is_exported_loads_again_to_the_same(
    two_empty: Two, found: list[tuple[str, int, int, int | None]]
) -> None:
    one, other = two_empty()
    one.run(
        lambda session: session.add_all(
            Deployment(
                reference_designator=name,
                number=number,
                start_ns=start_ns if end_ns is None else min(start_ns, end_ns),
                end_ns=None if end_ns is None else max(start_ns, end_ns),
            )
            for name, number, start_ns, end_ns in found
        )
    )
    table = export(one)
    assert load(other, table) == LoadResult(len(found), 0, 0)
    assert export(other) == table
    assert load(one, table) == LoadResult(0, 0, len(found))
