"""The style sheets, scripts and icon of the pages, small enough to be kept in memory."""

import gzip
import hashlib
import importlib.metadata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from aiohttp import web

from tsmon.errors import TsmonError
from tsmon_agent.web.openapi import operation, returns, returns_text
from tsmon_agent.web.requests.required_role import for_everyone

__all__ = ["StaticFiles"]

FOLDER: Final = Path(__file__).parent.parent / "static"

CONTENT_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

UPLOT_CARRIER: Final = "metaflow-card-uplot"
"""The distribution that contains uPlot, the charting script: a wheel without code or dependencies."""

UPLOT_FILES: Final = ("uPlot.iife.min.js", "uPlot.min.css")


class StaticFiles:
    """Serves the files in ``static/`` under addresses that change with their content: browsers cache them."""

    def __init__(self, base_path: str = "") -> None:
        self._base = base_path
        self._files: dict[str, tuple[bytes, bytes, str]] = {}
        digest = hashlib.sha256()
        for name, path in (*_own_files(), *_uplot_files()):
            if content_type := CONTENT_TYPES.get(path.suffix):
                body = path.read_bytes()
                digest.update(f"{name} {len(body)} ".encode() + body)
                self._files[name] = (body, gzip.compress(body, mtime=0), content_type)
        self.version = digest.hexdigest()[:16]

    def path_of(self, name: str) -> str:
        """Address of a file."""
        if name not in self._files:
            raise LookupError(f"there is no file {name} in {FOLDER}")
        return f"{self._base}/static/{self.version}/{name}"

    def routes(self) -> Iterable[web.RouteDef]:
        """All files, and the icon under the addresses where browsers look for it."""
        return (
            web.get("/static/{version}/{name:.+}", self._serve),
            web.get("/favicon.svg", self._serve_icon),
            web.get("/favicon.ico", self._serve_icon),
        )

    @for_everyone
    @operation(
        "A style sheet or script of the pages",
        "pages",
        returns(200, "The file.", dict.fromkeys(CONTENT_TYPES.values())),
        faults=(404,),
    )
    async def _serve(self, request: web.Request) -> web.Response:
        """Files under the address of another version are served too, but not cached."""
        is_current = request.match_info["version"] == self.version
        return self._respond(request, request.match_info["name"], cached=is_current)

    @for_everyone
    @operation("The pages' icon", "pages", returns_text("The icon.", "image/svg+xml"))
    async def _serve_icon(self, request: web.Request) -> web.Response:
        return self._respond(request, "favicon.svg")

    def _respond(self, request: web.Request, name: str, *, cached: bool = False) -> web.Response:
        if name not in self._files:
            raise web.HTTPNotFound
        body, compressed, content_type = self._files[name]
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if cached else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = compressed
        return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


def _own_files() -> Iterator[tuple[str, Path]]:
    for path in sorted(FOLDER.rglob("*")):
        yield path.relative_to(FOLDER).as_posix(), path


def _uplot_files() -> Iterator[tuple[str, Path]]:
    """The files of uPlot, found without an import; raises :class:`~tsmon.errors.TsmonError` without the package."""
    try:
        files = importlib.metadata.files(UPLOT_CARRIER) or []
    except importlib.metadata.PackageNotFoundError:
        raise TsmonError(
            f"the package {UPLOT_CARRIER} is missing, which contains the charts' script; pip install 'tsmon[agent]'"
        ) from None
    for file in files:
        if file.name in UPLOT_FILES:
            yield f"uplot/{file.name}", Path(str(file.locate()))
