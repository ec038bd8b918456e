"""The page for reviews, served to this machine only.

Whoever knows its address may review: it holds a secret, so that no other program or web page can. The server has one
thread, which also has the results file.
"""

import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.report.thumbnails import thumbnail
from cli.results.file import ResultsFile
from cli.review.queue import Queue, precision
from cli.study.lineage import lineages

HERE = Path(__file__).parent
HOST = "127.0.0.1"
SIDE = 1600
"""Longest side of a shown photo in pixels."""
ASSETS = {
    "": ("page.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
}
POLICY = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'"
LARGEST = 10_000
"""Largest request in bytes."""


class ReviewServer(HTTPServer):
    """Serves a queue of photos. `url`: where the page is. `port`: 0 for a free one."""

    def __init__(self, results: ResultsFile, queue: Queue, folder: Path, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.results, self.queue, self.folder = results, queue, folder
        self.secret = secrets.token_urlsafe(16)
        self.url = f"http://{HOST}:{self.server_port}/{self.secret}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, find: Callable[[str], tuple[bytes, str]]) -> None:
        secret, _, rest = urlsplit(self.path).path.removeprefix("/").partition("/")
        is_ours = self.headers.get("Host") == f"{HOST}:{self.server.server_port}"
        if not is_ours or not secrets.compare_digest(secret, self.server.secret):
            self._send(403, b"the address is not complete; copy it whole from the terminal", "text/plain")
            return
        try:
            data, kind = find(rest)
        except (KeyError, ValueError, TypeError):
            self._send(404, b"there is no such thing", "text/plain")
            return
        self._send(200, data, kind)

    def _get(self, name: str) -> tuple[bytes, str]:
        if name in ASSETS:
            file, kind = ASSETS[name]
            return (HERE / file).read_bytes(), kind
        first, _, number = name.partition("/")
        queue = self.server.queue
        if first == "queue":
            taxa = [(latin, each.name or latin) for latin, each in sorted(lineages().items())]
            return _json({"ids": queue.ids, "taxa": taxa})
        if first == "photo":
            return _json(queue.photo(int(number)))
        if first == "picture":
            picture = thumbnail(self.server.folder / queue.path(int(number)), SIDE)
            if picture is None:
                raise KeyError(number)
            return picture, "image/jpeg"
        if first == "precision":
            rows = precision(self.server.results, drawn=False)
            return _json([{**each._asdict(), "share": each.share} for each in rows])
        raise KeyError(name)

    def _post(self, name: str) -> tuple[bytes, str]:
        length = int(self.headers.get("Content-Length", "0"))
        if length > LARGEST or name != "review":
            raise ValueError(name)
        said = json.loads(self.rfile.read(length))
        identity, kind, queue = int(said["id"]), str(said["kind"]), self.server.queue
        if kind == "accept":
            queue.accept(identity)
        elif kind == "undo":
            queue.undo(identity)
        elif kind in ("animal", "human", "vehicle", "blank", "unknown"):
            queue.correct(identity, kind, str(said.get("scientific_name", "")))  # type: ignore[arg-type]
        else:
            raise ValueError(kind)
        return _json(queue.photo(identity))

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal is for the address."""


def _json(value: Any) -> tuple[bytes, str]:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), "application/json"
