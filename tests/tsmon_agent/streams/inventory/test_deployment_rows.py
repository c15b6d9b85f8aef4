"""Rows of deployments: every mistake is named by its line."""

import pytest

from tsmon.errors import InvalidRowsError
from tsmon_agent.streams.inventory import (
    parse_deployment_csv,
    parse_deployment_rows,
)


def test_rows() -> None:
    rows = parse_deployment_csv(
        "refdes,deployment,start time,end time\n"
        "GP03,1,2024-05-01,2024-05-02T00:00:00.5+02:00\n"
        "GP03,2,2024-06-01,\n",
        source="d.csv",
    )
    assert [(row.number, row.start_ns, row.end_ns) for row in rows] == [
        (1, 1_714_521_600_000_000_000, 1_714_600_800_500_000_000),
        (2, 1_717_200_000_000_000_000, None),
    ]


def test_every_mistake_is_named() -> None:
    with pytest.raises(InvalidRowsError) as wrong:
        parse_deployment_csv(
            "a,1,2024-05-01\na,1,2024-05-01\na,x,soon\na,3,2024-05-02,2024-05-01\n,4,2024-05-01\n",
            source="d.csv",
        )
    assert [(line, reason.partition(";")[0]) for line, reason in wrong.value.mistakes] == [
        (2, "this is the deployment of line 1 again"),
        (3, "the number is 'x'"),
        (3, "the start is wrong: 'soon' is not a time"),
        (4, "the end is before the start"),
        (5, "the reference designator is empty"),
    ]


def test_from_json() -> None:
    (row,) = parse_deployment_rows(
        [(1, {"reference_designator": "a", "number": 1, "start": "2024-05-01", "end": None})]
    )
    assert row.end_ns is None
