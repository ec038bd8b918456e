"""`INFERENCE=lambda`: the tier uploads photos and hands requests on; answers and errors are those of the app."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from local.stack.ports import HOST, http_get
from local.stack.valkey import ValkeyServer
from tests.integration.conftest import Reply, Served
from tests.integration.faunalens.web.aws_tier import FUNCTION, Tier, run_function_here, tier
from tests.support.aws import Account, account
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise

PHOTO = jpeg(exif=exif(SYDNEY))


@pytest.fixture(scope="module")
def aws(loaded_database: str, loaded_valkey: ValkeyServer) -> Iterator[tuple[Account, list[dict[str, Any]]]]:
    with account() as running, pytest.MonkeyPatch.context() as patch:
        yield running, run_function_here(running, patch, database_url=loaded_database, redis_url=loaded_valkey.url)


@pytest.fixture(scope="module")
def web(aws: tuple[Account, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tier]:
    with tier(aws[0], tmp_path_factory.mktemp("tier"), aws[1]) as running:
        yield running


def form(*parts: tuple[str, bytes]) -> bytes:
    text = b"".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in parts
    )
    return text + b"--b--\r\n"


def same(answer: Any) -> Any:
    """Return an answer without what differs between two requests for the same photo."""
    volatile = ("request_id", "timings_ms")
    kept = {name: value for name, value in answer.items() if name not in volatile}
    return {**kept, "features": {**kept["features"], "cache": ""}}


def test_a_photo_is_identified_as_by_a_server_with_the_model(web: Tier, served: Served) -> None:
    # WHEN the same photo goes to the tier and to a server with a model THEN the answers are the same
    there, here = (each.identify(PHOTO, {"top": "3"}) for each in (web.served, served))
    assert (there.status, here.status) == (200, 200), there.text
    assert same(there.json) == same(here.json)
    assert there.json["location"]["source"] == "exif"
    # AND the function got the photo's key, and the id of the request, which the client sees too
    assert f"uploads/{web.invoked[-1]['pathParameters']['id']}" in web.photos()
    assert there.json["request_id"] == web.invoked[-1]["requestContext"]["requestId"]


def test_a_form_with_fields_and_several_photos_arrives_whole(web: Tier, served: Served) -> None:
    other = encoded(noise(400, 304), "WEBP")
    body = form(("photo", PHOTO), ("lat", b"-33.9"), ("photo", other), ("lon", b"151.2"))
    kind = "multipart/form-data; boundary=b"
    there, here = (each.identify(body, {"top": "3"}, kind) for each in (web.served, served))
    assert (there.status, len(there.json["photos"]), same(there.json)) == (200, 2, same(here.json)), there.text
    # AND the process holds no model
    mapped = Path(f"/proc/{web.process.pid}/maps").read_text()
    assert "onnxruntime" not in mapped
    assert "libcrypto" in mapped  # so the check sees libraries


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        ({}, jpeg(), "image/jpeg"),
        ({"lat": "100", "lon": "0"}, PHOTO, "image/jpeg"),
        ({"also": "A" * 22}, PHOTO, "image/jpeg"),
        ({"top": "3"}, form(("photo", PHOTO), ("top", b"4")), "multipart/form-data; boundary=b"),
        ({}, form(("top", b"4")), "multipart/form-data; boundary=b"),
        ({"location": "none"}, b"", "image/jpeg"),
        ({"location": "none"}, PHOTO[:2000], "image/jpeg"),
    ],
)
def test_errors_are_those_of_a_server_with_the_model(
    web: Tier, served: Served, query: dict[str, str], body: bytes, content_type: str
) -> None:
    there, here = (each.identify(body, query, content_type) for each in (web.served, served))
    assert {**there.json, "request_id": ""} == {**here.json, "request_id": ""}
    assert (there.status, there.headers["Content-Type"]) == (here.status, "application/problem+json")


@pytest.mark.parametrize(
    ("query", "body"),
    [({"lng": "1"}, PHOTO), ({"location": "none"}, b"GIF89a" + b"\0" * 300_000), ({}, PHOTO + b"\0" * 20_000_000)],
)
def test_what_can_be_refused_here_is_never_uploaded(web: Tier, query: dict[str, str], body: bytes) -> None:
    before, invoked = web.photos(), len(web.invoked)
    reply = web.served.identify(body, query)
    assert reply.status in (400, 413, 415), reply.text
    assert (web.photos(), len(web.invoked)) == (before, invoked)


def test_the_other_routes_are_handed_on(web: Tier) -> None:
    animals = web.served.request("GET", "/animals", {"lat": "-33.9", "lon": "151.2"})
    assert (animals.status, animals.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert len(animals.json["animals"]) > 10
    # AND caches work through the tier
    found = web.served.request("GET", "/taxa/phascolarctos-cinereus")
    assert found.json["scientific_name"] == "Phascolarctos cinereus"
    assert "max-age" in found.headers["Cache-Control"]
    assert web.served.request("GET", "/taxa/no-such-taxon").json["code"] == "taxon_missing"
    assert web.served.request("GET", "/health").status == 200
    # AND the public may not wake the database
    assert web.served.request("GET", "/health", {"deep": "true"}).json["code"] == "forbidden"


def test_the_page_needs_no_function(web: Tier) -> None:
    before = len(web.invoked)
    for path in ("/", "/openapi.json", "/healthz"):
        assert web.served.request("GET", path).status == 200
    assert len(web.invoked) == before
    # AND metrics are those of a request with the dimension of the tier
    web.served.identify(PHOTO)
    line = web.metrics()[-1]
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service", "stage", "tier"]]
    assert (line["tier"], line["Requests"], line["Faults"], line["InvokeFaults"]) == ("web", 1, 0, 0)
    assert line["Latency"] >= line["InvokeLatency"] > 0


def identified_by(web: Tier, result: dict[str, Any]) -> Reply:
    """The reply to a photo while the function returns a result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(web.aws.functions, FUNCTION, lambda _: result)
        return web.served.identify(PHOTO)


def test_a_function_that_does_not_answer_is_unavailable_counted_and_logged(web: Tier) -> None:
    # GIVEN a function whose result is no response
    reply = identified_by(web, {"statusCode": "many"})
    # THEN the client may try again
    assert (reply.status, reply.json["code"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0
    # AND metrics and log say so
    assert (web.metrics()[-1]["Faults"], web.metrics()[-1]["InvokeFaults"]) == (1, 1)
    lines = [json.loads(line) for line in web.served.log.read_text().splitlines() if line.startswith("{")]
    assert lines[-1]["message"] == "request failed: service unavailable"
    assert lines[-1]["details"] == ["malformed: the result is not a response of the API"]
    # AND the next request is answered
    assert web.served.identify(PHOTO).status == 200
    # GIVEN an error of Chalice, outside of the application THEN it counts too
    reply = identified_by(web, {"statusCode": 500, "headers": {}, "body": '{"Code": "Internal"}'})
    assert (reply.status, web.metrics()[-1]["Faults"], web.metrics()[-1]["code"]) == (500, 1, "unknown")


def test_what_never_reaches_the_function_is_logged_and_counted(
    aws: tuple[Account, list[dict[str, Any]]], tmp_path: Path
) -> None:
    with tier(aws[0], tmp_path, aws[1]) as web:
        # WHEN a photo is refused while it arrives, and a request is no HTTP
        assert web.served.identify(b"hello", content_type="text/plain").status == 415
        with socket.create_connection((HOST, web.served.port), timeout=10) as sender:
            sender.sendall(b"hello\r\n\r\n")
            assert b" 400 " in sender.recv(1000)
        web.terminate()
        assert web.process.wait(20) == 0
    # THEN each line of the log is JSON, and has the code
    first, *lines = web.served.log.read_text().splitlines()
    assert first.startswith("serving ")
    assert [json.loads(line)["code"] for line in lines] == ["unsupported_media_type", "bad_request"]
    # AND the last line of metrics counts both
    last = json.loads(web.served.metrics.read_text(encoding="utf-8").splitlines()[-1])
    assert last["Rejections"] == 2


def test_memory_stays_flat_while_large_photos_arrive(web: Tier) -> None:
    # GIVEN photos of 19 MB, which decoders take for small ones
    web.served.identify(PHOTO)
    large = PHOTO + b"\0" * (19_000_000 - len(PHOTO))
    before = web.memory()
    # WHEN six arrive at once, which is as much as the S3 of the tests bears THEN they take less memory than two of them
    with ThreadPoolExecutor(6) as clients:
        assert {each.status for each in clients.map(web.served.identify, [large] * 6)} == {200}
    assert web.memory() - before < 38


def is_closed(port: int) -> bool:
    """Return whether nothing accepts connections."""
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) != 0


def test_sigterm_fails_the_health_check_first_and_then_finishes_requests(
    aws: tuple[Account, list[dict[str, Any]]], tmp_path: Path
) -> None:
    with tier(aws[0], tmp_path, aws[1], HTTP_DRAIN_SECONDS="2") as web:
        head = "POST /identify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nExpect: 100-continue\r\n"
        with socket.create_connection((HOST, web.served.port), timeout=20) as sender:
            sender.sendall(f"{head}Content-Length: {len(PHOTO)}\r\n\r\n".encode())
            assert sender.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the request has arrived
            sender.sendall(PHOTO[:100])
            # WHEN the tier gets SIGTERM
            web.terminate()
            # THEN a load balancer sees it, but requests that come meanwhile are answered
            web.process.wait_until(lambda: http_get(web.served.port, "/healthz", 5.0)[0] == 503, 5.0)
            reply = web.served.identify(PHOTO)
            assert (reply.status, reply.headers["Connection"]) == (200, "close")
            # AND a photo that is still arriving when no further connections are accepted is answered too
            web.process.wait_until(lambda: is_closed(web.served.port), 20.0)
            sender.sendall(PHOTO[100:])
            response = HTTPResponse(sender)
            response.begin()
            assert response.status == 200
            response.close()
        assert web.process.wait(20) == 0
        # AND its last line of metrics counts both, and no request without an answer
        last = json.loads(web.served.metrics.read_text(encoding="utf-8").splitlines()[-1])
        assert (last["tier"], last["Drained"], last["CutOff"]) == ("web", 2, 0)
