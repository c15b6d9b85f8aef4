"""``tsmon-agent status``: whether an agent runs."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tsmon_agent.running_agent import running_agent
from tests.tsmon_agent.shell import Ran, Shell
from tsmon_agent.cli.status import query_status
from tsmon_agent.settings import WebSettings


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Port of a server that answers all requests alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def test_an_agent_that_is_ready(agent: Shell, tmp_path: Path) -> None:
    port = free_port()
    settings = f"[web]\nport = {port}\n[agent]\nsamplers = ['mem']\n[monitoring]\nflushing_period = 0.05\n"
    (tmp_path / "home").mkdir()
    with running_agent(tmp_path / "home", settings) as one:
        one.wait(lambda one: one.get("/readyz")[0] == 200)
        agent.settings(settings)
        assert agent("status") == Ran(0, f"http://127.0.0.1:{port}: runs and is ready\n", "")
        # A proxy that the environment names is for others.
        assert agent("status", http_proxy="http://127.0.0.1:9").code == 0
        found = json.loads(agent("status", "--json").out)
        assert (found["runs"], found["ready"], found["detail"]) == (True, True, {"ready": True, "reasons": []})
        assert one.stop() == 0
        assert agent("status").code == 3


def test_an_agent_that_is_not_ready(agent: Shell, tmp_path: Path) -> None:
    port = free_port()
    server = "[monitoring]\nurl = 'http://127.0.0.1:9'\ntoken = 't'\n"
    settings = f"[web]\nport = {port}\n[agent]\nsamplers = ['mem']\n{server}"
    (tmp_path / "home").mkdir()
    with running_agent(tmp_path / "home", settings):
        agent.settings(settings)
        ran = agent("status")
        assert ran.code == 1
        assert ran.out.startswith(f"http://127.0.0.1:{port}: runs, but is not ready: ")


def test_no_agent(agent: Shell) -> None:
    agent.settings(f"[web]\nport = {free_port()}\n")
    ran = agent("status")
    assert ran.code == 3
    assert "no agent answers (Connection refused)" in ran.out


@pytest.mark.parametrize(("status", "body"), [(404, b"ok"), (200, b"hello"), (301, b"ok"), (200, b""), (500, b"")])
def test_another_program(status: int, body: bytes) -> None:
    with answering(status, body) as port:
        found = query_status(WebSettings(port=port))
    assert (found.runs, found.exit_code) == (False, 3)
    assert found.reason == "something other than tsmon-agent answers there"


def test_a_program_that_speaks_no_http() -> None:
    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"220 mail\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=[server])
        thread.start()
        found = query_status(WebSettings(port=server.getsockname()[1]))
        thread.join()
    assert found.exit_code == 3


def test_a_program_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = query_status(WebSettings(port=server.getsockname()[1]), timeout_s=0.1)
    assert (found.exit_code, found.reason) == (3, "no agent answers (timed out)")


def test_pages_without_an_address(agent: Shell) -> None:
    agent.settings("[web]\nenabled = false\n")
    assert agent("status").mistake.startswith("web.enabled is false: the agent cannot be queried")
    agent.settings("[web]\nport = 0\n")
    assert agent("status").mistake.startswith("web.port is 0, so the port is not known")


def test_an_agent_on_all_addresses_is_found_on_loopback() -> None:
    with answering(404, b"") as port:
        found = query_status(
            WebSettings(listen="0.0.0.0", port=port, open_to_everyone=True, allow_unencrypted=True)
        )
    assert found.address == f"http://127.0.0.1:{port}"
