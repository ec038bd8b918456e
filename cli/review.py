"""`faunalens review`: go through answers with the keyboard, and learn how often they are right.

The page is served to this machine only. Its address holds a secret, so that no other program or web page can review.
A browser may hold connections open, so each has a thread of its own; one of them at a time has the results file.
"""

import getpass
import json
import secrets
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import click

from chalicelib.features.cells import cell_of
from chalicelib.features.deadline import Deadline
from cli.engines.local import CellFile, cache_of
from cli.errors import CommandError
from cli.options import results_argument
from cli.photos import thumbnail
from cli.results import ResultsFile
from cli.study.reviews import Queue, precision
from cli.study.taxa import MODEL, lineage_of, numbered, searchable

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
    type=click.Choice(["least-sure", "rarest", "random"]),
    default="least-sure",
    show_default=True,
    help="Which photos come first. rarest: of animals that are on the fewest photos of their station.",
)
@click.option("--most", type=click.IntRange(1), metavar="N", help="Review at most N photos.")
@click.option("--reviewer", metavar="NAME", help="Who reviews, for exports. By default the name of this user.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="PORT", help="Port of the page; 0: a free one."
)
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--precision", "only_precision", is_flag=True, help="Print the precision by taxon, and review nothing.")
@click.pass_obj
def review(
    environment: Mapping[str, str],
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
        queue = Queue(kept, reviewer or _user(), most, drawn=order == "random", rarest=order == "rarest")
        try:
            cells = CellFile.kept(MODEL / "faunalens.onnx", cache_of(environment))
            opened = ReviewServer(kept, queue, Path(kept.study()["folder"]), port, cells)
        except OSError as error:
            raise CommandError(f"the page cannot have port {port} ({error.strerror}); choose another --port") from error
        with opened as server, forwarding(server.url, results.parent) as page:
            click.echo(f"{len(queue.ids):,} photos to review: {server.url}  (Ctrl-C ends the review)", err=True)
            if not no_browser:
                webbrowser.open(page.absolute().as_uri())
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("what was said is kept", err=True)


@contextmanager
def forwarding(url: str, folder: Path) -> Iterator[Path]:
    """Write a page that only this user can read and that leads to an address, and delete it at the end.

    All users of a machine see the arguments of its programs, so a browser does not get the address itself. The page
    lies in the study's folder, because a browser in a sandbox sees no temporary files.
    """
    text = f'<!doctype html><meta http-equiv="refresh" content="0; url={url}"><a href="{url}">Review</a>'
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, prefix="review-", suffix=".html", encoding="utf-8", delete_on_close=False
    ) as file:
        file.write(text)
        file.close()
        yield Path(file.name)


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


class ReviewServer(ThreadingHTTPServer):
    """Serves a queue of photos. `url`: where the page is. `lock`: of the results file.

    `port`: 0 for a free one. `cells`: which animals live where, if that is at hand.
    """

    def __init__(
        self, results: ResultsFile, queue: Queue, folder: Path, port: int, cells: CellFile | None = None
    ) -> None:
        self.results, self.queue, self.folder, self.lock = results, queue, folder.resolve(), Lock()
        self.cells = cells
        super().__init__((HOST, port), _Handler)
        self.secret = secrets.token_urlsafe(16)
        self.url = f"http://{HOST}:{self.server_port}/{self.secret}/"

    def server_close(self) -> None:
        """Close the server and the cells, once what is being said is kept."""
        super().server_close()
        self.lock.acquire()
        if self.cells:
            self.cells.close()

    def file(self, identity: int) -> Path:
        """Return a photo's file. Raises `KeyError` if it, or what it links to, lies outside the study's folder."""
        with self.lock:
            file = (self.folder / self.queue.path(identity)).resolve()
        if not file.is_relative_to(self.folder):
            raise KeyError(identity)
        return file


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, find: Callable[[str], tuple[bytes, str]]) -> None:
        secret, _, rest = urlsplit(self.path).path.removeprefix("/").partition("/")
        is_ours = self.headers.get("Host") in {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}
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
            return _json({"ids": queue.ids, "taxa": searchable()})
        if first == "picture":
            picture = thumbnail(self.server.file(int(number)), SIDE)
            if picture is None:
                raise KeyError(number)
            return picture, "image/jpeg"
        with self.server.lock:
            if first == "photo":
                photo = queue.photo(int(number))
                return _json(photo | {"here": _here(photo, self.server.cells)})
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
        with self.server.lock:
            if kind == "accept":
                queue.accept(identity)
            elif kind == "undo":
                queue.undo(identity)
            elif kind in ("animal", "human", "vehicle", "blank", "unknown"):
                named = str(said.get("scientific_name", "")), str(said.get("typed", ""))
                queue.correct(identity, kind, *named)  # type: ignore[arg-type]
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


def _here(photo: dict[str, Any], cells: CellFile | None) -> list[str]:
    """Return the scientific names of what a photo may show, or what lives in its cell, with genera and families."""
    here = {each["scientific_name"] for each in (*photo["perhaps"], *photo["candidates"])}
    if cells and photo["latitude"] is not None:
        cell = cell_of(photo["latitude"], photo["longitude"])
        (found,) = cells.features_of([cell], Deadline.after(1))
        animals, relatives = numbered()
        here.update(animals[number] for number in found.animals.tolist() if number in animals)
        here.update(relatives[number] for number in found.relatives.tolist() if number in relatives)
    above = (lineage_of(latin).ranks.get(rank, latin) for latin in here for rank in ("genus", "family"))
    return sorted(here.union(above))


def _json(value: Any) -> tuple[bytes, str]:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(), "application/json"
