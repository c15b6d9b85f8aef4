"""The agent's own TLS, and reverse proxies with a base path, with a real browser."""

import asyncio
import re
import signal
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from playwright.async_api import Browser, expect

from tests.services.browser import visiting
from tests.services.nginx import running_nginx
from tests.tsmon_agent.running_agent import running_agent
from tests.tsmon_agent.web.guarded_agent import NAME, GuardedAgent, bearer
from tests.tsmon_agent.web.pages_in_browser import expect_live
from tsmon.errors import TsmonError
from tsmon_agent.cli.status import query_status
from tsmon_agent.settings import WebSettings
from tsmon_agent.web import WebServer
from tsmon_agent.web.security import build_tls_context


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
    browser: Browser, guarded: GuardedAgent, certificate: Certificate
) -> None:
    server = WebServer(guarded.context, WebSettings(port=0, **certificate.settings))
    await server.start()
    try:
        assert server.address.startswith("https://127.0.0.1:")
        async with visiting(browser, f"{server.address}/sign-in", ignore_https_errors=True) as visit:
            page = visit.page
            await page.get_by_label("Token").fill(await guarded.token("see"))
            await page.get_by_role("button", name="Sign in").click()
            await expect_live(page)
            cookies = await page.context.cookies()
            assert [(one["secure"], one["httpOnly"], one["sameSite"]) for one in cookies] == [(True, True, "Lax")]
    finally:
        await server.stop()


async def test_old_tls_and_no_tls_are_refused(guarded: GuardedAgent, certificate: Certificate) -> None:
    settings = WebSettings(port=0, **certificate.settings)
    context = build_tls_context(settings)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    server = WebServer(guarded.context, settings)
    await server.start()
    try:
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.ClientError):
                await client.get(server.address.replace("https", "http"))
    finally:
        await server.stop()


async def test_a_renewed_certificate_is_read_again_and_a_broken_one_is_not(
    guarded: GuardedAgent, certificate: Certificate
) -> None:
    server = WebServer(guarded.context, WebSettings(port=0, **certificate.settings))
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


async def test_a_replaced_certificate_is_noticed_and_a_deleted_one_reported(
    guarded: GuardedAgent, certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server = WebServer(guarded.context, WebSettings(port=0, **certificate.settings))
    await server.start()
    try:
        first = await served_certificate(server.address, certificate.trusting)
        certificate.renew()
        for _ in range(2):
            await server.follow_certificate()
        second = await served_certificate(server.address, certificate.trusting)
        assert second != first
        assert f"web.cert_file {certificate.cert_file} was replaced" in caplog.text
        caplog.clear()
        certificate.key_file.unlink()
        for _ in range(4):
            await server.follow_certificate()
        [record] = caplog.records
        assert f"web.key_file {certificate.key_file} cannot be read" in record.getMessage()
        assert await served_certificate(server.address, certificate.trusting) == second
        certificate.renew()
        for _ in range(2):
            await server.follow_certificate()
        assert await served_certificate(server.address, certificate.trusting) != second
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
        ("good", "other", r"are not usable \(key values mismatch\)"),
        ("good", "locked", r"are not usable .*without a password"),
    ],
)
async def test_certificates_of_no_use_are_named_with_the_remedy(
    guarded: GuardedAgent,
    certificate: Certificate,
    tmp_path: Path,
    cert: str | None,
    key: str | None,
    sentence: str,
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
        await guarded.serve(**certificate.settings)


async def test_the_status_command_asks_by_tls(guarded: GuardedAgent, certificate: Certificate) -> None:
    server = WebServer(guarded.context, WebSettings(port=0, base_path="/mon", **certificate.settings))
    await server.start()
    try:
        port = int(server.address.rpartition(":")[2].removesuffix("/mon"))
        settings = WebSettings(port=port, base_path="/mon", **certificate.settings)
        found = await asyncio.to_thread(query_status, settings)
        assert (found.runs, found.address) == (True, server.address)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"listen": "0.0.0.0"}, "listen is 0.0.0.0, beyond this machine, where tokens and pages would travel"),
        ({"listen": "0.0.0.0", "open_to_everyone": True}, "set web.cert_file and web.key_file, or web.allow_unenc"),
        ({"listen": "athena.example"}, "beyond this machine"),
        ({"key_file": "k.pem"}, "key_file is set without cert_file; set both or neither"),
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


def location(target: str, path: str = "/tsmon/") -> str:
    """The section of nginx's configuration that the README has, for a server of the test's."""
    text = (Path(__file__).parents[4] / "README.md").read_text()
    (found,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    assert (found.count("/tsmon/"), found.count("http://127.0.0.1:9000")) == (1, 1)
    return str(found).replace("http://127.0.0.1:9000", target).replace("/tsmon/", path)


async def test_behind_nginx_under_a_path_all_pages_work(
    browser: Browser, guarded: GuardedAgent, tmp_path: Path
) -> None:
    guarded.served.publish_all()
    settings = WebSettings(port=0, base_path="/tsmon", trusted_proxies=["127.0.0.1"], allowed_hosts=["localhost"])
    server = WebServer(guarded.context, settings)
    await server.start()
    try:
        with running_nginx(tmp_path, location(server.address.removesuffix("/tsmon"))) as address:
            async with visiting(browser, f"{address}/tsmon/streams") as visit:
                page = visit.page
                await page.get_by_label("Token").fill(await guarded.token("operate"))
                await page.get_by_role("button", name="Sign in").click()
                await expect(page).to_have_url(f"{address}/tsmon/streams")
                (cookie,) = await page.context.cookies()
                assert (cookie["path"], cookie["secure"]) == ("/tsmon/", False)
                await expect_live(page)
                await page.get_by_role("link", name=NAME).click()
                await expect_live(page)
                await page.get_by_role("button", name="Switch off streamed ctd").click()
                await expect(page.get_by_role("button", name="Switch on streamed ctd")).to_be_visible()
                for name in ("Pipeline", "Host"):
                    await page.get_by_role("link", name=name, exact=True).click()
                    await expect_live(page)
                await page.get_by_role("button", name="Sign out").click()
                await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
                assert all(url.split("://")[1].partition("/")[2].startswith("tsmon/") for url in visit.asked)
                assert visit.complaints == []
            # From an address of its own, which a client on another machine has.
            from_elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
            token = bearer(await guarded.token("administer"))
            async with aiohttp.ClientSession(address, connector=from_elsewhere) as client:
                async with client.post(f"/tsmon/stream/{NAME}/streamed/ctd/enable", headers=token) as response:
                    assert response.status == 200, await response.text()
                for path, status in (("/tsmon/nothing", 401), ("/tsmon/", 401), ("/streams", 404)):
                    async with client.get(path) as response:
                        assert response.status == status
            assert (await guarded.audit())[0]["address"] == "127.0.0.9"
    finally:
        await server.stop()


async def test_what_comes_through_nginx_is_believed_only_where_it_is_named(
    guarded: GuardedAgent, tmp_path: Path
) -> None:
    """Then a client on this machine has to sign in, whatever its headers claim."""
    for trusted, status in (["127.0.0.1"], 401), ([], 200):
        server = WebServer(
            guarded.context, WebSettings(port=0, trusted_proxies=trusted, allowed_hosts=["localhost"])
        )
        await server.start()
        try:
            with running_nginx(tmp_path, location(server.address, "/")) as address:
                async with aiohttp.ClientSession(address) as client:
                    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
                        async with client.get("/streams", headers=headers) as response:
                            assert response.status == 401
                async with aiohttp.ClientSession(server.address) as client, client.get("/streams") as response:
                    assert response.status == status
        finally:
            await server.stop()


async def test_behind_nginx_that_speaks_tls_cookies_are_secure(
    guarded: GuardedAgent, tmp_path: Path, certificate: Certificate
) -> None:
    server = WebServer(
        guarded.context, WebSettings(port=0, trusted_proxies=["127.0.0.1"], allowed_hosts=["localhost"])
    )
    await server.start()
    try:
        files = certificate.cert_file, certificate.key_file
        with running_nginx(tmp_path, location(server.address, "/"), certificate=files) as address:
            connector = aiohttp.TCPConnector(ssl=certificate.trusting)
            async with (
                aiohttp.ClientSession(address, connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client,
                client.get("/sign-in") as response,
            ):
                assert "Secure" in response.headers["Set-Cookie"]
    finally:
        await server.stop()
