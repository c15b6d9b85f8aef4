"""Attempts to get in: at every address of the agent, from everywhere, in every role."""

import asyncio
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.tsmon_agent.web.guarded_agent import NAME, STRANGER, GuardedAgent, bearer
from tsmon.errors import StateUnavailableError, TsmonError
from tsmon_agent.auth import Role, revoke_token, rotate_token

OPEN = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/favicon.svg"),
    ("get", "/favicon.ico"),
    ("get", "/static/{version}/{name}"),
    ("get", "/sign-in"),
    ("post", "/sign-in"),
    ("post", "/sign-out"),
}
"""All operations that are for everyone; a new one cannot become one of them by mistake."""


async def operations(client: aiohttp.ClientSession, **headers: str) -> list[tuple[str, str, dict[str, Any]]]:
    async with client.get("/openapi.json", headers=headers) as response:
        document = await response.json()
    return [(method, path, one) for path, methods in document["paths"].items() for method, one in methods.items()]


async def statuses(
    client: aiohttp.ClientSession, found: Any, headers: dict[str, str]
) -> dict[tuple[str, str], int]:
    """Status of every operation, requested without a body and with made-up names."""
    answers = {}
    for method, path, _ in found:
        address = re.sub(r"\{\w+\}", "1", path)
        async with client.request(method, address, headers=headers, allow_redirects=False) as response:
            answers[method, path] = response.status
    return answers


async def test_strangers_get_nothing_but_what_is_for_everyone(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    found = await operations(guarded.served.client)
    assert len(found) > 35
    for (method, path), status in (await statuses(client, found, STRANGER)).items():
        if (method, path) not in OPEN:
            assert status == 401, (method, path)
    assert await statuses(client, [("get", "/nothing", {})], STRANGER) == {("get", "/nothing"): 401}


async def test_who_asks_from_this_machine_sees_and_changes_nothing(guarded: GuardedAgent) -> None:
    found = await operations(guarded.served.client)
    for (method, path), status in (await statuses(guarded.served.client, found, {})).items():
        if (method, path) in OPEN:
            continue
        administrative = path in ("/audit", "/api/audit")
        assert (status == 401) == (method != "get" or administrative), (method, path, status)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_what_it_is_for(guarded: GuardedAgent, role: Role) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    found = await operations(guarded.served.client)
    token = await guarded.token(role)
    answers = await statuses(client, found, {**STRANGER, **bearer(token)})
    for method, path, operation in found:
        if (method, path) in OPEN:
            continue
        needed = Role(re.fullmatch(r"Needs the role (\w+)\.", operation["description"])[1])  # type: ignore[index]
        allowed = role in (needed, Role.ADMINISTER) or (role, needed) == (Role.OPERATE, Role.SEE)
        assert (answers[method, path] == 403) == (not allowed), (method, path, answers[method, path])


async def test_what_changes_something_is_never_for_those_who_only_see(guarded: GuardedAgent) -> None:
    for method, path, operation in await operations(guarded.served.client):
        if method != "get" and (method, path) not in OPEN:
            assert "the role see" not in operation["description"], path


@pytest.mark.parametrize(
    "header",
    [
        "Bearer ",
        "Bearer tsmon_" + "A" * 43,
        "Bearer " + "x" * 5000,
        "Bearer 0 OR 1=1",
        "Token {secret}x",
        "Bearer {digest}",
        "Basic {secret}",
        "{secret}",
        "",
        "Bearer \xff",
    ],
)
async def test_what_is_no_token_is_401_even_on_this_machine(guarded: GuardedAgent, header: str) -> None:
    secret = await guarded.token("administer")
    from tsmon_agent.auth.secrets import compute_digest

    value = header.replace("{secret}", secret).replace("{digest}", compute_digest(secret))
    async with guarded.served.client.get("/api/pipeline", headers={"Authorization": value}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="tsmon-agent"'
        assert secret not in await response.text()


async def test_two_authorizations_are_refused(guarded: GuardedAgent) -> None:
    token = await guarded.token("see")
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    async with guarded.served.client.get("/api/pipeline", headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
async def test_a_token_is_taken_in_either_scheme(guarded: GuardedAgent, scheme: str) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    token = await guarded.token("see")
    async with client.get("/api/pipeline", headers={**STRANGER, "Authorization": f"{scheme} {token}"}) as response:
        assert response.status == 200


@pytest.mark.parametrize("how", ["revoked", "rotated", "expired"])
async def test_a_token_that_is_good_no_more_is_refused_within_a_second(guarded: GuardedAgent, how: str) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    expires_ns = time.time_ns() + 300_000_000 if how == "expired" else None
    headers = {**STRANGER, **bearer(await guarded.token("see", expires_ns=expires_ns))}

    async def status() -> int:
        async with client.get("/api/pipeline", headers=headers) as response:
            return response.status

    assert await status() == 200
    if how == "revoked":
        await guarded.context.state.run(lambda s: revoke_token(s, "see"))
    elif how == "rotated":
        await guarded.context.state.run(lambda s: rotate_token(s, "see", now_ns=time.time_ns()))
    async with asyncio.timeout(1.5):
        while await status() == 200:
            await asyncio.sleep(0.02)


async def test_a_stream_of_wrong_tokens_is_slowed_down_for_its_sender_alone(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    good = await guarded.token("see")
    answers = []
    for number in range(15):
        headers = {**STRANGER, **bearer(f"tsmon_{number}")}
        async with client.get("/api/pipeline", headers=headers) as response:
            answers.append(response.status)
            wait = response.headers.get("Retry-After")
    assert answers == [401] * 10 + [429] * 5
    assert 1 <= int(wait or 0) <= 6
    async with client.get("/api/pipeline", headers={**STRANGER, **bearer(good)}) as response:
        assert response.status == 200, "nobody is locked out by others at the same address"
    other = {"X-Forwarded-For": "203.0.113.8", **bearer(good)}
    async with client.get("/api/pipeline", headers=other) as response:
        assert response.status == 200


async def test_what_strangers_are_refused_leaves_room_in_the_audit_for_holders_of_tokens(
    guarded: GuardedAgent,
) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    sees = await guarded.token("see", name="eye")
    for number in range(12):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", **bearer("tsmon_x")}
        async with client.get("/api/pipeline", headers=headers) as response:
            assert response.status == 401
    async with client.post("/instrument/A/disable", headers={**STRANGER, **bearer(sees)}) as response:
        assert response.status == 403
    newest, *others = await guarded.audit()
    assert (newest["who"], newest["outcome"]) == ("eye", "refused")
    assert len(others) == 10


async def test_refusals_are_in_the_audit_and_cannot_fill_it(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    for number in range(40):
        headers = {"X-Forwarded-For": f"203.0.113.{number}", **bearer("tsmon_x")}
        async with client.get("/api/pipeline", headers=headers) as response:
            assert response.status == 401
    found = await guarded.audit()
    assert len(found) == 10
    assert (found[-1]["who"], found[-1]["address"], found[-1]["action"], found[-1]["outcome"]) == (
        "nobody",
        "203.0.113.0",
        "bring a token",
        "refused",
    )


async def test_a_change_without_the_role_is_in_the_audit(guarded: GuardedAgent) -> None:
    token = await guarded.token("see", name="curious")
    async with guarded.served.client.post(f"/instrument/{NAME}/disable", headers=bearer(token)) as response:
        assert response.status == 403
        assert "needs the role operate, which your token does not have" in (await response.json())["error"]
    (entry,) = await guarded.audit()
    assert (entry["who"], entry["outcome"], entry["target"]) == (
        "curious",
        "refused",
        f"/instrument/{NAME}/disable",
    )


async def test_a_browser_is_redirected_to_sign_in_and_a_program_gets_401(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    headers = {**STRANGER, "Accept": "text/html"}
    async with client.get("/streams?search=a b&state=failed", headers=headers, allow_redirects=False) as response:
        assert response.status == 303
        place = urlsplit(response.headers["Location"])
        assert (place.netloc, place.path) == ("", "/sign-in")
        assert parse_qs(place.query) == {"next": ["/streams?search=a+b&state=failed"]}
    async with client.get("/streams", headers=STRANGER) as response:
        assert response.status == 401


async def test_strangers_learn_neither_reasons_nor_the_hosts_name(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    async with client.get("/readyz", headers=STRANGER) as response:
        assert (await response.json())["reasons"] == []
    async with client.get("/sign-in", headers=STRANGER) as response:
        assert "athena" not in await response.text()
    async with client.get("/nothing", headers=STRANGER) as response:
        assert "athena" not in await response.text()


async def test_where_everyone_may_see_nobody_may_change(guarded: GuardedAgent) -> None:
    client = await guarded.serve(
        trusted_proxies=["127.0.0.1"], open_to_everyone=True, allow_unencrypted=True, listen="0.0.0.0",
        allowed_hosts=["0.0.0.0"],
    )  # fmt: skip
    async with client.get("/api/pipeline", headers=STRANGER) as response:
        assert response.status == 200
    async with client.post(f"/instrument/{NAME}/disable", headers=STRANGER) as response:
        assert response.status == 401


async def test_beyond_this_machine_it_does_not_listen_without_tokens(guarded: GuardedAgent) -> None:
    settings = {"listen": "0.0.0.0", "allow_unencrypted": True}
    with pytest.raises(TsmonError, match=r"without a token nobody could sign in; make one with tsmon-agent token"):
        await guarded.serve(**settings)
    await guarded.token("see")
    await guarded.serve(**settings)


async def test_without_the_state_this_machine_still_sees_and_tokens_are_503(
    guarded: GuardedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_: object) -> None:
        raise StateUnavailableError("the database is away")

    token = await guarded.token("see")
    monkeypatch.setattr(guarded.context.state, "run", run)
    async with guarded.served.client.get("/api/pipeline") as response:
        assert response.status == 200
    async with guarded.served.client.get("/api/pipeline", headers=bearer(token)) as response:
        assert response.status == 503


async def test_a_page_that_may_be_seen_no_more_hears_no_more(
    guarded: GuardedAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsmon_agent.web.live.sockets.BEAT_S", 0.05)
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    headers = {**STRANGER, **bearer(await guarded.token("see"))}
    async with client.ws_connect("/live?page=streams", headers=headers) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        await guarded.context.state.run(lambda s: revoke_token(s, "see"))
        async with asyncio.timeout(5):
            async for _ in socket:
                pass
        assert socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_stranger_gets_no_websocket(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/live?page=host", headers=STRANGER)
    assert refused.value.status == 401
