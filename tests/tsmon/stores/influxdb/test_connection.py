from pathlib import Path

import pytest
import trustme

from tsmon.errors import SettingsError
from tsmon.stores.influxdb import InfluxConnection


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8086", True),
        ("http://127.0.0.1", True),
        ("http://127.8.9.1:1", True),
        ("https://[::1]:8086", True),
        ("http://192.168.0.1", False),
        ("http://localhost.example", False),
        ("http://influx", False),
    ],
)
def test_this_machine_is_known_by_its_address(url: str, loopback: bool) -> None:
    assert InfluxConnection(url=url).loopback is loopback


def test_the_token_is_not_shown() -> None:
    connection = InfluxConnection(token="hidden", proxy="http://user:hidden@proxy")
    assert "hidden" not in repr(connection)
    assert "hidden" not in str(connection)


def test_a_token_is_taken_without_the_space_around_it(tmp_path: Path) -> None:
    assert InfluxConnection(token=" t\n").read_token() == "t"
    file = tmp_path / "token"
    file.write_text("from-file\r\n")
    assert InfluxConnection(token_file=file).read_token() == "from-file"


def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^monitoring\.token contains a line break") as caught:
        InfluxConnection(token="hid\nden").read_token()
    assert "den" not in str(caught.value).replace("hidden", "")
    file = tmp_path / "token"
    file.write_text("two\nlines\n")
    with pytest.raises(SettingsError, match=f"token_file {file} contains a line break"):
        InfluxConnection(token_file=file).read_token()


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"token_file .*nowhere cannot be read \(No such file or directory\)"):
        InfluxConnection(token_file=tmp_path / "nowhere").read_token()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(
        SettingsError, match=r"token_file .*binary cannot be read \(byte 0xff at position 1 is not UTF-8\)"
    ):
        InfluxConnection(token_file=tmp_path / "binary").read_token()


def test_plain_http_needs_no_context() -> None:
    assert InfluxConnection(url="http://localhost").ssl_context() is None


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    url = "https://localhost"
    for file in (wrong, tmp_path / "nowhere.pem"):
        with pytest.raises(SettingsError, match=f"ca_file {file} is not a readable PEM file"):
            InfluxConnection(url=url, ca_file=file).ssl_context()
        with pytest.raises(SettingsError, match=rf"cert_file {file} and key_file \(in it\) are not"):
            InfluxConnection(url=url, cert_file=file).ssl_context()


def test_a_key_with_a_password_is_refused_instead_of_asking_for_it(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate = trustme.CA().issue_cert("localhost")
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    file = tmp_path / "client.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
        + certificate.cert_chain_pems[0].bytes()
    )
    with pytest.raises(SettingsError, match=r"client\.pem and key_file"):
        InfluxConnection(url="https://localhost", cert_file=file).ssl_context()
