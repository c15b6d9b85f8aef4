"""A small aiohttp service whose every request, failed or not, becomes a point.

    python examples/web_service.py --port 8080

Where the points go is set in tsmon.toml or by TSMON_* variables.
"""

import argparse
import asyncio

from aiohttp import web

from tsmon import Monitor
from tsmon.integrations.aiohttp import instrument, set_error_code

OUT_OF_STOCK = 1204


async def version(_: web.Request) -> web.Response:
    return web.json_response({"version": "1.4.2"})


async def item(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    await asyncio.sleep(0.001)  # where a database would be queried
    if number > 100:
        raise web.HTTPNotFound(text=f"there is no item {number}")
    if number > 90:
        set_error_code(OUT_OF_STOCK)
        return web.json_response({"error": "out of stock"}, status=409)
    return web.json_response({"number": number})


async def broken(_: web.Request) -> web.Response:
    raise RuntimeError("a bug")


def make_app(monitor: Monitor | None = None) -> web.Application:
    app = web.Application()
    app.add_routes(
        [
            web.get("/version", version),
            web.get(r"/items/{number:\d+}", item),
            web.post("/broken", broken),
        ]
    )
    instrument(app, monitor or Monitor(service="catalogue"))
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    web.run_app(make_app(), host="127.0.0.1", port=arguments.port)


if __name__ == "__main__":
    main()
