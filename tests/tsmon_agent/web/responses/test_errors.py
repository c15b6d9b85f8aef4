import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent

HOSTILE = "/%3Cscript%3Ealert(1)%3C/script%3E?a=%22%3E%3Cb%3E"


@pytest.mark.parametrize(
    "path", [HOSTILE, f"/static{HOSTILE}", "/static/x/../server.py", "/static/x/%2e%2e/server.py"]
)
async def test_an_unknown_page_is_one_sentence_in_the_pages_look(served: ServedAgent, path: str) -> None:
    page = await served.get_text(path, 404)
    assert "<h1>There is no such page.</h1>" in page
    assert "tsmon.css" in page
    assert "alert" not in page


async def test_an_unknown_address_for_programs_is_json(served: ServedAgent) -> None:
    assert await served.get_json("/api/nothing", 404) == {"error": "There is no such page."}


@pytest.mark.parametrize("path", ["/", "/pipeline", "/api/pipeline", "/healthz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_only_reading_is_supported(served: ServedAgent, method: str, path: str) -> None:
    async with served.client.request(method, path) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        assert "This address supports only GET and HEAD." in await response.text()


async def test_one_method_is_one(served: ServedAgent) -> None:
    async with served.client.get("/expected/A") as response:
        assert response.status == 405
        assert "This address supports only DELETE." in await response.text()


async def test_what_goes_wrong_is_logged_and_shown_as_one_sentence(
    served: ServedAgent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(served.context.monitor), "counts", property(lambda _: 1 / 0))
    page = await served.get_text("/pipeline", 500)
    assert "<h1>The agent could not make this page; its log says why.</h1>" in page
    assert "ZeroDivisionError" not in page
    assert "Traceback" not in page
    assert "ZeroDivisionError" in caplog.text
