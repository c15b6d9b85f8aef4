import re

from tests.tsmon_agent.web.served_agent import ServedAgent


async def test_files_are_kept_for_good_under_an_address_that_changes_with_them(served: ServedAgent) -> None:
    page = await served.get_text("/")
    addresses = re.findall(r'"(/static/[^"]+)"', page)
    assert len(addresses) >= 5
    for address in addresses:
        async with served.client.get(address) as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.content_type in ("text/css", "text/javascript")
            assert await response.read()


async def test_files_under_the_address_of_another_version_are_not_kept(served: ServedAgent) -> None:
    async with served.client.get("/static/0123456789abcdef/tsmon.css") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-cache"


async def test_files_are_compressed_for_those_who_understand(served: ServedAgent) -> None:
    async with served.client.get("/static/x/tsmon.css", headers={"Accept-Encoding": "identity"}) as plain:
        assert "Content-Encoding" not in plain.headers
        text = await plain.text()
    async with served.client.get("/static/x/tsmon.css", headers={"Accept-Encoding": "gzip"}) as compressed:
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert await compressed.text() == text


async def test_the_icon_is_there(served: ServedAgent) -> None:
    async with served.client.get("/favicon.svg") as response:
        assert response.content_type == "image/svg+xml"


async def test_only_the_pages_files_are_served(served: ServedAgent) -> None:
    for name in ("README.md", "uplot/LICENSE.txt", "", "."):
        assert (await served.client.get(f"/static/x/{name}")).status == 404, name
