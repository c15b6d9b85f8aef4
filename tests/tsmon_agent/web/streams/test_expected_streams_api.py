"""Expected streams over HTTP."""

import io
from typing import Any

import pytest

from tests.tsmon_agent.web.streams.operator import NAME, ONE, TABLE, Operator, operator

__all__ = ["operator"]


async def test_a_whole_table_is_loaded_and_given_back(operator: Operator) -> None:
    assert await operator("PUT", "/expected?dry_run=true", csv=TABLE) == {
        "added": 3,
        "changed": 0,
        "unchanged": 0,
    }
    assert await operator.stored() == []
    assert await operator("PUT", "/expected", csv=TABLE) == {"added": 3, "changed": 0, "unchanged": 0}
    exported = await operator("GET", "/expected?format=csv")
    assert await operator("PUT", "/expected", csv=exported) == {"added": 0, "changed": 0, "unchanged": 3}
    listed = (await operator("GET", "/expected"))["expected"]
    assert await operator("PUT", "/expected", listed) == {"added": 0, "changed": 0, "unchanged": 3}
    assert await operator.actions() == [("load streams", None)] * 3


async def test_a_table_with_mistakes_changes_nothing_and_names_them_all(operator: Operator) -> None:
    found = await operator("PUT", "/expected", csv=TABLE + "x,streamed\nx,streamed,a,often\n", status=422)
    assert found["error"].startswith("The table:4: this row has 2 cells")
    assert "the table:5: the expected rate" in found["error"]
    assert "2 mistakes in the table; nothing was applied." in found["error"]
    assert await operator.stored() == []
    assert await operator.actions() == []


async def test_one_is_created_read_changed_replaced_and_removed(operator: Operator) -> None:
    values = {"reference_designator": NAME, "method": "streamed", "stream": "ctd", "expected_rate": 2}
    made = await operator("POST", "/expected", values, 201)
    assert operator.location == ONE
    assert made["expected_rate"] == 2.0
    assert await operator("GET", ONE) == made
    changed = await operator("PATCH", ONE, {"warn_interval": "10m", "enabled": False})
    assert (changed["warn_interval"], changed["expected_rate"], changed["enabled"]) == (600.0, 2.0, False)
    replaced = await operator("PUT", ONE, {"fail_interval": 7})
    assert (replaced["warn_interval"], replaced["fail_interval"], replaced["expected_rate"]) == (
        None,
        7.0,
        None,
    )
    assert replaced["enabled"]
    await operator("DELETE", ONE, status=204)
    await operator("GET", ONE, status=404)
    await operator("PUT", ONE, {}, 201)
    await operator("DELETE", f"/expected/{NAME}", status=204)
    assert await operator.actions() == [
        ("expect a stream", f"{NAME} streamed ctd"),
        ("change a stream", f"{NAME} streamed ctd"),
        ("change a stream", f"{NAME} streamed ctd"),
        ("remove streams", f"{NAME} streamed ctd"),
        ("expect a stream", f"{NAME} streamed ctd"),
        ("remove streams", NAME),
    ]


async def test_names_with_signs_are_found_again(operator: Operator) -> None:
    values = {"reference_designator": "A/B ?#%é", "method": "a&b", "stream": "c=d"}
    await operator("POST", "/expected", values, 201)
    assert operator.location is not None
    from yarl import URL

    address = URL(operator.served.address + operator.location, encoded=True)
    async with operator.served.client.get(address) as response:
        assert (await response.json())["reference_designator"] == "A/B ?#%é"


async def test_filters(operator: Operator) -> None:
    await operator("PUT", "/expected", csv=TABLE)
    await operator("POST", f"/stream/{NAME}/streamed/ctd/disable")

    async def found(query: str) -> list[str]:
        return [
            f"{one['method']} {one['stream']}" for one in (await operator("GET", "/expected?" + query))["expected"]
        ]

    assert await found(f"reference_designator={NAME}") == ["streamed ctd", "telemetered ctd"]
    assert await found("method=streamed&stream=par") == ["streamed par"]
    assert await found("enabled=false") == ["streamed ctd"]
    assert await found("enabled=true") == ["streamed par", "telemetered ctd"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "/expected", {"method": "a"}, 422, "The stream:1: the reference designator is missing"),
        ("POST", "/expected", [], 422, "The body is not a JSON object; send one, such as {}."),
        ("POST", "/expected", {"reference_designator": NAME, "method": "streamed", "stream": "ctd"}, 409,
         f"{NAME} streamed ctd is expected already; change it under its own address."),
        ("PATCH", ONE, {"stream": "other"}, 422,
         "The body's stream differs from that in the path; leave it out of the body."),
        ("PATCH", ONE, {"warn_interval": "2h"}, 422, "The stream:1: the warn interval is longer than the fail"),
        ("PATCH", ONE, {"wran": 1}, 422, "The stream:1: there is no 'wran' in a row; there are "),
        ("PATCH", f"/expected/{NAME}/streamed/ctt", {}, 404, f"No stream 'streamed ctt' is expected of {NAME}"),
        ("DELETE", "/expected/GP03FLMA-RIM02", None, 404, "No stream is expected of 'GP03FLMA-RIM02'; did"),
        ("GET", "/expected?enabled=maybe", None, 400, "The parameter enabled must be true or false."),
        ("GET", "/expected?format=xml", None, 400, "The parameter format must be json or csv."),
        ("GET", "/expected?who=me", None, 400,
         "There is an unknown parameter; this address takes reference_designator, method, stream, enabled,"),
        ("PUT", "/expected", {"a": 1}, 422, "The body is not a list of JSON objects; send one for each row."),
    ],
)  # fmt: skip
async def test_mistakes_have_the_right_status_and_one_sentence(
    operator: Operator, method: str, path: str, body: Any, status: int, sentence: str
) -> None:
    await operator("PUT", "/expected", csv=TABLE)
    before = await operator.stored()
    assert (await operator(method, path, body, status))["error"].startswith(sentence)
    assert await operator.stored() == before
    assert len(await operator.actions()) == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff", "text/csv", 400),
        (b"a", "text/plain", 415),
        (b"", "application/octet-stream", 415),
        (b"x" * (8 * 1024 * 1024 + 1), "text/csv", 413),
    ],
)
async def test_bodies_of_no_use(operator: Operator, body: bytes, kind: str, status: int) -> None:
    async with operator.served.client.put(
        "/expected", data=io.BytesIO(body), headers={**operator._headers, "Content-Type": kind}
    ) as response:
        assert response.status == status
        assert (await response.json())["error"].endswith(".")
