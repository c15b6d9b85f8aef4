"""Status of streams and instruments over HTTP."""

import pytest

from tests.tsmon_agent.web.streams.operator import NAME, TABLE, Operator, operator

__all__ = ["operator"]


async def settled(operator: Operator) -> None:
    """Wait for the round that a change has requested, and run one more."""
    await operator.served.finish_upkeep()
    await operator.served.context.freshness.run_round(operator.served.context.store)


async def test_streams_and_instruments_are_as_the_last_round_has_found_them(operator: Operator) -> None:
    await operator("PUT", "/expected", csv=TABLE)
    await operator.served.finish_upkeep()
    await operator.served.context.store.write(f"ctd,reference_designator={NAME},method=streamed value=1".encode())
    await settled(operator)
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


async def test_before_the_first_round_states_are_unknown(operator: Operator) -> None:
    await operator("PUT", "/expected", csv=TABLE)
    operator.served.context.freshness._watch = None
    assert (await operator("GET", f"/instrument/{NAME}"))["state"] == "unknown"


async def test_switching_is_known_at_once_and_looked_at_again(operator: Operator) -> None:
    await operator("PUT", "/expected", csv=TABLE)
    await settled(operator)
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
async def test_mistakes(operator: Operator, path: str, status: int, sentence: str) -> None:
    assert (await operator("GET", path, status=status))["error"].startswith(sentence)
