"""The pages' style sheets and scripts, small enough to be kept in memory."""

import gzip
import hashlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aiohttp import web

from tsmon.errors import TsmonError
from tsmon_agent.web.openapi import Answer, documented
from tsmon_agent.web.requests.required_role import for_everyone

__all__ = ["StaticFiles"]

FOLDER: Final = Path(__file__).parent.parent / "static"

CONTENT_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

UPLOT_CARRIER: Final = "metaflow-card-uplot"
"""The distribution that brings uPlot, the charting script: a wheel of data alone, which needs nothing else."""

UPLOT_FILES: Final = ("uPlot.iife.min.js", "uPlot.min.css")


class StaticFiles:
    """Serves what lies in ``static/``, under addresses that change with the content: browsers keep it for good."""

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

    @for_everyone
    @documented(
        "A style sheet or script of the pages",
        "pages",
        (200, Answer("The file.", dict.fromkeys(CONTENT_TYPES.values()))),
        faults=(404,),
    )
    async def handle(self, request: web.Request) -> web.Response:
        """``GET /static/<version>/<name>``; other versions are served too, but are not to be kept."""
        return self.response(
            request, request.match_info["name"], for_good=request.match_info["version"] == self.version
        )

    def response(self, request: web.Request, name: str, *, for_good: bool = False) -> web.Response:
        """One file."""
        if name not in self._files:
            raise web.HTTPNotFound
        body, compressed, content_type = self._files[name]
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if for_good else "no-cache",
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
    """UPlot's files, found without importing anything; raises a sentence where the package is not there."""
    try:
        files = importlib.metadata.files(UPLOT_CARRIER) or []
    except importlib.metadata.PackageNotFoundError:
        raise TsmonError(
            f"the package {UPLOT_CARRIER} is missing, which brings the charts' script; pip install 'tsmon[agent]'"
        ) from None
    for file in files:
        if file.name in UPLOT_FILES:
            yield f"uplot/{file.name}", Path(str(file.locate()))
