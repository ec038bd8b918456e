"""Keeping, showing and deleting results on real HTTP: with the model and a folder, and with Lambda and S3."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from html import escape
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from chalicelib.location import parse_location
from local.stack.ports import HOST
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Reply, Served, serve
from tests.integration.faunalens.web.aws_tier import run_function_here, tier
from tests.support.aws import REGION, account
from tests.support.pictures import SYDNEY, exif, jpeg

BUCKET = "faunalens-results"
PHOTO = jpeg(exif=exif(SYDNEY))


@pytest.fixture(scope="module", params=["folder", "bucket"])
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    loaded_database: str,
    loaded_valkey: ValkeyServer,
) -> Iterator[Served]:
    """A server that keeps results."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "folder":
        stores = {"DATABASE_URL": loaded_database, "REDIS_URL": loaded_valkey.url}
        yield from serve(folder, {**stores, "RESULTS_FOLDER": str(folder / "results")})
        return
    with account() as aws, pytest.MonkeyPatch.context() as patch:
        invoked = run_function_here(aws, patch, database_url=loaded_database, redis_url=loaded_valkey.url)
        aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        with tier(aws, folder, invoked, RESULTS_BUCKET=BUCKET, PUBLIC_URL="https://example.org") as running:
            yield running.served


def send(
    server: Served, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> tuple[int, Any, bytes]:
    """Send a request. Return status, headers and body."""
    with closing(HTTPConnection(HOST, server.port, timeout=20)) as connection:
        connection.request(method, path, body, headers or {})
        with connection.getresponse() as response:
            return response.status, response.headers, response.read()


def test_a_result_is_a_page_data_and_a_picture(server: Served) -> None:
    # GIVEN an answer that was kept
    reply = server.identify(PHOTO, {"keep": "true"})
    result = reply.json["result"]
    # THEN its address has a page with the answer, also with parameters that messengers add
    status, headers, body = send(server, "GET", f"{result['url']}?utm_source=mail")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    prediction = reply.json["prediction"]
    assert escape(prediction["scientific_name"] if prediction else "No animal") in body.decode()
    # AND a preview with an absolute address
    (image,) = re.findall(r'property="og:image" content="(.*?)"', body.decode())
    assert re.fullmatch(rf"https?://[^/]+/r/{result['id']}\.jpg", image)
    # AND data, the same but for what is about the request
    data = json.loads(send(server, "GET", f"{result['url']}.json")[2])
    volatile = ("request_id", "timings_ms", "result")
    assert data["answer"] == {name: value for name, value in reply.json.items() if name not in volatile}
    assert (data["id"], data["expires"]) == (result["id"], result["expires"])
    # AND a picture
    status, headers, body = send(server, "GET", f"{result['url']}.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert max(Image.open(io.BytesIO(body)).size) == 400
    # AND it can be left out
    result = server.identify(PHOTO, {"keep": "answer"}).json["result"]
    assert (reply.json["result"]["picture"], result["picture"]) == (True, False)
    assert send(server, "GET", f"{result['url']}.jpg")[0] == 404
    assert b"og:image" not in send(server, "GET", result["url"])[2]


def test_a_browser_gets_a_page_where_nothing_is_and_a_program_a_problem(server: Served) -> None:
    missing, french = f"/r/{'A' * 22}", {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr"}
    for path, more, kind, said in (
        ("/nothing", french, "text/html; charset=utf-8", "Il n’y a rien ici"),
        ("/r/", french, "text/html; charset=utf-8", "Il n’y a rien ici"),
        (f"{missing}/more", french, "text/html; charset=utf-8", "Il n’y a rien ici"),
        (f"{missing}/more", {}, "application/problem+json", "not_found"),
        (missing, {}, "text/html; charset=utf-8", "This result is gone"),
        (f"{missing}.json", {}, "application/problem+json", "not_found"),
        (f"{missing}.jpg", {}, "application/problem+json", "not_found"),
        ("/r/..%2F..%2Fetc%2Fpasswd.json", {}, "application/problem+json", "not_found"),
    ):
        status, headers, body = send(server, "GET", path, more)
        assert (status, headers["Content-Type"], said in body.decode()) == (404, kind, True), path


def test_nothing_that_is_kept_has_the_coordinates_and_only_who_made_it_can_change_it(server: Served) -> None:
    # GIVEN a photo with a position, and a place in the request
    place = parse_location("-33.8567844", "151.2152967")
    query = {"keep": "true", "lat": str(place.latitude), "lon": str(place.longitude)}
    result = server.identify(PHOTO, query).json["result"]
    path, token = result["url"], {"Authorization": f"bearer {result['token']}"}
    # THEN page, data and picture have the cell and its centre alone
    for suffix in ("", ".json", ".jpg"):
        body = send(server, "GET", f"{path}{suffix}")[2]
        assert [each for each in (b"33.85", b"151.21", b"Exif") if each in body] == []
    # GIVEN requests without the token, or without an animal THEN they are refused
    animal, correction = b'{"animal": "swamp wallaby"}', "/correction"
    for headers, status in (({}, 401), ({"Authorization": f"Basic {result['token']}"}, 401)):
        assert send(server, "DELETE", path, headers)[0] == status
        assert send(server, "POST", path + correction, headers, animal)[0] == status
    assert send(server, "DELETE", path, {"Authorization": "Bearer wrong"})[0] == 403
    assert send(server, "POST", f"/r/{'A' * 22}/correction", token, animal)[0] == 404
    wrong = (b"", b"[]", b"{}", b'{"animal": 3}', b'{"animal": " "}', b'{"animal": "\\ud800"}')
    for body, code in (*((each, "bad_request") for each in wrong), (b'"' + b"x" * 10_001, "body_too_large")):
        _, headers, text = send(server, "POST", path + correction, token, body)
        assert (json.loads(text)["code"], headers["Content-Type"]) == (code, "application/problem+json")
    # WHEN it is said with the token THEN it is kept, shown and counted
    named = b'{"animal": "swamp wallaby", "scientific_name": "Wallabia bicolor"}'
    for said in (animal, named):
        assert send(server, "POST", path + correction, token, said)[::2] == (204, b"")
    assert b"Wallabia bicolor" in send(server, "GET", path)[2]
    assert "Corrections" in server.metrics.read_text()
    # AND pages of other origins may delete it WHEN the token is sent THEN it is gone in all forms
    assert "DELETE" in send(server, "OPTIONS", path)[1]["Access-Control-Allow-Methods"]
    assert send(server, "DELETE", path, token)[::2] == (204, b"")
    for suffix in ("", ".json", ".jpg"):
        assert send(server, "GET", f"{path}{suffix}")[0] == 404


def test_pages_of_other_sites_keep_nothing(server: Served) -> None:
    own = f"http://127.0.0.1:{server.port}"
    evil = ("https://evil.example", f"{own}.evil", "http://[", "http://", "://", "null")
    for origin, status in ((own, 200), *((each, 403) for each in evil)):
        headers = {"Content-Type": "image/jpeg", "Origin": origin}
        assert send(server, "POST", "/identify?keep=true", headers, PHOTO)[0] == status
    # AND without `keep` they may use the API
    assert send(server, "POST", "/identify", headers, PHOTO)[0] == 200
    # AND nothing is kept unless that is asked for, or if there is no answer
    for query in ({}, {"keep": "false"}):
        reply = server.identify(PHOTO, query)
        assert (reply.status, "result" in reply.json) == (200, False)
    assert_bad(server.identify(PHOTO, {"keep": "maybe"}))
    assert send(server, "POST", "/identify?keep=true&keep=true", headers, PHOTO)[0] == 400
    assert "result" not in server.identify(jpeg(), {"keep": "true"}).json


def test_the_document_of_the_api_and_the_page_have_results(server: Served, served: Served) -> None:
    document = json.loads(send(server, "GET", "/openapi.json")[2])
    assert {"/r/{id}", "/r/{id}.json", "/r/{id}.jpg", "/r/{id}/correction"} <= set(document["paths"])
    assert "`body_too_large`" in document["paths"]["/r/{id}/correction"]["post"]["responses"]["413"]["description"]
    assert "keep" in [each["name"] for each in document["paths"]["/identify"]["post"]["parameters"]]
    # AND the page knows that they are kept
    _, headers, page = send(server, "GET", "/")
    assert b'<meta name="results" content="30">' in page
    assert b'name="results"' not in send(served, "GET", "/")[2]
    # AND a browser that has the page of a server without results gets this one, and keeps it
    own, others = headers["ETag"], send(served, "GET", "/")[1]["ETag"]
    assert [send(server, "GET", "/", {"If-None-Match": each})[0] for each in (others, own)] == [200, 304]


def test_a_store_that_fails_does_not_cost_the_answer_and_without_one_nothing_can_be_kept(
    tmp_path: Path, served: Served
) -> None:
    # GIVEN a folder that cannot be written
    (tmp_path / "file").touch()
    for server in serve(tmp_path, {"RESULTS_FOLDER": str(tmp_path / "file")}):
        # WHEN a result is to be kept THEN there is an answer, which says that nothing was kept, and a line of log
        reply = server.identify(PHOTO, {"keep": "true"})
        assert (reply.status, reply.json["result"]) == (200, None)
        assert "result was not kept" in server.log.read_text()
    assert_bad(served.identify(PHOTO, {"keep": "true"}))
    reply = served.request("GET", "/r/" + "A" * 22)
    assert (reply.status, reply.json["code"]) == (404, "not_found")


def assert_bad(reply: Reply) -> None:
    assert (reply.status, reply.json["code"]) == (400, "bad_request")
