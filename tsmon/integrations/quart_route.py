"""Quart tells its routes by signals: from the first middleware on, each request records its own."""

import importlib
import sys
from typing import Any

from tsmon.integrations.open_request import set_route
from tsmon.integrations.starlette_route import find_starlette_route
from tsmon.threads.locks import raise_interruption

__all__ = ["record_quart_routes"]


def record_quart_routes() -> None:
    """Record the routes of every Quart application from now on, if Quart has been imported. Idempotent."""
    if "quart" not in sys.modules:
        return
    signals = importlib.import_module("quart.signals")
    signals.request_started.connect(_record_request)
    signals.websocket_started.connect(_record_websocket)


async def _record_request(*_: Any, **__: Any) -> None:
    _record(sys.modules["quart"].request)


async def _record_websocket(*_: Any, **__: Any) -> None:
    _record(sys.modules["quart"].websocket)


def _record(request: Any) -> None:
    try:
        template = getattr(request.url_rule, "rule", None)
        if isinstance(template, str):
            scope = request.scope
            mounted = "app_root_path" in scope
            set_route((find_starlette_route(scope, scope["path"], below=template) if mounted else None) or template)
    except Exception as error:
        raise_interruption(error)
        return  # The request has no route then, and is served all the same.
