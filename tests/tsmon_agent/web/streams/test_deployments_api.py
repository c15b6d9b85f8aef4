"""Deployments over HTTP."""

from typing import Any

import pytest

from tests.tsmon_agent.web.streams.operator import NAME, Operator, operator
from tsmon_agent.streams.inventory import query_deployments

__all__ = ["operator"]


async def test_a_whole_table_is_loaded_and_given_back(operator: Operator) -> None:
    table = f"{NAME},1,2024-01-01,2024-02-01\n{NAME},2,2024-02-01,\n"
    assert await operator("PUT", "/deployed", csv=table) == {"added": 2, "changed": 0, "unchanged": 0}
    exported = await operator("GET", "/deployed?format=csv")
    assert await operator("PUT", "/deployed", csv=exported) == {"added": 0, "changed": 0, "unchanged": 2}
    listed = (await operator("GET", f"/deployed?reference_designator={NAME}"))["deployed"]
    assert [(one["number"], one["end"]) for one in listed] == [(1, "2024-02-01T00:00:00Z"), (2, None)]
    assert await operator("PUT", "/deployed?dry_run=true", listed) == {"added": 0, "changed": 0, "unchanged": 2}


async def test_one_is_added_ended_replaced_and_removed(operator: Operator) -> None:
    values = {"reference_designator": NAME, "number": 3, "start": "2024-01-01"}
    assert (await operator("POST", "/deployed", values, 201))["end"] is None
    one = f"/deployed/{NAME}/3"
    assert operator.location == one
    assert "already" in (await operator("POST", "/deployed", values, 409))["error"]
    ended = await operator("PATCH", one, {"end": "2024-03-01"})
    assert (ended["start"], ended["end"]) == ("2024-01-01T00:00:00Z", "2024-03-01T00:00:00Z")
    assert (await operator("PUT", one, {"start": "2024-02-01"}))["end"] is None
    assert (await operator("GET", one))["start"] == "2024-02-01T00:00:00Z"
    await operator("DELETE", one, status=204)
    await operator("DELETE", one, status=404)
    assert await operator.served.context.state.run(query_deployments) == []
    assert [action for action, _ in await operator.actions()] == [
        "add a deployment",
        "change a deployment",
        "change a deployment",
        "remove a deployment",
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", f"/deployed/{NAME}/9", None, 404, f"There is no deployment 9 of '{NAME}'"),
        ("GET", f"/deployed/{NAME}/x", None, 400, "The parameter number must be an integer."),
        ("GET", f"/deployed/{NAME}/{'9' * 50}", None, 400, "The parameter number must be an integer."),
        ("PATCH", f"/deployed/{NAME}/1", {"end": "2023-01-01"}, 422, "The deployment:1: the end is before"),
        ("PATCH", f"/deployed/{NAME}/1", {"number": 2}, 422, "The body's number differs from that in the path"),
        ("PUT", f"/deployed/{NAME}/1", {"start": "soon"}, 422, "The deployment:1: the start "),
        ("PUT", f"/deployed/{NAME}/1", {}, 422, "The deployment:1: the start is missing; give it"),
    ],
)
async def test_mistakes_have_the_right_status_and_one_sentence(
    operator: Operator, method: str, path: str, body: Any, status: int, sentence: str
) -> None:
    await operator("PUT", "/deployed", csv=f"{NAME},1,2024-01-01,\n")
    assert (await operator(method, path, body, status))["error"].startswith(sentence)
    assert len(await operator.actions()) == 1
