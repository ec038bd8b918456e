"""One contract, two transports: what Chalice answers on Lambda, the HTTP server answers too, byte for byte."""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

import jsonschema
import pytest
from starlette.routing import compile_path

import app
from chalicelib.api import page
from chalicelib.api.openapi import document
from chalicelib.config.settings import ROOT, Settings
from chalicelib.config.stores import DatabaseSettings, RedisSettings
from chalicelib.routes import ROUTES
from chalicelib.services import Services
from faunalens.web.asgi import Asgi
from faunalens.web.server import build_server
from faunalens.web.settings import WebSettings
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise
from tests.support.servers import in_thread

HOST = "127.0.0.1"
PLACE = {"lat": "-33.8688", "lon": "151.2093"}
DIFFERS = {"date", "content-length", "connection", "server", "strict-transport-security"}
"""Headers of the transport itself. Only API Gateway is always behind TLS."""
OFFLINE = (ROOT / "model/offline/offline.json").exists()  # `make offline` builds it
SCRIPT = next(path.name for path in page.WEB.glob("*.js"))


class Case(NamedTuple):
    """One request. `expected`: the status of its answer, or the code of its error."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""
    content_type: str = "image/jpeg"
    expected: int | str = 200


FORM = (
    b'--XyZ\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n%s\r\n'
    b'--XyZ\r\nContent-Disposition: form-data; name="lat"\r\n\r\n-33.9\r\n'
    b'--XyZ\r\nContent-Disposition: form-data; name="lon"\r\n\r\n151.2\r\n--XyZ--\r\n' % jpeg()
)
NOWHERE, NO_FORM = {"lat": "100", "lon": "0"}, "multipart/form-data; boundary=X"
CASES = {
    "a photo and a place": Case("POST", "/identify", PLACE, jpeg()),
    "a photo with its place": Case("POST", "/identify", {}, jpeg(exif=exif(SYDNEY))),
    "without a place": Case("POST", "/identify", {"location": "none", "top": "2"}, encoded(noise(400, 304), "WEBP")),
    "a form": Case("POST", "/identify", {}, FORM, "multipart/form-data; boundary=XyZ"),
    "no place": Case("POST", "/identify", {}, jpeg(), expected="location_missing"),
    "half a place": Case("POST", "/identify", {"lat": "1"}, jpeg(), expected="bad_request"),
    "no such place": Case("POST", "/identify", NOWHERE, jpeg(), expected="location_invalid"),
    "a broken place": Case("POST", "/identify", {}, jpeg(exif=exif(SYDNEY | {1: "X"})), expected="location_invalid"),
    "an unknown parameter": Case("POST", "/identify", {"lng": "1"}, jpeg(), expected="bad_request"),
    "an empty parameter": Case("POST", "/identify", {"top": ""}, jpeg(), expected="bad_request"),
    "no photo": Case("POST", "/identify", PLACE, b"hello", expected="unsupported_media_type"),
    "an empty body": Case("POST", "/identify", PLACE, expected="photo_unreadable"),
    "a damaged photo": Case("POST", "/identify", PLACE, jpeg()[:2000], expected="photo_unreadable"),
    "a large photo": Case("POST", "/identify", PLACE, jpeg() + bytes(20_000_000), expected="photo_too_large"),
    "another type": Case("POST", "/identify", PLACE, jpeg(), "text/plain", "unsupported_media_type"),
    "no form": Case("POST", "/identify", PLACE, b"--X--", NO_FORM, "bad_request"),
    "animals": Case("GET", "/animals", PLACE),
    "animals nowhere": Case("GET", "/animals", expected="location_missing"),
    "taxa without stores": Case("GET", "/taxa", {"q": "koala"}, expected="unavailable"),
    "taxa with too long a name": Case("GET", "/taxa", {"q": "a" * 101}, expected="bad_request"),
    "a taxon without stores": Case("GET", "/taxa/koala", expected="unavailable"),
    "no such taxon": Case("GET", "/taxa/No%20such%20taxon", expected="taxon_missing"),
    "a range without stores": Case("GET", "/taxa/koala/range", expected="unavailable"),
    "no such range": Case("GET", "/taxa/%00/range", expected="bad_request"),
    "NUL for the page": Case("GET", "/", {"lang": "\0"}, expected="bad_request"),
    "NUL in a path": Case("GET", "/taxa/a%00b", expected="bad_request"),
    "NUL in a name": Case("GET", "/health", {"deep\0": "true"}, expected="bad_request"),
    "a map without stores": Case("GET", "/taxa/koala/range.svg", expected="unavailable"),
    "a map with a parameter": Case("GET", "/taxa/koala/range.svg", {"width": "3"}, expected="bad_request"),
    "health": Case("GET", "/health"),
    "health with a wrong word": Case("GET", "/health", {"deep": "maybe"}, expected="bad_request"),
    "openapi": Case("GET", "/openapi.json"),
    "files for use without signal": Case("GET", "/offline.json", expected=200 if OFFLINE else "not_found"),
    "no such part of one": Case("GET", "/offline/0123456789abcdef-0", expected="not_found"),
    "the page": Case("GET", "/"),
    "the script of the page": Case("GET", f"/web/{SCRIPT}"),
    "no file of the page": Case("GET", "/web/nothing.js", expected="not_found"),
    "a wrong method": Case("DELETE", "/animals", expected="method_not_allowed"),
    "uploads without a bucket": Case("POST", "/uploads", expected="not_found"),
    "a slash at the end": Case("GET", "/health/"),
}


class Answer(NamedTuple):
    """What was answered, without what differs each time."""

    status: int
    headers: dict[str, str]
    body: str


def same(status: int, headers: Mapping[str, str], body: str) -> Answer:
    """The answer without ids and times."""
    body = re.sub(r'"request_id": ?"[^"]*"', '"request_id":"…"', body)
    body = re.sub(r'"(milliseconds|photo|features|scoring|total)": ?[\d.]+', r'"\1":0', body)
    kept = {name.lower(): value for name, value in headers.items() if name.lower() not in DIFFERS}
    return Answer(status, kept, body)


@pytest.fixture(scope="module", autouse=True)
def services() -> Iterator[None]:
    """Services of their own, with no store behind them: then nothing differs between two requests."""
    built = Services.build(
        Settings(
            redis=RedisSettings(url="redis://127.0.0.1:9", breaker_reset_timeout=1e6),
            database=DatabaseSettings(url="postgresql://x@127.0.0.1:9/nothing", breaker_reset_timeout=1e6),
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app.application, "services", lambda: built)
        for _ in range(4):  # until both breakers are open
            built.features.at(1)
        yield


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    settings = WebSettings()
    server = build_server(Asgi(app.application, settings, lambda *_: None), HOST, 0, settings)
    with in_thread(server) as port:
        yield port


def fetched(port: int, case: Case, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body as they come over HTTP."""
    with closing(HTTPConnection(HOST, port, timeout=20)) as connection:
        path = f"{case.path}?{urlencode(case.query)}" if case.query else case.path
        connection.request(case.method, path, case.body or None, {"Content-Type": case.content_type, **headers})
        with connection.getresponse() as response:
            return response.status, dict(response.headers.items()), response.read()


def over_http(port: int, case: Case) -> Answer:
    status, headers, body = fetched(port, case)
    return same(status, headers, body.decode())


def event_of(case: Case, **headers: str) -> dict[str, Any]:
    """What API Gateway would send to Lambda."""
    found = compile_path(route_of(case) or "")[0].match(case.path.rstrip("/") or "/")
    assert found is not None
    return {
        "requestContext": {
            "httpMethod": case.method,
            "resourcePath": route_of(case),
            "path": case.path,
            "requestId": "r-1",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "headers": {"content-type": case.content_type, **headers},
        "multiValueQueryStringParameters": {name: [value] for name, value in case.query.items()} or None,
        "pathParameters": {name: unquote(value) for name, value in found.groupdict().items()} or None,
        "stageVariables": None,
        "body": base64.b64encode(case.body).decode(),
        "isBase64Encoded": True,
    }


def through_chalice(case: Case) -> Answer:
    response: dict[str, Any] = app.app(event_of(case), None)
    body = response["body"]
    return same(response["statusCode"], response["headers"], body if isinstance(body, str) else json.dumps(body))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_transports_answer_the_same(port: int, case: Case) -> None:
    # WHEN the same request goes through Chalice and over HTTP THEN status, headers and body are the same
    answer = over_http(port, case)
    assert answer == through_chalice(case)
    # AND it is the one that the contract says, and an error shows nothing of the inside
    if isinstance(case.expected, str):
        problem = json.loads(answer.body)
        jsonschema.validate(problem, document(ROUTES, "1", "/")["components"]["schemas"]["Problem"])
        assert (problem["code"], problem["status"]) == (case.expected, answer.status)
        assert not re.search(r"Traceback|/[a-z]+/[a-z]+/|select |\.py", answer.body)
    else:
        assert answer.status == case.expected
    # AND no answer is sniffed, and pages of any origin may read JSON
    assert answer.headers["x-content-type-options"] == "nosniff"
    if "json" in answer.headers["content-type"]:
        assert answer.headers["access-control-allow-origin"] == "*"


def test_a_part_of_a_file_is_the_same_bytes_through_both(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a server with files for use without signal
    data, part = bytes(range(256)) * 40, "0123456789abcdef-0"
    (tmp_path / "offline").mkdir()
    (tmp_path / "offline" / part).write_bytes(data)
    model = replace(app.settings.model, path=tmp_path / "any.onnx")
    monkeypatch.setattr(app.application, "settings", replace(app.settings, model=model))
    # WHEN a browser asks for a part as bytes
    case = Case("GET", f"/offline/{part}")
    accepted = {"Accept": "application/octet-stream", "Accept-Encoding": "gzip"}
    status, headers, body = fetched(port, case, **accepted)
    # THEN it gets them as they are, to keep forever
    assert (status, body) == (200, data)
    assert headers["cache-control"] == "public, max-age=31536000, immutable, no-transform"
    # AND API Gateway gets them in the form that it decodes
    response = app.app(event_of(case, accept="application/octet-stream"), None)
    assert response["isBase64Encoded"]
    assert base64.b64decode(response["body"]) == data


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.method == "GET"])
def test_head_is_a_get_without_a_body(port: int, name: str) -> None:
    # WHEN a GET is repeated as HEAD
    get, head = CASES[name], CASES[name]._replace(method="HEAD")
    # THEN status and headers are the same, also the length, and over HTTP there is no body
    assert over_http(port, head) == over_http(port, get)._replace(body="")
    lengths = [int(fetched(port, each)[1]["content-length"]) for each in (head, get)]
    assert lengths[0] == pytest.approx(lengths[1], abs=3)  # milliseconds differ by their number of digits
    # AND Lambda's response is that to the GET: API Gateway omits the body
    assert through_chalice(head) == through_chalice(get)


@pytest.mark.parametrize("name", ["the page", "the script of the page", "openapi"])
def test_a_compressed_answer_is_the_same_answer(port: int, name: str) -> None:
    # WHEN a client accepts gzip THEN it gets the same response, compressed
    case, accepted = CASES[name], {"Accept-Encoding": "gzip"}
    _, headers, data = fetched(port, case, **accepted)
    assert headers.pop("content-encoding") == "gzip"
    assert headers["vary"].partition(",")[0] == "Accept-Encoding"
    plain = over_http(port, case)
    assert same(200, headers, gzip.decompress(data).decode()) == plain._replace(
        headers={**plain.headers, "vary": headers["vary"]}
    )
    # AND HEAD has its headers
    assert fetched(port, case._replace(method="HEAD"), **accepted)[1]["content-length"] == str(len(data))


def test_an_unknown_method_is_refused_with_the_methods_of_the_path(port: int) -> None:
    for path, allow in {"/animals?lat=1": "GET, HEAD", "/identify": "POST", "/web/x.js": "GET, HEAD"}.items():
        for method in ("DELETE", "TRACE", "BREW"):
            answer = over_http(port, Case(method, path))
            assert (answer.status, answer.headers["allow"]) == (405, allow)
            assert json.loads(answer.body)["code"] == "method_not_allowed"
    # AND a path that does not exist is not found by any method
    assert over_http(port, Case("BREW", "/nowhere")).status == 404
    # AND a preflight says how long it may be cached
    for path, allowed in {"/animals": "GET,HEAD,OPTIONS", "/identify": "OPTIONS,POST"}.items():
        answer = over_http(port, Case("OPTIONS", path))
        assert (answer.status, answer.body, answer.headers["access-control-max-age"]) == (200, "", "600")
        assert answer.headers["access-control-allow-methods"] == allowed


def test_a_404_does_not_repeat_the_name(port: int) -> None:
    for path in ("/web/12.3456,7.8901", "/uploads/12.3456,7.8901/identify", "/12.3456,7.8901"):
        answer = over_http(port, Case("POST" if "uploads" in path else "GET", path))
        assert (answer.status, "12.3456" in answer.body) == (404, False)


def test_every_route_is_compared() -> None:
    compared = {(each.method, case_route) for each in CASES.values() if (case_route := route_of(each))}
    assert {(route.method, route.path) for route in ROUTES} - compared == {("POST", "/uploads/{id}/identify")}


def route_of(case: Case) -> str | None:
    path = case.path.rstrip("/") or "/"
    return next((route.path for route in ROUTES if compile_path(route.path)[0].match(path)), None)
