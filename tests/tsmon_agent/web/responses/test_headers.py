from pathlib import Path

import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent


@pytest.mark.parametrize("path", ["/", "/pipeline", "/api/pipeline", "/healthz", "/nothing", "/favicon.svg"])
async def test_every_answer_keeps_browsers_careful(served: ServedAgent, path: str) -> None:
    async with served.client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] in ("no-store", "no-cache")
        assert "Set-Cookie" not in response.headers
        assert response.headers["Server"] == "tsmon-agent"


async def test_head_is_get_without_a_body(served: ServedAgent) -> None:
    async with served.client.head("/pipeline") as response:
        assert response.status == 200
        assert await response.read() == b""


def test_nothing_is_loaded_from_elsewhere() -> None:
    folder = Path("tsmon_agent/web")
    for path in [*folder.glob("templates/*.html"), *folder.glob("static/*.js"), *folder.glob("static/*.css")]:
        text = path.read_text()
        assert "http://" not in text, path
        assert "https://" not in text, path
