"""HTTP/1.1 on the local server, with a small app."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from threading import Thread

import jsonschema
import pytest
from chalice.app import Chalice, Response

from chalicelib.api.openapi import document
from local.http import gateway as http
from local.http.handler import FORM_MARGIN
from local.stack.ports import HOST

PHOTO = 100_000
LIMIT = PHOTO + FORM_MARGIN
"""Largest body that the server under test accepts: a photo and a form around it."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve an app that returns the length of the body; yield the port."""
    app = Chalice(app_name="toy")

    @app.route("/length", methods=["POST"], content_types=["*/*"])
    def length() -> Response:
        request = app.current_request
        assert request is not None
        return Response(str(len(request.raw_body)), {"Content-Type": "text/plain"})

    @app.route("/")
    def root() -> dict[str, str]:
        return {"hello": "there"}

    server = http.build_server(app, HOST, 0, photo_max_bytes=PHOTO)
    thread = Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server.server_address[1]
    server.shutdown()
    thread.join()
    server.server.server_close()


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    """A keep-alive connection."""
    connection = HTTPConnection(HOST, port, timeout=10)
    yield connection
    connection.close()


def raw(port: int, request: bytes) -> tuple[int, dict[str, object]]:
    """Send raw bytes; return the status and the problem of the response, which closes the connection."""
    with socket.create_connection((HOST, port), timeout=10) as sender:
        sender.sendall(request)
        response = HTTPResponse(sender)
        response.begin()
        with response:
            assert response.headers["Content-Type"] == "application/problem+json"
            assert response.headers["Access-Control-Allow-Origin"] == "*"  # pages of other origins may read the error
            return response.status, json.loads(response.read())


def read(connection: HTTPConnection) -> tuple[int, bytes]:
    with connection.getresponse() as response:
        return response.status, response.read()


def test_a_connection_serves_many_requests(connection: HTTPConnection) -> None:
    for body in (b"", b"x", b"x" * LIMIT):
        connection.request("POST", "/length", body)
        assert read(connection) == (200, str(len(body)).encode())


def test_a_chunked_body_arrives_whole(connection: HTTPConnection) -> None:
    # WHEN a client sends a body in chunks, twice on a connection
    for _ in range(2):
        connection.request("POST", "/length", iter([b"a" * 10, b"b" * 70_000, b"c"]), encode_chunked=True)
        # THEN the app gets all of it
        assert read(connection) == (200, b"70011")


def test_trailers_after_chunks_are_dropped(port: int) -> None:
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with socket.create_connection((HOST, port), timeout=10) as sender:
        sender.sendall(head + b"5;name=value\r\nhello\r\n0\r\nChecksum: 1\r\n\r\n")
        with HTTPResponse(sender) as response:
            response.begin()
            assert response.read() == b"5"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_with_an_explanation(port: int, chunked: bool) -> None:
    # GIVEN a client that sends the whole body before it reads
    body = b"x" * (LIMIT * 2)
    frame = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    # WHEN the body is too large
    status, problem = raw(port, b"POST /length HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s" % (length, frame))
    # THEN the client still receives the reason and the limit
    assert (status, problem["code"]) == (413, "photo_too_large")
    assert "over the 0.1 MB that a photo may have" in str(problem["detail"])


def test_a_client_that_asks_first_need_not_send_a_refused_body(port: int) -> None:
    # GIVEN a client that waits for permission, as curl does
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    # WHEN its body would be too large THEN it is refused at once
    assert raw(port, head % (LIMIT + 1))[0] == 413
    # WHEN it would not THEN the client may send it
    with socket.create_connection((HOST, port), timeout=10) as sender:
        sender.sendall(head % 5)
        assert sender.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sender.sendall(b"hello")
        assert sender.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: -1",
        b"Content-Length: +5",
        b"Content-Length: five",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip",
    ],
)
def test_a_body_of_ambiguous_length_is_refused(port: int, head: bytes) -> None:
    status, problem = raw(port, b"POST /length HTTP/1.1\r\nHost: x\r\n%s\r\n\r\nhello" % head)
    assert (status, problem["code"]) == (400, "bad_request")


@pytest.mark.parametrize("chunk", [b"hello\r\n", b"-5\r\nhello\r\n", b"2\r\nhello\r\n", b"\r\n", b"0x5\r\nhello\r\n"])
def test_broken_chunks_are_refused(port: int, chunk: bytes) -> None:
    head = b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(port, head + chunk)[0] == 400


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET", 400), (b"GET / HTTP/9.9", 505), (b"BREW / HTTP/1.1", 501), (b"GET /" + b"a" * 70_000, 414)],
)
def test_an_invalid_request_gets_a_problem(port: int, request_line: bytes, status: int) -> None:
    answered, problem = raw(port, request_line + b"\r\nHost: x\r\n\r\n")
    assert (answered, problem["status"]) == (status, status)
    # AND the problem matches the documented schema
    jsonschema.validate(problem, document("1", "/")["components"]["schemas"]["Problem"])


def test_an_unknown_path_gets_a_problem(port: int) -> None:
    status, problem = raw(port, b"GET /nowhere?lat=12.3456 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, problem["code"]) == (404, "not_found")


def test_head_has_no_body_and_keeps_the_connection_in_step(connection: HTTPConnection) -> None:
    # WHEN a HEAD is followed by a GET
    connection.request("HEAD", "/")
    assert read(connection)[1] == b""
    connection.request("GET", "/")
    # THEN the GET gets its own answer
    assert read(connection) == (200, b'{"hello":"there"}')


def test_the_log_has_the_route_and_no_query(connection: HTTPConnection, capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN coordinates are in the query or in an unknown path
    for path in ("/?lat=12.3456", "/nowhere/12.3456"):
        connection.request("GET", path)
        read(connection)
    # THEN the log has the route and no coordinates
    logged = capsys.readouterr()
    assert "GET / 200" in logged.out
    assert "12.3456" not in logged.out + logged.err


def test_a_client_that_disconnects_leaves_no_stack_trace(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN a client disconnects in the middle of a body
    with socket.create_connection((HOST, port), timeout=10) as sender:
        sender.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        sender.shutdown(socket.SHUT_WR)
        # THEN the server closes the connection without a response
        assert sender.recv(100) == b""
    # THEN the log has one line
    logged = capsys.readouterr()
    assert "POST /length gone" in logged.out
    assert logged.err == ""
