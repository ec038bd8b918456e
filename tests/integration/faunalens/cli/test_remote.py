"""`faunalens identify --url`: a real server gives the answers of this machine, and limits are kept."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import urllib3
from PIL import ExifTags, Image

from faunalens.engines.engine import Refused
from faunalens.engines.place import EXIF, NONE, Place
from faunalens.engines.remote import LARGEST_BODY, Pace, RemoteEngine, retry_after_of
from faunalens.errors import CommandError
from local.stack.ports import serving
from tests.integration.conftest import Served
from tests.integration.faunalens.cli.conftest import Run
from tests.support.pictures import jpeg

type Reply = tuple[int, dict[str, str], dict[str, Any]]
ANSWER: Reply = (200, {}, {"features": {"mode": "narrowed"}})
PHOTO = jpeg()


@contextmanager
def service(*replies: Reply) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """Serve some replies in their order, the last one for ever. Yield the address and the requests."""
    requests: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            status, headers, reply = replies[min(len(requests), len(replies)) - 1]
            data = json.dumps(reply).replace("{base}", url).encode() if status != 204 else b""
            self.send_response(status)
            length = {"content-length": str(len(data))} if data else {}
            for name, value in {**headers, **length}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield url, requests


def test_a_service_answers_as_this_machine_does(run: Run, served: Served, card: Path, tmp_path: Path) -> None:
    # GIVEN the same photos, identified here and by a server with stores
    found, photos = [], sorted((card / "N").iterdir())[:8]
    for name, more in {"local": (), "remote": ("--url", f"http://127.0.0.1:{served.port}")}.items():
        results = tmp_path / f"{name}.db"
        done = run("identify", *photos, "--results", results, "--lat", "-33.9", "--lon", "151.2", *more)
        assert done.returncode == 0, done.stderr
        assert run("export", results, "--csv", tmp_path / f"{name}.csv").returncode == 0
        found.append((tmp_path / f"{name}.csv").read_text())
    # THEN the exports are the same
    assert found[0] == found[1]


def test_the_key_the_place_and_the_time_are_sent() -> None:
    # GIVEN a photo of a camera whose clock began in 2000
    tags = Image.Exif()
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2000:01:01 00:10:00"
    photo, year = jpeg(exif=tags), 366 * 86_400.0
    # WHEN it is sent with a correction, without one, and when there is no time to correct
    given = Place("given", -33.9, 151.25)
    asked = [(photo, EXIF, year), (photo, EXIF, 0.0), (PHOTO, NONE, 60.0), (PHOTO, given, 0.0)]
    with service(ANSWER) as (url, requests):
        engine = RemoteEngine(f"{url}/prod", "secret", 3, 4)
        for each in asked:
            engine.identify(*each)
    # THEN the service gets the corrected time, or else reads EXIF itself
    more = ("&time=2001-01-01T00%3A10%3A00", "", "&location=none", "&lat=-33.9&lon=151.25")
    assert [path for path, _, _ in requests] == [f"/prod/identify?top=3{each}" for each in more]
    assert [(headers["x-api-key"], body) for _, headers, body in requests] == [("secret", data) for data, _, _ in asked]


def test_a_refusal_with_or_without_a_code_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a service that is busy, and a gateway that refuses, when there is no need to wait for either
    refused = Mock()
    monkeypatch.setattr(Pace, "refused", refused)
    again: list[Reply] = [(429, {"Retry-After": "7"}, {"code": "too_many_requests"})]
    again += [(status, {}, {"message": "Endpoint request timed out"}) for status in (408, 429, 500, 502, 503, 504, 520)]
    with service(*again, ANSWER) as (url, requests):
        assert RemoteEngine(url, "", 5, 8).identify(PHOTO, EXIF).mode == "narrowed"
    # THEN the photo is sent again, after what the service says or ever longer
    assert len(requests) == len(again) + 1
    assert [each.args for each in refused.call_args_list] == [(each,) for each in (7.0, 2, 4, 8, 16, 32, 60, 60)]


@pytest.mark.parametrize(
    ("status", "code", "detail", "is_lasting"),
    [
        (422, "photo_unreadable", "why", True),
        (422, "location_missing", "why", False),
        (413, "photo_too_large", "why", True),
        (503, "unavailable", "it answered 503", False),  # for as long as the command is patient
        (407, "proxy_auth", "why", False),
        (409, "photo_unreadable", "why", True),  # the code decides, whatever the status is in another release
        (418, "unavailable", "it answered 418", False),
    ],
)
def test_only_the_fault_of_the_photo_lasts(status: int, code: str, detail: str, is_lasting: bool) -> None:
    with service((status, {}, {"code": code, "detail": "why"})) as (url, _), pytest.raises(Refused) as caught:
        RemoteEngine(url, "", 5, 8, patience=0.2).identify(PHOTO, EXIF)
    assert (caught.value.code, caught.value.is_lasting) == (code, is_lasting)
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((200, {}, {"a": "page"}), "does not answer as Faunalens does.*an answer without features"),
        ((204, {}, {}), "does not answer as Faunalens does.*204 without a JSON object"),
        ((301, {"location": "https://elsewhere.example/"}, {}), "redirects to https://elsewhere.example/"),
        ((403, {}, {"message": "Forbidden"}), "Forbidden"),  # the key is wrong
        ((404, {}, {}), "404 http_404"),  # of another server, whose status is that of several errors of the API
        ((400, {}, {"detail": "\x1b[2Jleave out boxes=true"}), r"\\x1b\[2Jleave out --boxes"),  # in the command's words
    ],
)
def test_what_is_no_faunalens_stops_the_run(reply: Reply, message: str) -> None:
    # GIVEN something else at the address, such as the page of a hotel's network THEN no photo counts as unreadable
    with service(reply) as (url, _), pytest.raises(CommandError, match=f"(?s){message}"):
        RemoteEngine(url, "", 5, 8).identify(PHOTO, EXIF)


def test_a_service_that_was_never_there_stops_the_run_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faunalens.engines.remote.FIRST_PATIENCE", 0.1)
    with pytest.raises(CommandError, match=r"no service at http://127\.0\.0\.1:9/"):
        RemoteEngine("http://127.0.0.1:9", "", 5, 8).identify(PHOTO, EXIF)


def test_no_service_without_an_address_and_no_request_without_a_photo() -> None:
    for url in ("localhost:8080", "ftp://example.org", "example.org/prod", "https://"):
        with pytest.raises(CommandError, match="is not the address of a service"):
            RemoteEngine(url, "", 5, 8)
    with service(ANSWER) as (url, requests), pytest.raises(Refused):
        RemoteEngine(url, "", 5, 8).identify(b"text", EXIF)
    assert not requests


def test_a_large_photo_is_uploaded_first() -> None:
    form: Reply = (201, {}, {"url": "{base}/bucket", "fields": {"key": "k"}, "identify_url": "/dev/uploads/k/identify"})
    large = PHOTO + bytes(LARGEST_BODY)
    with service(form, (204, {}, {}), ANSWER) as (url, requests):
        RemoteEngine(f"{url}/dev", "secret", 5, 8).identify(large, EXIF)
    (first, _, _), (second, headers, body), (third, _, _) = requests
    assert (first, second, third) == ("/dev/uploads", "/bucket", "/dev/uploads/k/identify?top=5")
    # THEN the key of the service is not sent to the bucket
    assert ("x-api-key" in headers, large in body, b"image/jpeg" in body) == (False, True, True)


def test_retry_after_is_a_number_or_a_date() -> None:
    def seconds(header: str) -> float:
        return retry_after_of(urllib3.HTTPResponse(headers={"Retry-After": header}))

    dates = [f"Thu, 01 Jan {year} 00:00:00 GMT" for year in (1970, 99999)]
    assert [*map(seconds, ("7", "3600", "", "soon", *dates))] == [7, 60, 0, 0, 0, 0]
    assert 8 <= seconds(format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)) <= 10
