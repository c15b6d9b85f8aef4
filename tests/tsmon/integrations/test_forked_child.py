"""A forked worker that serves few requests: none waits there for others that never come."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, select
from flask import Flask
from tests.services.own_store import OwnStore
from tsmon import Monitor
from tsmon.integrations.wsgi import RequestMiddleware
from tsmon.settings import MonitoringSettings

app = Flask(__name__)

@app.get("/kept")
@app.get("/summed")
def answer():
    return "answer"

class Printing(OwnStore):
    async def write(self, lines):
        print(lines.decode(), flush=True)

settings = MonitoringSettings(summarize_routes=["GET:/summed"], flushing_period=0.005, self_metrics_period=0)
monitor = Monitor(settings, service="catalogue", store=Printing()).start_in_background()
app.wsgi_app = RequestMiddleware(app.wsgi_app, monitor)
if (child := os.fork()) == 0:
    assert app.test_client().get("/ROUTE", buffered=True).data == b"answer"
    select.select([0], [], [], 20)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize(("route", "measurement"), [("kept", "requests,"), ("summed", "requests_summary,")])
def test_one_request_is_written_while_the_child_lives(route: str, measurement: str) -> None:
    program = [sys.executable, "-c", PROGRAM.replace("ROUTE", route)]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            assert any(line.startswith(measurement) for line in process.stdout)
        finally:
            process.stdin.write("\n")
            process.stdin.close()
