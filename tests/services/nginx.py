"""A real nginx as a reverse proxy: its own port and directory; stopped by its pid."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.services.processes import free_port, stop
from tests.services.required import missing, skip_in_quick_run

__all__ = ["running_nginx"]

READY_S: Final = 30.0

CONFIGURATION: Final = """\
daemon off;
worker_processes 1;
{user}
pid {directory}/pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    scgi_temp_path {directory}/scgi;
    uwsgi_temp_path {directory}/uwsgi;
    server {{
        listen 127.0.0.1:{port}{tls};
        server_name localhost;
        {inside}
    }}
}}
"""


@contextmanager
def running_nginx(directory: Path, inside: str, *, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Its address, while the block lasts; ``inside`` is what stands in the section ``server``.

    With a certificate and its key it speaks TLS.
    """
    skip_in_quick_run("nginx")
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("there is no nginx; install it, on Debian by `apt-get install nginx`")
    port = free_port()
    if certificate is not None:
        inside = f"ssl_certificate {certificate[0]};\nssl_certificate_key {certificate[1]};\n{inside}"
    file = directory / "nginx.conf"
    file.write_text(
        CONFIGURATION.format(
            # Started by root, others would have to read the test's directory.
            user="user root;" if os.geteuid() == 0 else "",
            directory=directory,
            port=port,
            tls=" ssl" if certificate else "",
            inside=inside,
        )
    )
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-p", directory, "-c", file, "-e", log],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + READY_S
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield f"{'https' if certificate else 'http'}://localhost:{port}"
    finally:
        stop(process)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
