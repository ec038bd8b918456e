"""`faunalens review`: go through answers with the keyboard, and learn how often they are right.

The page is served to this machine only. Its address holds a secret, so that no other program or web page can review.
The server has one thread, which also has the results file.
"""

import getpass
import json
import secrets
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from cli.errors import CommandError
from cli.options import results_argument
from cli.photos import thumbnail
from cli.results import ResultsFile
from cli.study.reviews import Queue, precision
from cli.study.taxa import lineages

PAGES = Path(__file__).parent / "pages"
HOST = "127.0.0.1"
SIDE = 1600
"""Longest side of a shown photo in pixels."""
ASSETS = {
    "": ("review.html", "text/html"),
    "review.js": ("review.js", "text/javascript"),
    "review.css": ("review.css", "text/css"),
}
POLICY = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'"
LARGEST = 10_000
"""Largest request in bytes."""
EPILOG = """\b
Examples:
  # the least sure photos first
  faunalens review study.db
  # a hundred at random, for a precision that holds for all photos
  faunalens review study.db --order random --most 100
  faunalens review study.db --precision
"""


@click.command(epilog=EPILOG, short_help="Go through the answers on a local page, with the keyboard.")
@results_argument
@click.option(
    "--order",
    type=click.Choice(["least-sure", "random"]),
    default="least-sure",
    show_default=True,
    help="Which photos come first.",
)
@click.option("--most", type=click.IntRange(1), metavar="N", help="Review at most N photos.")
@click.option("--reviewer", metavar="NAME", help="Who reviews, for exports. By default the name of this user.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Port of the page; 0: a free one."
)
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--precision", "only_precision", is_flag=True, help="Print the precision by taxon, and review nothing.")
def review(
    results: Path,
    *,
    order: str,
    most: int | None,
    reviewer: str | None,
    port: int,
    no_browser: bool,
    only_precision: bool,
) -> None:
    """Review the answers in RESULTS on a page of this machine, with the keyboard alone: accept, correct, mark as blank.

    What you say is kept at once, and exports name you as the one who classified the photo. Ctrl-C ends the review.
    """
    with ResultsFile(results, write=not only_precision) as kept:
        if only_precision:
            _print_precision(kept)
            return
        queue = Queue(kept, reviewer or _user(), most, drawn=order == "random")
        try:
            opened = ReviewServer(kept, queue, Path(kept.study()["folder"]), port)
        except OSError as error:
            raise CommandError(f"the page cannot have port {port} ({error.strerror}); choose another --port") from error
        with opened as server:
            click.echo(f"{len(queue.ids):,} photos to review: {server.url}  (Ctrl-C ends the review)", err=True)
            if not no_browser:
                webbrowser.open(server.url)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("what was said is kept", err=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except OSError as error:  # a container's user may have no name
        raise click.UsageError("this user has no name; say with --reviewer who reviews") from error


def _print_precision(results: ResultsFile) -> None:
    rows = precision(results, drawn=True)
    if not rows:
        rows = precision(results, drawn=False)
        click.echo(
            "faunalens: no photo was drawn at random (--order random), so this holds for the reviewed photos alone; "
            "those that were least sure are wrong more often than others",
            err=True,
        )
    click.echo(f"{'the machine said':40} {'reviewed':>8} {'right':>6}  95 % interval")
    for each in rows:
        interval = f"{each.low:.0%} to {each.high:.0%}"
        click.echo(f"{each.taxon:40} {each.reviewed:>8,} {each.share:>6.0%}  {interval}")


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
            return (PAGES / file).read_bytes(), kind
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
