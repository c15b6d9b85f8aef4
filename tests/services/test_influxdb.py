import http.client
import time
from pathlib import Path

import pytest
import trustme

from tests.services.influxdb import InfluxDB, Tls, running


def test_written_points_are_read_by_the_official_client(influxdb: InfluxDB, bucket: str) -> None:
    answer = influxdb.write(b'm,t=a f=1.5,i=2i,s="x" 1700000000000000001', bucket)
    assert answer.status == 204
    found = influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: 0) |> map(fn: (r) => ({{r with ns: int(v: r._time)}}))'
    )
    assert {(r["_measurement"], r["t"], r["_field"], r["ns"]) for r in found} == {
        ("m", "a", field, 1700000000000000001) for field in "fis"
    }


def test_a_dropped_bucket_is_gone_and_a_token_is_bound_to_its_actions(influxdb: InfluxDB) -> None:
    name = influxdb.new_bucket(retention_s=3600)
    assert influxdb.write(b"m f=1 1", name).status == 422
    token = influxdb.new_token(name, "read")
    reader = http.client.HTTPConnection("127.0.0.1", influxdb.port)
    path = f"/api/v2/write?org={influxdb.org}&bucket={name}"
    reader.request("POST", path, b"m f=1", {"Authorization": f"Token {token}"})
    assert reader.getresponse().status == 403
    reader.close()
    influxdb.drop(name)
    assert influxdb.write(b"m f=1", name).status == 404


def test_data_survive_a_kill_and_a_pause_on_the_same_port_over_tls(influxd: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    tls = Tls(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "authority.pem")
    certificate.cert_chain_pems[0].write_to_path(tls.certificate)
    certificate.private_key_pem.write_to_path(tls.key)
    authority.cert_pem.write_to_path(tls.authority)
    with running(influxd, tmp_path / "data", tls=tls) as server:
        port = server.port
        name = server.new_bucket()
        assert server.write(b"m f=1 1", name).status == 204
        server.kill()
        with pytest.raises(OSError, match="refused"):
            server.write(b"m f=2 2", name)
        server.start()
        assert server.port == port
        server.pause()
        state = Path(f"/proc/{server.pid}/stat")
        deadline = time.monotonic() + 5
        while state.read_text().rsplit(")", 1)[1].split()[0] != "T":
            assert time.monotonic() < deadline
        server.resume()
        assert server.write(b"m f=3 3", name).status == 204
        assert [r["_value"] for r in server.flux(f'from(bucket: "{name}") |> range(start: 0)')] == [1.0, 3.0]
