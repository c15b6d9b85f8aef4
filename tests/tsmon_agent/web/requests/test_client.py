"""Where requests come from, as proxies say and as liars do."""

import pytest
from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request

from tsmon_agent.settings import WebSettings
from tsmon_agent.web.requests.client import Client, Clients


class Transport:
    """A connection from an address."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._peer, 1234) if name == "peername" else default


def client(peer: str, headers: dict[str, str], trusted: str = "", *, encrypted: bool = False) -> Client:
    request = make_mocked_request("GET", "/", headers=headers, transport=Transport(peer))
    settings = WebSettings.model_validate({"trusted_proxies": trusted})
    return Clients(settings.trusted_proxies, encrypted=encrypted).find(request)


@pytest.mark.parametrize(
    ("peer", "local"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.0.2.1", False)],
)
def test_without_proxies_the_peer_is_the_client(peer: str, local: bool) -> None:
    found = client(peer, {"Host": "athena:9000"})
    assert (found.local, found.secure, found.authority) == (local, False, "athena:9000")


@pytest.mark.parametrize(
    "header",
    [
        "Forwarded",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Server",
        "X-Real-IP",
    ],
)
def test_what_came_through_an_unnamed_proxy_is_not_from_this_machine_and_not_believed(header: str) -> None:
    found = client("127.0.0.1", {"Host": "a", header: "127.0.0.1"})
    assert found == Client("127.0.0.1", False, False, "a")


def test_headers_of_others_than_named_proxies_are_not_believed() -> None:
    headers = {"Host": "a", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "b"}
    assert client("192.0.2.9", headers, "10.0.0.0/8") == Client("192.0.2.9", False, False, "a")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:99", "::1"),
        ("::ffff:127.0.0.3", "127.0.0.3"),
        ("evil, 10.0.0.2", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("10.0.0.2", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_of_what_named_proxies_say_the_end_is_believed_but_never_that_it_is_this_machine(
    forwarded: str, address: str
) -> None:
    found = client("10.0.0.1", {"Host": "a", "X-Forwarded-For": forwarded}, "10.0.0.0/8")
    assert (found.address, found.local) == (address, False)


def test_a_named_proxy_that_says_nothing_is_not_this_machine() -> None:
    assert not client("127.0.0.1", {"Host": "a"}, "127.0.0.1").local


def test_scheme_and_host_as_the_last_proxy_saw_them() -> None:
    headers = {"Host": "inner", "X-Forwarded-Proto": "http, https", "X-Forwarded-Host": "evil, Mon.Example"}
    found = client("10.0.0.1", headers, "10.0.0.1")
    assert (found.secure, found.authority) == (True, "mon.example")
    assert client("10.0.0.1", {"Host": "a"}, "10.0.0.1", encrypted=True).secure


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8::7", "2001:db8::/64"), ("unknown", "unknown")],
)
def test_one_client_is_an_address_or_a_site(address: str, network: str) -> None:
    assert Client(address, False, False, None).network == network


def test_a_proxy_that_adds_no_header_is_recognized_by_its_old_protocol() -> None:
    """As nginx sends requests when it is configured with nothing but ``proxy_pass``."""
    for version, local in ((HttpVersion10, False), (HttpVersion11, True)):
        request = make_mocked_request(
            "GET", "/", {"Host": "127.0.0.1:9000"}, version=version, transport=Transport("127.0.0.1")
        )
        assert Clients([], encrypted=False).find(request).local is local
