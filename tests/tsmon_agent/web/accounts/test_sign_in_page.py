"""Signing in and out, with a real browser, and as attackers try without a token."""

import asyncio
import html
import re
import time
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.services.browser import visiting
from tests.tsmon_agent.web.guarded_agent import NAME, STRANGER, GuardedAgent
from tsmon_agent.auth import revoke_token
from tsmon_agent.streams.inventory import find_streams

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Stranger:
    """A browser from elsewhere, as far as cookies and forms go."""

    def __init__(self, client: aiohttp.ClientSession, **headers: str) -> None:
        self._client = client
        self._headers = {**STRANGER, "Accept": "text/html", **headers}
        self.cookies: SimpleCookie = SimpleCookie()
        self.text = ""
        self.headers: dict[str, str] = {}
        self.set_cookies: list[str] = []

    async def ask(self, method: str, path: str, /, **form: str) -> int:
        cookie = "; ".join(f"{one.key}={one.value}" for one in self.cookies.values() if one.value)
        headers = {**self._headers, **({"Cookie": cookie} if cookie else {}), **(FORM if form else {})}
        data = urlencode(form) if form else None
        async with self._client.request(
            method, path, headers=headers, data=data, allow_redirects=False
        ) as response:
            self.text = await response.text()
            self.headers = dict(response.headers)
            self.set_cookies = response.headers.getall("Set-Cookie", [])
            for one in self.set_cookies:
                self.cookies.load(one)
            return response.status

    def field(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found is not None, self.text
        return found[1]

    def action(self) -> str:
        """Where the form with the switches goes."""
        found = re.search(r'class="switches" method="post" action="([^"]*)"', self.text)
        assert found is not None, self.text
        return html.unescape(found[1])

    async def sign_in(self, token: str, there: str = "/") -> int:
        assert await self.ask("GET", "/sign-in?" + urlencode({"next": there})) == 200
        return await self.ask("POST", "/sign-in", token=token, csrf=self.field("csrf"), next=self.field("next"))


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(guarded: GuardedAgent) -> Stranger:
    return Stranger(await guarded.serve(trusted_proxies=["127.0.0.1"]))


async def test_a_token_becomes_a_cookie_that_no_script_reads(guarded: GuardedAgent, stranger: Stranger) -> None:
    assert await stranger.sign_in(await guarded.token("see"), "/streams") == 303
    assert stranger.headers["Location"] == "/streams"
    (cookie,) = [one for one in stranger.set_cookies if "sign_in" in one]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert await stranger.ask("GET", "/streams") == 200
    assert "see</bdi>" in stranger.text
    assert [one["action"] for one in await guarded.audit()] == ["sign in"]


async def test_under_tls_the_cookie_never_travels_without(guarded: GuardedAgent) -> None:
    client = await guarded.serve(trusted_proxies=["127.0.0.1"], hsts_max_age=600)
    stranger = Stranger(client, **{"X-Forwarded-Proto": "https"})
    assert await stranger.sign_in(await guarded.token("see")) == 303
    (cookie,) = [one for one in stranger.set_cookies if "sign_in" in one]
    assert cookie.startswith("__Host-tsmon_sign_in_0=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert await stranger.ask("GET", "/streams") == 200
    stranger.cookies = SimpleCookie(stranger.cookies.output(header="", sep=";").replace("__Host-", ""))
    assert await stranger.ask("GET", "/streams") == 303, "a cookie that another host of the domain may have set"
    assert stranger.headers["Strict-Transport-Security"] == "max-age=600"


async def test_a_wrong_token_is_reported_and_recorded_and_slowed_down(
    guarded: GuardedAgent, stranger: Stranger
) -> None:
    assert await stranger.sign_in("tsmon_no") == 401
    assert "This token is invalid, revoked or expired." in stranger.text
    assert "tsmon_no" not in stranger.text
    assert (await guarded.audit())[0]["outcome"] == "refused"
    answers = [await stranger.sign_in("tsmon_no") for _ in range(11)]
    assert answers[-1] == 429
    assert await stranger.sign_in(await guarded.token("see")) == 303, "a good one is not slowed down by others"


@pytest.mark.parametrize("proof", ["", "x", "é"])
async def test_the_form_works_only_in_the_browser_that_requested_it(
    guarded: GuardedAgent, stranger: Stranger, proof: str
) -> None:
    token = await guarded.token("see")
    assert await stranger.ask("POST", "/sign-in", token=token, csrf=proof) == 403
    assert await stranger.ask("GET", "/sign-in") == 200
    assert await stranger.ask("POST", "/sign-in", token=token, csrf=proof) == 403
    other = Stranger(stranger._client)
    await other.ask("GET", "/sign-in")
    assert await stranger.ask("POST", "/sign-in", token=token, csrf=other.field("csrf")) == 403
    assert not any("sign_in" in one and "=;" not in one for one in stranger.set_cookies)


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\t//evil.example",
        "/\n/evil.example",
        "evil",
        "",
        "/sign-out",
    ],
)
async def test_nobody_is_led_elsewhere(guarded: GuardedAgent, stranger: Stranger, there: str) -> None:
    assert await stranger.sign_in(await guarded.token("see"), there) == 303
    assert stranger.headers["Location"] == "/"


async def test_signed_in_a_change_needs_the_proof_of_the_page(guarded: GuardedAgent, stranger: Stranger) -> None:
    await stranger.sign_in(await guarded.token("operate"))
    switch = {"method": "streamed", "stream": "ctd", "enabled": "false"}
    path = f"/streams/{NAME}/switch"
    assert await stranger.ask("POST", path, **switch) == 403
    assert await stranger.ask("POST", path, **switch, csrf="x") == 403
    assert await stranger.ask("POST", f"/instrument/{NAME}/disable") == 403
    assert await stranger.ask("DELETE", f"/expected/{NAME}") == 403
    (one,) = await guarded.context.state.run(lambda s: find_streams(s, NAME))
    assert one.enabled
    await stranger.ask("GET", f"/streams/{NAME}")
    assert await stranger.ask("POST", path, **switch, csrf=stranger.field("csrf")) == 303
    (one,) = await guarded.context.state.run(lambda s: find_streams(s, NAME))
    assert not one.enabled
    assert (await guarded.audit())[0]["action"] == "disable streams"


async def test_after_a_switch_one_sees_the_same_time_by_the_same_rules(
    guarded: GuardedAgent, stranger: Stranger
) -> None:
    """But not by the same filter, by which what is switched off would not be found."""
    await stranger.sign_in(await guarded.token("operate"))
    query = "method=streamed&gap_fraction=0.02&start_time=2026-01-01+00%3A00%3A00&stop_time=2026-02-01"
    assert await stranger.ask("GET", f"/streams/{NAME}?{query}") == 200
    action = stranger.action()
    assert action.startswith(f"/streams/{NAME}/switch?")
    switch = {"method": "streamed", "stream": "ctd", "enabled": "false", "csrf": stranger.field("csrf")}
    assert await stranger.ask("POST", action, **switch) == 303
    address, _, place = stranger.headers["Location"].partition("#")
    assert place == "switches"
    assert parse_qs(urlsplit(address).query) == {
        "gap_fraction": ["0.02"],
        "start_time": ["2026-01-01 00:00:00"],
        "stop_time": ["2026-02-01 00:00:00"],
    }
    assert await stranger.ask("GET", address) == 200
    assert await stranger.ask("POST", f"/streams/{NAME}/switch?next=x", **switch) == 400


async def test_a_proof_of_bytes_that_are_no_text_is_none(guarded: GuardedAgent, stranger: Stranger) -> None:
    await stranger.sign_in(await guarded.token("operate"))
    (cookie,) = [f"{one.key}={one.value}" for one in stranger.cookies.values() if one.value]
    host, port = str(stranger._client._base_url).removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = (
        f"POST /instrument/{NAME}/disable HTTP/1.1",
        f"Host: {host}:{port}",
        f"Cookie: {cookie}",
        "X-CSRF-Token: \xff\xfe",
        "Connection: close",
        "Content-Length: 0",
    )
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_the_proof_of_one_sign_in_is_none_of_another(guarded: GuardedAgent, stranger: Stranger) -> None:
    token = await guarded.token("operate")
    await stranger.sign_in(token)
    other = Stranger(stranger._client)
    await other.sign_in(token)
    await other.ask("GET", "/streams")
    proof = other.field("csrf")
    assert await stranger.ask("POST", f"/streams/{NAME}/switch", method="streamed", csrf=proof) == 403


async def test_signing_out_ends_it_for_the_cookie_too(guarded: GuardedAgent, stranger: Stranger) -> None:
    await stranger.sign_in(await guarded.token("see"))
    await stranger.ask("GET", "/streams")
    proof, kept = stranger.field("csrf"), stranger.cookies
    assert await stranger.ask("POST", "/sign-out", csrf="wrong") == 403
    assert await stranger.ask("GET", "/streams") == 200
    stranger.cookies = SimpleCookie(kept.output(header="", sep=";"))
    assert await stranger.ask("POST", "/sign-out", csrf=proof) == 303
    assert await stranger.ask("GET", "/streams") == 303
    stranger.cookies = kept
    assert await stranger.ask("GET", "/streams") == 303, "a stolen cookie is worth nothing after signing out"


async def test_what_was_revoked_signs_out(guarded: GuardedAgent, stranger: Stranger) -> None:
    await stranger.sign_in(await guarded.token("see"))
    assert await stranger.ask("GET", "/streams") == 200
    await guarded.context.state.run(lambda s: revoke_token(s, "see"))
    until = time.monotonic() + 1.5
    while await stranger.ask("GET", "/streams") == 200:
        assert time.monotonic() < until


async def test_a_made_up_cookie_is_nobody(stranger: Stranger) -> None:
    stranger.cookies.load("tsmon_sign_in_0=" + "A" * 43)
    assert await stranger.ask("GET", "/streams") == 303


async def test_in_a_browser_by_keyboard_and_back_to_where_one_was_going(
    browser: Browser, guarded: GuardedAgent
) -> None:
    """From this machine, where one sees without signing in, but is offered no change."""
    served = guarded.served
    token = await guarded.token("operate", name="alice <b>")
    async with visiting(browser, f"{served.address}/streams/{NAME}") as visit:
        page = visit.page
        await expect(page.get_by_role("button", name="Switch off")).to_have_count(0)
        await page.get_by_role("link", name="Sign in").click()
        await expect(page.get_by_label("Token")).to_be_focused()
        await page.keyboard.type("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("This token is invalid, revoked or expired.")
        await page.get_by_label("Token").fill(token)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{served.address}/streams/{NAME}")
        await expect(page.locator(".sign-name")).to_have_text("alice <b>")
        await page.get_by_role("button", name="Switch off streamed ctd").click()
        await expect(page.get_by_role("button", name="Switch on streamed ctd")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert [text for text in visit.complaints if "401" not in text] == []
    (one,) = await guarded.context.state.run(lambda s: find_streams(s, NAME))
    assert not one.enabled
    actions = [(one["who"], one["action"]) for one in reversed(await guarded.audit())]
    assert actions == [
        ("nobody", "bring a token"),
        ("alice <b>", "sign in"),
        ("alice <b>", "disable streams"),
        ("alice <b>", "sign out"),
    ]


async def test_the_audit_is_a_page_for_administrators(guarded: GuardedAgent) -> None:
    token = await guarded.token("administer", name="root")
    client = await guarded.serve(trusted_proxies=["127.0.0.1"])
    headers = {**STRANGER, "Authorization": f"Bearer {token}"}
    for number in range(103):
        action = "disable" if number % 2 else "enable"
        async with client.post(f"/instrument/{NAME}/{action}", headers=headers) as response:
            assert response.status == 200
    async with client.get("/api/audit", headers=headers) as response:
        first = await response.json()
    async with client.get(f"/api/audit?before={first['before']}", headers=headers) as response:
        rest = await response.json()
    assert (len(first["entries"]), len(rest["entries"]), rest["before"]) == (100, 3, None)
    async with client.get("/audit?who=root", headers=headers) as response:
        text = await response.text()
    assert text.count("<bdi>root</bdi>") == 100
    assert "Earlier</a>" in text
    async with client.get("/audit?who=nobody", headers=headers) as response:
        assert "No changes match." in await response.text()
    async with client.get("/audit?before=x", headers=headers) as response:
        assert response.status == 400
