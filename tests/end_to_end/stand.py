"""A stand-in for the API: serves the real page below a prefix, keeps what it is sent, and gives prepared answers.

For states that the real app shows only with luck or in distress, such as a wide answer or a waking database.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import FilePayload, Page

from chalicelib.api import page
from chalicelib.errors import NotFound
from local.stack.ports import serving
from tests.end_to_end import answers
from tests.end_to_end.browsing import photo

PREFIX = "/dev/"
BUCKET = "https://photos.example"
PICTURES = tuple(f"https://{each}.example" for each in ("api.pictures", "pictures", "wikidata", "commons"))
"""A stand-in for iNaturalist's and Wikidata's hosts, which tests cannot have: tests answer for them in the browser."""
KEY = "faunalensdevpagelocal"
"""The API key of the page."""
HOLD_TIMEOUT = 30.0
type Answered = tuple[int, Mapping[str, str], str | bytes]
"""Status, headers and body."""
MISSING: Answered = (404, {}, "{}")


@dataclass(frozen=True)
class Sent:
    """One request that reached the API."""

    path: str
    query: Mapping[str, str]
    content_type: str
    body: bytes
    key: str
    authorization: str = ""
    method: str = ""


@dataclass
class Stand:
    """What to answer, a koala in Australia unless `tell` says otherwise, and what was asked."""

    url: str
    status: int = 200
    answer: Any = field(default_factory=answers.koala)
    headers: Mapping[str, str] = field(default_factory=dict)
    residents: Any = field(default_factory=lambda: answers.RESIDENTS)
    taxa: dict[str, Any] = field(default_factory=dict)
    """What is known of taxa, by the address below `taxa`; a text is an SVG. Other searches find nothing; else 404."""
    taxa_status: int = 200
    health: Any = None
    """The state of the service; None: not to be had."""
    keeps: bool = False
    """Whether answers can be kept, as by the HTTP server; each then gets an id by its number."""
    kept: list[Sent] = field(default_factory=list)
    """What was asked of results."""
    result_status: int = 204
    upload: Any = None
    """Where a large photo can be put; None: nowhere."""
    language: str = "en"
    """Of the page."""
    offline: Path | None = None
    """The folder with offline.json and the parts of the files for use without signal; None: there are none."""
    sent: list[Sent] = field(default_factory=list)
    asked: list[Sent] = field(default_factory=list)
    """What was asked about taxa."""
    open: Event = field(default_factory=Event)
    """Answers to photos wait until it is set."""
    open_taxa: Event = field(default_factory=Event)
    """Answers about taxa wait until it is set."""

    def tell(self, answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer identifications like this from now on."""
        self.answer, self.status, self.headers = answer, status, headers or {}

    def tell_of(self, shown: Page, *answer: Any, file: FilePayload | None = None) -> None:
        """Choose a photo on the page, which is answered like this; see `tell`."""
        self.tell(*answer)
        shown.set_input_files("#pick", file or photo())

    def get(self, name: str, request: Sent) -> Answered:
        """The answer to a GET."""
        if name.startswith("offline"):
            file = self.offline / name.removeprefix("offline/") if self.offline else None
            self.asked.append(request)
            return (200, {}, file.read_bytes()) if file and file.is_file() else MISSING
        if name == "animals":
            self.sent.append(request)
            return 200, {}, json.dumps(self.residents)
        if name.startswith("r/"):
            return (200, {"Content-Type": "image/jpeg"}, "") if self.keeps else MISSING
        if name == "health":
            return (200, {}, json.dumps(self.health)) if self.health else (503, {}, "{}")
        if name.startswith("taxa"):
            self.asked.append(request)
            self.open_taxa.wait(HOLD_TIMEOUT)
            query = f"?{urlencode(request.query)}" if request.query else ""
            return self.taxon(name.removeprefix("taxa").removeprefix("/") + query)
        return self.file(name)

    def answer_to(self, request: Sent) -> Any:
        """The answer to photos, with the result if the page wants it kept."""
        if "keep" not in request.query or not isinstance(self.answer, dict):
            return self.answer
        name = f"result-{len(self.sent)}"
        result = {"id": name, "url": f"{PREFIX}r/{name}", "token": f"token-{name}", "expires": "2999-01-31T12:00:00Z"}
        return {**self.answer, "result": {**result, "picture": request.query["keep"] == "picture"}}

    def taxon(self, address: str) -> Answered:
        """The answer to a request about taxa."""
        if self.taxa_status != 200:
            return self.taxa_status, {}, json.dumps({"code": "unavailable", "detail": "the stores do not answer"})
        if address.startswith("?q="):
            self.taxa.setdefault(address, {"taxa": [], "groups": []})
        if (found := self.taxa.get(address)) is None:
            return 404, {}, json.dumps({"code": "not_found", "detail": "no such taxon"})
        kind = {"Content-Type": "image/svg+xml"} if isinstance(found, str) else {}
        return 200, kind, found if isinstance(found, str) else json.dumps(found)

    def file(self, name: str) -> Answered:
        """A file of the page."""
        try:
            if name:
                text, headers = page.asset(name.removeprefix("web/"))
            else:
                offline = bool(self.offline)
                text, headers = page.index(PREFIX, self.language, [BUCKET], KEY, PICTURES, offline=offline)
        except NotFound:
            return MISSING
        if self.keeps and not name:
            text = text.replace("<head>", '<head><meta name="results" content="30">')
        return 200, headers, text


class _Handler(BaseHTTPRequestHandler):
    """What the stand-in answers. `stand`: set by `serve`."""

    stand: Stand
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.removeprefix(PREFIX)
        return self._send(*self.stand.get(name, self._request()))

    def do_POST(self) -> None:
        if self.path == f"{PREFIX}uploads":
            upload = self.stand.upload
            return self._send(201 if upload else 404, {}, json.dumps(upload or {"code": "not_found"}))
        request = self._request()
        if request.path.startswith(f"{PREFIX}r/"):
            return self._change_result(request)
        status, headers = self.stand.status, self.stand.headers
        self.stand.sent.append(request)
        answer = self.stand.answer_to(request)
        self.stand.open.wait(HOLD_TIMEOUT)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return self._send(status, {"Content-Type": "application/json", **headers}, text)

    def do_DELETE(self) -> None:
        self._change_result(self._request())

    def _change_result(self, request: Sent) -> None:
        self.stand.kept.append(request)
        problem = json.dumps({"code": "unavailable", "detail": "the store does not answer"})
        kind = {"Content-Type": "application/problem+json"}
        self._send(self.stand.result_status, kind, "" if self.stand.result_status == 204 else problem)

    def _request(self) -> Sent:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        query = dict(parse_qsl(parts.query))
        kind, key = self.headers.get("Content-Type", ""), self.headers.get("X-Api-Key", "")
        return Sent(parts.path, query, kind, body, key, self.headers.get("Authorization", ""), self.command)

    def _send(self, status: int, headers: Mapping[str, str], text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        try:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:  # the page gave the request up, as it should when another photo is chosen
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serve() -> Iterator[Stand]:
    """The stand-in, on a free port."""

    class Handler(_Handler):
        """One of its own for each stand-in."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand = Handler.stand = Stand(f"http://127.0.0.1:{server.server_port}{PREFIX}")
    stand.open.set()
    stand.open_taxa.set()
    with serving(server):
        try:
            yield stand
        finally:
            stand.open.set()
            stand.open_taxa.set()
