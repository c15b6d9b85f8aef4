"""TLS of the agent's own, and reverse proxies with a path of theirs, with a real browser."""

import asyncio
import signal
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from playwright.async_api import Browser, expect

from tests.services.browser import visiting
from tests.tsmon_agent.running_agent import running_agent
from tests.tsmon_agent.web.access.conftest import NAME, House
from tests.tsmon_agent.web.pages_in_browser import reported_live
from tsmon.errors import TsmonError
from tsmon.settings import WebSettings
from tsmon_agent.status import ask
from tsmon_agent.web import WebServer
from tsmon_agent.web.access import tls_of


class Certificate:
    """A certificate for localhost in files, which may be exchanged for another."""

    def __init__(self, directory: Path) -> None:
        self.cert_file, self.key_file = directory / "cert.pem", directory / "key.pem"
        self.authority = trustme.CA()
        self.renew()

    def renew(self) -> None:
        leaf = self.authority.issue_cert("localhost", "127.0.0.1")
        leaf.cert_chain_pems[0].write_to_path(self.cert_file)
        leaf.private_key_pem.write_to_path(self.key_file)

    @property
    def settings(self) -> dict[str, Any]:
        return {"cert_file": self.cert_file, "key_file": self.key_file}

    @property
    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


async def served_certificate(address: str, context: ssl.SSLContext) -> bytes:
    port = int(address.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found
    finally:
        writer.close()


async def test_pages_are_encrypted_and_sign_in_cookies_too(
    browser: Browser, house: House, certificate: Certificate
) -> None:
    server = WebServer(house.agent, WebSettings(port=0, **certificate.settings))
    await server.start()
    try:
        assert server.address.startswith("https://127.0.0.1:")
        async with visiting(browser, f"{server.address}/sign-in", ignore_https_errors=True) as visit:
            page = visit.page
            await page.get_by_label("Token").fill(await house.token("see"))
            await page.get_by_role("button", name="Sign in").click()
            await reported_live(page)
            cookies = await page.context.cookies()
            assert [(one["secure"], one["httpOnly"], one["sameSite"]) for one in cookies] == [(True, True, "Lax")]
    finally:
        await server.stop()


async def test_old_tls_and_no_tls_are_refused(house: House, certificate: Certificate) -> None:
    settings = WebSettings(port=0, **certificate.settings)
    context = tls_of(settings)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    server = WebServer(house.agent, settings)
    await server.start()
    try:
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientError):
                await client.get(server.address.replace("https", "http"))
    finally:
        await server.stop()


async def test_a_renewed_certificate_is_read_again_and_a_broken_one_is_not(
    house: House, certificate: Certificate
) -> None:
    server = WebServer(house.agent, WebSettings(port=0, **certificate.settings))
    await server.start()
    try:
        first = await served_certificate(server.address, certificate.trusting)
        certificate.renew()
        server.reload_certificate()
        second = await served_certificate(server.address, certificate.trusting)
        assert second != first
        certificate.key_file.write_text("nonsense")
        with pytest.raises(TsmonError, match="are not usable"):
            server.reload_certificate()
        assert await served_certificate(server.address, certificate.trusting) == second
    finally:
        await server.stop()


async def test_the_agent_reads_a_renewed_certificate_on_sighup(tmp_path: Path, certificate: Certificate) -> None:
    settings = f"""
[monitoring]
store = "sqlite"
file = "tsmon.db"
[agent]
samplers = "cpu"
[web]
port = 0
cert_file = "{certificate.cert_file}"
key_file = "{certificate.key_file}"
"""

    def renewed() -> None:
        with running_agent(tmp_path, settings) as agent:
            address = agent.wait(lambda one: "shown on" in one.out and one.address)
            port = int(address.rpartition(":")[2])
            first = ssl.get_server_certificate(("localhost", port))
            certificate.renew()
            agent.process.send_signal(signal.SIGHUP)
            agent.wait(lambda _: ssl.get_server_certificate(("localhost", port)) != first)
            assert agent.stop() == 0

    await asyncio.to_thread(renewed)


@pytest.mark.parametrize(
    ("cert", "key", "sentence"),
    [
        (None, "good", r"web\.cert_file .* cannot be read: No such file"),
        ("good", None, r"web\.key_file .* cannot be read: No such file"),
        ("nonsense", "good", r"are not usable .*give a certificate in PEM, and the key that belongs to it"),
        ("good", "other", r"are not usable \(KEY_VALUES_MISMATCH\)"),
        ("good", "locked", r"are not usable .*without a password"),
    ],
)
async def test_certificates_of_no_use_are_named_with_the_remedy(
    house: House, certificate: Certificate, tmp_path: Path, cert: str | None, key: str | None, sentence: str
) -> None:
    if cert is None:
        certificate.cert_file.unlink()
    elif cert == "nonsense":
        certificate.cert_file.write_text("nonsense")
    if key is None:
        certificate.key_file.unlink()
    elif key == "other":
        trustme.CA().issue_cert("x").private_key_pem.write_to_path(certificate.key_file)
    elif key == "locked":
        from cryptography.hazmat.primitives import serialization as s

        plain = s.load_pem_private_key(certificate.key_file.read_bytes(), None)
        certificate.key_file.write_bytes(
            plain.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"secret"))
        )
    with pytest.raises(TsmonError, match=sentence):
        await house.serve(**certificate.settings)


async def test_the_status_command_asks_by_tls(house: House, certificate: Certificate) -> None:
    server = WebServer(house.agent, WebSettings(port=0, base_path="/mon", **certificate.settings))
    await server.start()
    try:
        port = int(server.address.rpartition(":")[2].removesuffix("/mon"))
        settings = WebSettings(port=port, base_path="/mon", **certificate.settings)
        found = await asyncio.to_thread(ask, settings)
        assert (found.runs, found.address) == (True, server.address)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"listen": "0.0.0.0"}, "listen is 0.0.0.0, beyond this machine, where tokens and pages would travel"),
        ({"listen": "0.0.0.0", "open_to_everyone": True}, "set web.cert_file and web.key_file, or web.allow_unenc"),
        ({"listen": "athena.example"}, "beyond this machine"),
        ({"key_file": "k.pem"}, "key_file is there without cert_file; give the certificate too"),
        ({"base_path": "tsmon"}, "should be a path such as /tsmon"),
        ({"base_path": "/a b"}, "should be a path such as /tsmon"),
        ({"base_path": "/../a"}, "should be a path such as /tsmon"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "has host bits set; give addresses and networks such as 10.0.0.7"),
        ({"trusted_proxies": "everyone"}, "give addresses and networks such as 10.0.0.7 or 10.0.0.0/8"),
    ],
)
def test_settings_that_would_let_others_in_by_mistake(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        WebSettings(**settings)


class Proxy:
    """A reverse proxy, as nginx with `location /mon/ { proxy_pass http://agent; }` and forwarded headers."""

    def __init__(self, target: str, scheme: str = "http") -> None:
        self._target = target
        self._scheme = scheme
        self.address = ""

    async def __aenter__(self) -> "Proxy":
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://localhost:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._runner.cleanup()

    def _headers(self, request: web.Request) -> dict[str, str]:
        skipped = ("host", "connection", "upgrade", "sec-websocket-key", "sec-websocket-version")
        kept = {k: v for k, v in request.headers.items() if k.lower() not in skipped}
        kept.pop("Sec-WebSocket-Extensions", None)
        return {
            **kept,
            "X-Forwarded-For": "203.0.113.7",
            "X-Forwarded-Proto": self._scheme,
            "X-Forwarded-Host": request.host,
        }

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        url = self._target + request.path_qs
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_socket(request, url)
        async with self._client.request(
            request.method, url, headers=self._headers(request), data=await request.read(), allow_redirects=False
        ) as answer:
            response = web.Response(status=answer.status, body=await answer.read())
            for key, value in answer.headers.items():
                if key.lower() not in ("content-length", "transfer-encoding", "date", "server", "connection"):
                    response.headers.add(key, value)
            return response

    async def _pass_socket(self, request: web.Request, url: str) -> web.StreamResponse:
        inner = web.WebSocketResponse()
        await inner.prepare(request)
        async with self._client.ws_connect(url, headers=self._headers(request)) as outer:
            async for message in outer:
                await inner.send_str(message.data)
        return inner


async def test_behind_a_proxy_under_a_path_all_pages_work(browser: Browser, house: House) -> None:
    house.shown.publish_all()
    settings = WebSettings(port=0, base_path="/mon", trusted_proxies=["127.0.0.1"], allowed_hosts=["localhost"])
    server = WebServer(house.agent, settings)
    await server.start()
    try:
        async with Proxy(server.address.removesuffix("/mon")) as proxy:
            async with visiting(browser, f"{proxy.address}/mon/streams") as visit:
                page = visit.page
                await page.get_by_label("Token").fill(await house.token("operate"))
                await page.get_by_role("button", name="Sign in").click()
                await expect(page).to_have_url(f"{proxy.address}/mon/streams")
                (cookie,) = await page.context.cookies()
                assert cookie["path"] == "/mon/"
                await reported_live(page)
                await page.get_by_role("link", name=NAME).click()
                await reported_live(page)
                await page.get_by_role("button", name="Switch off streamed ctd").click()
                await expect(page.get_by_role("button", name="Switch on streamed ctd")).to_be_visible()
                for name in ("Pipeline", "Host"):
                    await page.get_by_role("link", name=name, exact=True).click()
                    await reported_live(page)
                await page.get_by_role("button", name="Sign out").click()
                await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
                assert all(url.split("://")[1].partition("/")[2].startswith("mon/") for url in visit.asked)
                assert visit.complaints == []
            assert (await house.audit())[0]["address"] == "203.0.113.7"
            async with aiohttp.ClientSession() as client:
                async with client.get(f"{proxy.address}/mon/nothing") as response:
                    assert response.status == 401
                async with client.get(f"{proxy.address}/streams") as response:
                    assert response.status == 401
    finally:
        await server.stop()


async def test_behind_a_proxy_that_speaks_tls_cookies_are_secure(house: House) -> None:
    server = WebServer(house.agent, WebSettings(port=0, trusted_proxies=["127.0.0.1"], allowed_hosts=["localhost"]))
    await server.start()
    try:
        async with (
            Proxy(server.address, scheme="https") as proxy,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.get(f"{proxy.address}/sign-in") as response,
        ):
            assert "Secure" in response.headers["Set-Cookie"]
    finally:
        await server.stop()
