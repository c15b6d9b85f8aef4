"""What is expected and deployed, and how it does, over HTTP."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.auth import Role, create_token, query_audit
from tsmon_agent.streams.inventory import query_deployments, query_streams

NAME = "GP03FLMA-RIM01"
TABLE = f"{NAME},streamed,ctd,1,10m,1h\n{NAME},telemetered,ctd,0.01,,\nCE01-PAR,streamed,par,,,\n"
ONE = f"/expected/{NAME}/streamed/ctd"
CSV = {"Content-Type": "text/csv"}


class Operator:
    """Asks as somebody who may operate."""

    def __init__(self, served: ServedAgent, token: str) -> None:
        self.served = served
        self._headers = {"Authorization": f"Bearer {token}"}

    async def __call__(
        self, method: str, path: str, body: Any = None, status: int = 200, *, csv: str | None = None
    ) -> Any:
        carried: dict[str, Any] = {"json": body} if body is not None else {}
        if csv is not None:
            carried = {"data": csv.encode()}
        headers = {**self._headers, **(CSV if csv is not None else {})}
        async with self.served.client.request(method, path, headers=headers, **carried) as response:
            text = await response.text()
            assert response.status == status, text
            self.location = response.headers.get("Location")
            return await response.json() if response.content_type == "application/json" else text

    async def stored(self) -> list[str]:
        found = await self.served.context.state.run(query_streams)
        return [f"{one.method} {one.stream} {one.expected_rate} {one.enabled}" for one in found]

    async def actions(self) -> list[tuple[str, str | None]]:
        found = await self.served.context.state.run(lambda s: query_audit(s, most=50))
        return [(one.action, one.target) for one in reversed(found)]


@pytest_asyncio.fixture(loop_scope="session")
async def operator(served: ServedAgent) -> AsyncIterator[Operator]:
    token = await served.context.state.run(lambda s: create_token(s, "ops", [Role.OPERATE], now_ns=1))
    yield Operator(served, token)


class TestExpected:
    async def test_a_whole_table_is_loaded_and_given_back(self, operator: Operator) -> None:
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

    async def test_a_table_with_mistakes_changes_nothing_and_names_them_all(self, operator: Operator) -> None:
        found = await operator("PUT", "/expected", csv=TABLE + "x,streamed\nx,streamed,a,often\n", status=422)
        assert found["error"].startswith("The table:4: this row has 2 cells")
        assert "the table:5: the expected rate" in found["error"]
        assert "2 mistakes in the table; nothing of it was applied." in found["error"]
        assert await operator.stored() == []
        assert await operator.actions() == []

    async def test_one_is_created_read_changed_replaced_and_removed(self, operator: Operator) -> None:
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

    async def test_names_with_signs_are_found_again(self, operator: Operator) -> None:
        values = {"reference_designator": "A/B ?#%é", "method": "a&b", "stream": "c=d"}
        await operator("POST", "/expected", values, 201)
        assert operator.location is not None
        from yarl import URL

        address = URL(operator.served.address + operator.location, encoded=True)
        async with operator.served.client.get(address) as response:
            assert (await response.json())["reference_designator"] == "A/B ?#%é"

    async def test_filters(self, operator: Operator) -> None:
        await operator("PUT", "/expected", csv=TABLE)
        await operator("POST", f"/stream/{NAME}/streamed/ctd/disable")

        async def found(query: str) -> list[str]:
            return [
                f"{one['method']} {one['stream']}"
                for one in (await operator("GET", "/expected?" + query))["expected"]
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
        self, operator: Operator, method: str, path: str, body: Any, status: int, sentence: str
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
    async def test_bodies_of_no_use(self, operator: Operator, body: bytes, kind: str, status: int) -> None:
        async with operator.served.client.put(
            "/expected", data=io.BytesIO(body), headers={**operator._headers, "Content-Type": kind}
        ) as response:
            assert response.status == status
            assert (await response.json())["error"].endswith(".")


class TestDeployed:
    async def test_a_whole_table_is_loaded_and_given_back(self, operator: Operator) -> None:
        table = f"{NAME},1,2024-01-01,2024-02-01\n{NAME},2,2024-02-01,\n"
        assert await operator("PUT", "/deployed", csv=table) == {"added": 2, "changed": 0, "unchanged": 0}
        exported = await operator("GET", "/deployed?format=csv")
        assert await operator("PUT", "/deployed", csv=exported) == {"added": 0, "changed": 0, "unchanged": 2}
        listed = (await operator("GET", f"/deployed?reference_designator={NAME}"))["deployed"]
        assert [(one["number"], one["end"]) for one in listed] == [(1, "2024-02-01T00:00:00Z"), (2, None)]
        assert await operator("PUT", "/deployed?dry_run=true", listed) == {"added": 0, "changed": 0, "unchanged": 2}

    async def test_one_is_added_ended_replaced_and_removed(self, operator: Operator) -> None:
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
        self, operator: Operator, method: str, path: str, body: Any, status: int, sentence: str
    ) -> None:
        await operator("PUT", "/deployed", csv=f"{NAME},1,2024-01-01,\n")
        assert (await operator(method, path, body, status))["error"].startswith(sentence)
        assert len(await operator.actions()) == 1


class TestStatus:
    async def settled(self, operator: Operator) -> None:
        """Until the round that a change has asked for is over."""
        await operator.served.finish_upkeep()
        await operator.served.context.freshness.run_round(operator.served.context.store)

    async def test_streams_and_instruments_are_as_the_last_round_has_found_them(self, operator: Operator) -> None:
        await operator("PUT", "/expected", csv=TABLE)
        await operator.served.finish_upkeep()
        await operator.served.context.store.write(
            f"ctd,reference_designator={NAME},method=streamed value=1".encode()
        )
        await self.settled(operator)
        one = await operator("GET", f"/stream/{NAME}/streamed/ctd")
        assert (one["state"], one["enabled"], one["warn_interval"]) == ("operational", True, 600.0)
        assert 0 <= one["age"] < 60
        whole = await operator("GET", f"/instrument/{NAME}")
        assert (whole["state"], [s["state"] for s in whole["streams"]]) == (
            "operational",
            ["operational", "not tracked"],
        )
        listed = (await operator("GET", "/instrument"))["instruments"]
        assert [(i["reference_designator"], i["state"]) for i in listed] == [
            ("CE01-PAR", "not tracked"),
            (NAME, "operational"),
        ]
        assert len((await operator("GET", "/instrument?state=operational"))["instruments"]) == 1
        assert len((await operator("GET", "/stream?state=not tracked"))["streams"]) == 2
        assert len((await operator("GET", f"/stream?reference_designator={NAME}&method=streamed"))["streams"]) == 1

    async def test_before_the_first_round_states_are_unknown(self, operator: Operator) -> None:
        await operator("PUT", "/expected", csv=TABLE)
        operator.served.context.freshness._watch = None
        assert (await operator("GET", f"/instrument/{NAME}"))["state"] == "unknown"

    async def test_switching_is_known_at_once_and_looked_at_again(self, operator: Operator) -> None:
        await operator("PUT", "/expected", csv=TABLE)
        await self.settled(operator)
        assert (await operator("GET", f"/stream/{NAME}/streamed/ctd"))["state"] == "failed"
        off = await operator("POST", f"/stream/{NAME}/streamed/ctd/disable")
        assert (off["enabled"], off["state"]) == (False, "not tracked")
        whole = await operator("POST", f"/instrument/{NAME}/enable")
        assert all(one["enabled"] for one in whole["streams"])
        await operator("POST", f"/instrument/{NAME}/disable")
        assert [entry.rpartition(" ")[2] for entry in await operator.stored()] == ["True", "False", "False"]
        assert [action for action, _ in await operator.actions()][1:] == [
            "disable streams",
            "enable streams",
            "disable streams",
        ]

    @pytest.mark.parametrize(
        ("path", "status", "sentence"),
        [
            ("/stream/none/a/b", 404, "No stream is expected of 'none'"),
            ("/instrument/none", 404, "No stream is expected of 'none'"),
            ("/stream?state=bad", 400, "The parameter state must be one of not tracked, operational"),
            ("/instrument?stte=failed", 400, "There is an unknown parameter; this address takes state."),
        ],
    )
    async def test_mistakes(self, operator: Operator, path: str, status: int, sentence: str) -> None:
        assert (await operator("GET", path, status=status))["error"].startswith(sentence)
