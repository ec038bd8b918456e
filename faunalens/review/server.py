"""The web server of a review: it answers the page's requests for events and photos, and saves what reviewers say.

It serves this machine only. Its address contains a secret, so that no other program or web page can review. A browser
may keep connections open, so each has a thread of its own; the threads use the results file one at a time.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from chalicelib.config.settings import ROOT
from faunalens.review.session import Held, Session, release
from faunalens.study.photos import thumbnail
from faunalens.terminal import LOG

PAGES = Path(__file__).parents[1] / "pages" / "review"
NAMES = ROOT / "chalicelib" / "web"
HOST = "127.0.0.1"
SIDE, LONGEST_SIDE = 1600, 8000
"""Longest side of a shown photo in pixels, and the longest that the page may ask for when it zooms."""
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
ASSETS = {
    "": PAGES / "review.html",
    **{path.name: path for path in PAGES.iterdir()},
    **{f"{path.stem.rpartition('-')[0]}.json": path for path in NAMES.glob("names-*.json")},
}
"""The files of the page by their addresses: its own, and the names of animals in its languages."""
POLICY = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'"
LARGEST = 100_000  # largest request in bytes
BROWSER = "browser"  # the cookie by which a browser is recognised as the holder of its events


type Answer = Callable[[Session, Any, str], Any]
"""Returns the answer to a request. Arguments: the session, what the request sent, and the name of its browser."""
GET: Mapping[str, Answer] = {
    "queue": lambda session, _, __: session.choices(),
    "event": lambda session, photo, holder: session.event(int(photo), holder),
    "precision": lambda session, _, __: session.precision(),
    "agreement": lambda session, _, __: session.agreement(),
}
"""Answers to GET, by the first part of the address; the rest of the address is what the request sent."""
POST: Mapping[str, Answer] = {
    "review": lambda session, sent, holder: {"photos": session.say(list(map(int, sent["photos"])), sent, holder)},
    "hold": lambda session, sent, holder: {"held_by": session.hold(int(sent["event"]), holder)},
    "release": lambda session, _, holder: release(session.results, holder),
    "split": lambda session, sent, holder: {"events": session.split(int(sent["photo"]), holder)},
    "merge": lambda session, sent, holder: {"events": session.merge(int(sent["event"]), holder)},
}
"""Answers to POST, by the address; the JSON of the body is what the request sent."""


class ReviewServer(ThreadingHTTPServer):
    """Serves a session's page at `url`. `port`: 0 for any free one. `lock`: held during use of the results file."""

    def __init__(self, session: Session, folder: Path, port: int) -> None:
        self.session, self.folder, self.lock = session, folder, Lock()
        self.secret, self.holder = secrets.token_urlsafe(16), secrets.token_urlsafe(8)
        super().__init__((HOST, port), _Handler)
        self.url = f"http://{HOST}:{self.server_port}/{self.secret}/"

    def server_close(self) -> None:
        """Close the server once running requests have saved their opinions. Release its events for others."""
        super().server_close()
        self.lock.acquire()
        release(self.session.results, self.holder)

    def handle_error(self, _request: object, _address: object) -> None:
        """Log an error of a request, but do not print it: the terminal is for the address."""
        LOG.error("a request of the review page failed", exc_info=True)

    def picture(self, photo: int, side: int) -> bytes:
        """Return a JPEG of at most `side` pixels a side. Raises `KeyError` if the file is gone or outside the study."""
        with self.lock:
            path, seconds = self.session.picture(photo)
        small = thumbnail(self.folder / path, side, seconds, self.folder)
        if small is None:
            raise KeyError(photo)
        return small


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, find: Callable[[str], tuple[bytes, str]]) -> None:
        secret, _, rest = self.path.partition("?")[0].removeprefix("/").partition("/")
        is_ours = self.headers.get("Host") in {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}
        if not is_ours or not secrets.compare_digest(secret.encode(), self.server.secret.encode()):
            self._send(403, b"the address is not complete; copy it whole from the terminal", "text/plain")
            return
        try:
            data, kind = find(rest)
        except Held as error:
            self._send(409, str(error).encode(), "text/plain")
        except KeyError:
            self._send(404, b"there is no such thing", "text/plain")
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:  # JSON may lead to each
            self._send(400, str(error).encode(), "text/plain")
        except sqlite3.Error as error:
            text = f"the results file cannot be read or written ({error}); is the disk full? Free space, and save again"
            self._send(500, text.encode(), "text/plain")
        else:
            self._send(200, data, kind)

    def _get(self, name: str) -> tuple[bytes, str]:
        if name in ASSETS:
            return ASSETS[name].read_bytes(), TYPES[ASSETS[name].suffix]
        first, _, number = name.partition("/")
        if first == "picture":
            side = int(parse_qs(self.path.partition("?")[2]).get("side", [SIDE])[0])
            return self.server.picture(int(number), max(1, min(side, LONGEST_SIDE))), "image/jpeg"
        return self._said(GET[first], number)

    def _post(self, name: str) -> tuple[bytes, str]:
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= LARGEST:
            raise ValueError(f"the request has {length:,} bytes, at most {LARGEST:,} are read")
        return self._said(POST[name], json.loads(self.rfile.read(length)))

    def _said(self, answer: Answer, sent: Any) -> tuple[bytes, str]:
        with self.server.lock:
            found = answer(self.server.session, sent, self._holder)
            return json.dumps(found, ensure_ascii=False, allow_nan=False).encode(), "application/json"

    @property
    def _holder(self) -> str:
        # Other programs' cookies for this host come too, even ones that Python's own parser refuses.
        cookies = dict(each.strip().partition("=")[::2] for each in self.headers.get("Cookie", "").split(";"))
        return f"{self.server.holder}/{cookies.get(BROWSER, '')}"

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        if kind == "text/html" and BROWSER not in self.headers.get("Cookie", ""):
            cookie = f"{BROWSER}={secrets.token_urlsafe(8)}; Path=/{self.server.secret}/; HttpOnly; SameSite=Strict"
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        with suppress(ConnectionError):  # a browser drops a picture once another one is shown
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Do not print requests: the terminal is for the address."""
