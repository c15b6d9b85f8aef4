"""TLS with an authority of one's own and client certificates, and proxies on the way, to the real InfluxDB."""

import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.services.influxdb import InfluxDB, Tls, running
from tests.services.proxy import proxy_to
from tsmon.errors import StoreUnavailableError
from tsmon.stores import Selector
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

LINE = b"m v=1 1700000000000000000"


@dataclass(frozen=True)
class Papers:
    """Certificates for this module: an authority, the server's, a client's, another's client's."""

    authority: trustme.CA
    authority_file: Path
    server: Tls
    client_file: Path
    stranger_file: Path


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    directory = tmp_path_factory.mktemp("papers")
    authority = trustme.CA()
    authority_file = directory / "authority.pem"
    authority.cert_pem.write_to_path(authority_file)
    server = authority.issue_cert("127.0.0.1")
    tls = Tls(directory / "server.pem", directory / "server.key", authority_file)
    server.cert_chain_pems[0].write_to_path(tls.certificate)
    server.private_key_pem.write_to_path(tls.key)
    client_file, stranger_file = directory / "client.pem", directory / "stranger.pem"
    authority.issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(client_file)
    trustme.CA().issue_cert("client.example").private_key_and_cert_chain_pem.write_to_path(stranger_file)
    return Papers(authority, authority_file, tls, client_file, stranger_file)


@pytest.fixture(scope="module")
def secure(influxd: Path, tmp_path_factory: pytest.TempPathFactory, papers: Papers) -> Iterator[InfluxDB]:
    """A server that speaks TLS."""
    with running(influxd, tmp_path_factory.mktemp("secure"), tls=papers.server) as server:
        yield server


def connection(server: InfluxDB, **changes: object) -> InfluxConnection:
    plain = {"url": server.url, "org": server.org, "bucket": server.new_bucket(), "token": server.token}
    return InfluxConnection(**{**plain, **changes})  # type: ignore[arg-type]


async def write_and_read(store: InfluxStore) -> None:
    async with store:
        await store.write(LINE)
        assert len(await store.newest(Selector("m", "v"))) == 1


async def refusal(store: InfluxStore) -> str:
    with pytest.raises(StoreUnavailableError) as caught:
        await store.check()
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_server_of_an_own_authority_is_trusted(secure: InfluxDB, papers: Papers) -> None:
    await write_and_read(InfluxStore(connection(secure, ca_file=papers.authority_file)))


async def test_a_server_of_an_unknown_authority_is_not_trusted(secure: InfluxDB) -> None:
    sentence = await refusal(InfluxStore(connection(secure)))
    assert "its certificate is not trusted (unable to get local issuer certificate)" in sentence
    assert "set monitoring.ca_file" in sentence


async def test_a_server_of_another_name_is_not_trusted(secure: InfluxDB, papers: Papers) -> None:
    url = f"https://localhost:{secure.port}"
    sentence = await refusal(InfluxStore(connection(secure, url=url, ca_file=papers.authority_file)))
    assert "its certificate is not trusted (Hostname mismatch" in sentence


def write_old_papers(directory: Path) -> Tls:
    """A certificate and its authority as people made them for years, without what RFC 5280 wants in addition."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "our own authority")])
    now = datetime.now(UTC)

    def sign(name: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(authority_name, name, public, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        signed = builder.add_extension(extension, critical=False).sign(authority_key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    tls = Tls(directory / "old.pem", directory / "old.key", directory / "old_authority.pem")
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    tls.certificate.write_bytes(sign(x509.Name([]), key.public_key(), address))
    tls.authority.write_bytes(
        sign(authority_name, authority_key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
    )
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    tls.key.write_bytes(key.private_bytes(*pem))
    return tls


async def test_an_own_authority_is_trusted_though_it_does_not_keep_to_every_rule(
    influxdb: InfluxDB, tmp_path: Path
) -> None:
    tls = write_old_papers(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    async with proxy_to(influxdb.port, tls=context) as proxy:
        await write_and_read(InfluxStore(connection(influxdb, url=proxy.url, ca_file=tls.authority)))


async def test_tls_to_a_plain_server_is_reported(influxdb: InfluxDB) -> None:
    url = influxdb.url.replace("http:", "https:")
    sentence = await refusal(InfluxStore(connection(influxdb, url=url)))
    assert "does it speak plain http? Then write http:// in monitoring.url" in sentence


async def test_plain_http_to_a_tls_server_gives_up_no_points(secure: InfluxDB) -> None:
    url = secure.url.replace("https:", "http:")
    sentence = await refusal(InfluxStore(connection(secure, url=url)))
    assert "400: Client sent an HTTP request to an HTTPS server" in sentence
    assert "is monitoring.url right?" in sentence


@pytest.fixture
def strict(papers: Papers) -> ssl.SSLContext:
    """TLS that wants a client's certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=papers.authority_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(papers.server.certificate, papers.server.key)
    return context


async def test_a_client_shows_its_certificate(influxdb: InfluxDB, papers: Papers, strict: ssl.SSLContext) -> None:
    async with proxy_to(influxdb.port, tls=strict) as proxy:
        store = InfluxStore(
            connection(influxdb, url=proxy.url, ca_file=papers.authority_file, cert_file=papers.client_file)
        )
        await write_and_read(store)
        assert "client.example" in str(proxy.seen[0].certificate)


async def test_a_missing_or_foreign_client_certificate_is_reported(
    influxdb: InfluxDB, papers: Papers, strict: ssl.SSLContext
) -> None:
    async with proxy_to(influxdb.port, tls=strict) as proxy:
        plain = {"url": proxy.url, "ca_file": papers.authority_file}
        sentence = await refusal(InfluxStore(connection(influxdb, **plain)))
        assert "it may want the client's own certificate as monitoring.cert_file" in sentence
        sentence = await refusal(InfluxStore(connection(influxdb, **plain, cert_file=papers.stranger_file)))
        assert "it may want another certificate in monitoring.cert_file" in sentence
        assert not proxy.seen


async def test_a_proxy_gets_requests_in_absolute_form(influxdb: InfluxDB) -> None:
    async with proxy_to(influxdb.port) as proxy:
        await write_and_read(InfluxStore(connection(influxdb, proxy=proxy.url)))
        assert proxy.seen[0].target.startswith(f"{influxdb.url}/api/v2/write?")


async def test_a_proxy_tunnels_tls_and_sees_no_token(secure: InfluxDB, papers: Papers) -> None:
    async with proxy_to(1) as proxy:
        await write_and_read(InfluxStore(connection(secure, proxy=proxy.url, ca_file=papers.authority_file)))
        assert {(seen.method, seen.target) for seen in proxy.seen} == {("CONNECT", f"127.0.0.1:{secure.port}")}
        assert secure.token not in str(proxy.seen)


async def test_a_proxy_may_want_a_password(influxdb: InfluxDB, secure: InfluxDB, papers: Papers) -> None:
    password = "Basic " + base64.b64encode(b"user:hidden").decode()
    async with proxy_to(influxdb.port, password=password) as proxy:
        with_password = proxy.url.replace("//", "//user:hidden@")
        await write_and_read(InfluxStore(connection(influxdb, proxy=with_password)))
        await write_and_read(InfluxStore(connection(secure, proxy=with_password, ca_file=papers.authority_file)))
        wrong = proxy.url.replace("//", "//user:wr0ng@")
        sentence = await refusal(InfluxStore(connection(influxdb, proxy=wrong)))
        assert "407" in sentence
        assert "wr0ng" not in sentence
        sentence = await refusal(InfluxStore(connection(secure, proxy=wrong, ca_file=papers.authority_file)))
        assert "the proxy answered 407" in sentence
        assert "correct monitoring.proxy" in sentence
        assert "wr0ng" not in sentence


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_away_is_reported(influxdb: InfluxDB, scheme: str) -> None:
    url = influxdb.url.replace("http:", f"{scheme}:")
    sentence = await refusal(InfluxStore(connection(influxdb, url=url, proxy="http://user:hidden@127.0.0.1:1")))
    assert "no connection to the proxy (Connection refused); correct monitoring.proxy" in sentence
    assert "hidden" not in sentence
