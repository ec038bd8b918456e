"""The HTTP server with a small application: what HTTP asks of it, whatever the application is."""

import asyncio
import gc
import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPResponse
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast
from weakref import WeakSet

import jsonschema
import pytest

from chalicelib.api.http import Request, Response, Route
from chalicelib.api.openapi import document
from chalicelib.errors import TokenMissing, Unavailable
from chalicelib.telemetry.logs import fields_of
from chalicelib.telemetry.record import Notes
from faunalens.web.asgi import FORM_MARGIN, RELAY_LANES, Asgi
from faunalens.web.body import MemoryBody
from faunalens.web.protocol import MOST_AHEAD, SPARE
from faunalens.web.server import build_server, listen
from faunalens.web.settings import WebSettings

HOST = "127.0.0.1"
POST = b"POST /identify/length HTTP/1.1\r\nHost: localhost\r\n"
PHOTO = 100_000
LIMIT = PHOTO + FORM_MARGIN
"""Largest body that the server under test reads: a photo and what a form may need around it."""


def length(_: Any, request: Request, __: Any) -> Response:
    return Response(str(len(request.body)), {"Content-Type": "text/plain"})


def held(toy: "Toy", _: Request, __: Any) -> Response:
    toy.entered.set()
    assert toy.gate.wait(30)
    return Response("done", {"Content-Type": "text/plain"})


def expect_token(request: Request) -> None:
    if "authorization" not in request.headers:
        raise TokenMissing("send one")


def root(_: Any, __: Request, ___: Any) -> Response:
    return Response('{"hello":"there"}', {"Content-Type": "application/json"})


ROUTES = (
    Route("POST", "/identify/length", length, most_body=None),
    Route("POST", "/identify/held", held, most_body=None),
    Route("POST", "/uploads", length),
    Route("POST", "/r/{id}/correction", length, most_body=10_000, authorize=expect_token),
    Route("GET", "/", root, lane="page"),
    Route("GET", "/web/{name}", root, lane="page"),
    Route("GET", "/taxa", held, lane="search"),
)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, which it will unless something is wrong."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


class Toy:
    """An application whose views need nothing. Some wait at the `gate`, as if a photo took long."""

    settings = SimpleNamespace(photo=SimpleNamespace(max_bytes=PHOTO))
    log = logging.getLogger("toy")

    def __init__(self) -> None:
        self.entered, self.gate = Event(), Event()

    def respond(self, route: Route, request: Request) -> Response:
        return route.handler(self, request, cast("Any", None))


class Running:
    """A server in a thread."""

    def __init__(self, routes: Sequence[Route] = ROUTES, **settings: Any) -> None:
        self.lines: list[str] = []
        chosen = WebSettings(**settings)
        self.toy = Toy()
        self.pulses = list[Notes]()
        self.asgi = Asgi(cast("Any", self.toy), chosen, self._log, routes, on_pulse=self.pulses.append)
        self.server = build_server(self.asgi, HOST, 0, chosen)
        listener = listen(HOST, 0)  # as `python -m faunalens.web` has it
        self.port = int(listener.getsockname()[1])
        self.thread = Thread(target=lambda: asyncio.run(self.server.serve([listener])))

    def _log(self, method: str, route: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.lines.append(f"{method} {route} {status}")

    def __enter__(self) -> "Running":
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self.toy.gate.set()
        self.server.should_exit = True
        self.thread.join()

    def wait_for_line(self, line: str) -> None:
        """Wait until `line` is the last line of the log."""
        wait_until(lambda: self.lines[-1:] == [line])


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running() as running:
        yield running


@pytest.fixture
def connection(running: Running) -> Iterator[HTTPConnection]:
    """One keep-alive connection."""
    connection = HTTPConnection(HOST, running.port, timeout=10)
    yield connection
    connection.close()


def dial(running: Running) -> socket.socket:
    return socket.create_connection((HOST, running.port), timeout=10)


def last_answer(sender: socket.socket, request: bytes) -> tuple[int, Any, bytes]:
    """Status, headers and body with which raw bytes are answered; reads to the end of the connection."""
    sender.sendall(request)
    with HTTPResponse(sender) as response:
        response.begin()
        return response.status, response.headers, response.read()


def raw(running: Running, request: bytes) -> tuple[int, dict[str, Any]]:
    """Status and problem with which raw bytes are answered."""
    with dial(running) as sender:
        status, headers, body = last_answer(sender, request)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Access-Control-Allow-Origin"] == "*"  # pages of other origins may read why
    return status, json.loads(body)


def read(connection: HTTPConnection) -> tuple[int, bytes]:
    with connection.getresponse() as response:
        return response.status, response.read()


def test_bodies_arrive_whole_on_a_kept_connection_that_waits_for_no_acknowledgement() -> None:
    # WHEN a connection sends bodies of any length, whole and in chunks THEN each arrives whole
    with Running() as running, closing(HTTPConnection(HOST, running.port, timeout=10)) as connection:
        for body in (b"", b"x", b"x" * LIMIT):
            connection.request("POST", "/identify/length", body)
            assert read(connection) == (200, str(len(body)).encode())
        for _ in range(2):
            pieces = iter([b"a" * 10, b"b" * 70_000, b"c"])
            connection.request("POST", "/identify/length", pieces, encode_chunked=True)
            assert read(connection) == (200, b"70011")
        # AND the kernel sends the next small packet at once, and not after the 40 ms of a delayed acknowledgement
        (protocol,) = running.server.server_state.connections
        accepted = cast("Any", protocol).transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        # AND trailers after chunks are dropped
        head = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        with dial(running) as sender:
            assert last_answer(sender, head + b"5;name=value\r\nhello\r\n0\r\nChecksum: 1\r\n\r\n")[2] == b"5"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_too_much_still_reads_why(running: Running, chunked: bool) -> None:
    # GIVEN a client that sends all of a body before it listens
    body = b"x" * (LIMIT * 2)
    frame = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    # WHEN the body is too large
    status, problem = raw(running, POST + b"%s\r\n\r\n%s" % (framing, frame))
    # THEN the client reads why, and how large a photo may be
    assert (status, problem["code"]) == (413, "photo_too_large")
    assert "too large for a photo of at most 0.1 MB" in problem["detail"]


def test_a_refused_body_leaves_no_memory_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a server that identifies a photo, while two others wait
    bodies = WeakSet[MemoryBody]()

    class Noted(MemoryBody):
        def __init__(self) -> None:
            super().__init__()
            bodies.add(self)

    monkeypatch.setattr("faunalens.web.asgi.MemoryBody", Noted)
    with Running(workers=1) as running, ThreadPoolExecutor(3) as clients:
        held = [clients.submit(ask, running, "POST", "/identify/held") for _ in range(3)]
        wait_until(lambda: len(running.asgi.admission._waiting) == 2)
        gc.disable()  # it counts objects and not bytes: nothing may depend on when it runs
        try:
            # WHEN a body is too large, and an overload begins, so that a photo that waits is refused
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (LIMIT * 2, b"x" * LIMIT * 2)
            assert raw(running, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)[0] == 413
            running.asgi.admission._service_seconds = 1000.0
            assert ask(running, "POST", "/identify/length")[0] == 503
            # THEN only the bodies of the others are in memory
            wait_until(lambda: len(bodies) == 2)
        finally:
            gc.enable()
        running.toy.gate.set()
        assert sorted(each.result()[0] for each in held) == [200, 200, 503]


def test_a_client_that_asks_first_does_not_send_what_is_refused(running: Running) -> None:
    # GIVEN a client that waits for permission, as curl does
    head = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    # WHEN its body would be too large, it is refused at once
    assert raw(running, head % (LIMIT + 1))[0] == 413
    # WHEN it would not, it may go on
    with dial(running) as sender:
        sender.sendall(head % 5)
        assert sender.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
        sender.sendall(b"hello")
        assert sender.recv(1000).startswith(b"HTTP/1.1 200")


SMUGGLING = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6",
    "two equal lengths": b"Content-Length: 5\r\nContent-Length: 5",
    "negative length": b"Content-Length: -1",
    "signed length": b"Content-Length: +5",
    "length in words": b"Content-Length: five",
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    "another coding": b"Transfer-Encoding: gzip",
    "space before the colon": b"Content-Length : 5",
    "a line without a colon": b"Content-Length: 5\r\nnonsense",
    "vertical tab in the coding": b"Transfer-Encoding: \x0bchunked",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "chunked twice": b"Transfer-Encoding: chunked, chunked",
    "an empty coding and a length": b"Transfer-Encoding:\r\nContent-Length: 5",
    "a folded header": b"Content-Length: 5\r\n folded",
    "a bare carriage return": b"X: a\rContent-Length: 5",
    "a NUL in a header": b"X: a\x00b\r\nContent-Length: 5",
}


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n%s\r\n"
DOUBTFUL = {
    **{name: POST + head + b"\r\n\r\nhello" for name, head in SMUGGLING.items()},
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    **{f"chunk {each!r}": CHUNKED % each for each in (b"hello", b"-5\r\nhello", b"2\r\nhello", b"", b"0x5\r\nhello")},
}


@pytest.mark.parametrize("message", DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_request_of_doubtful_length_or_host_is_refused(running: Running, message: bytes) -> None:
    status, problem = raw(running, message)
    assert (status, problem["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"localhost", 200),
        (b"[::1]:8000", 200),
        (b"evil.example", 421),
        (b"localhost.evil.example:8000", 421),
        (b"127.0.0.1.nip.io", 421),
        (b"localhost:@evil.example", 421),
        (b"[::1]evil.example", 421),
    ],
)
def test_only_known_hosts_are_served(running: Running, host: bytes, status: int) -> None:
    # GIVEN a page elsewhere whose name leads to this machine (DNS rebinding): its Host gives it away
    with dial(running) as sender:
        assert last_answer(sender, b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host)[0] == status


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET\r\nHost: localhost", 400, "bad_request"),
        (b"GET /nowhere?lat=12.3456 HTTP/1.1\r\nHost: localhost", 404, "not_found"),
        (b"DELETE / HTTP/1.1\r\nHost: localhost", 405, "method_not_allowed"),
        (b"GET / HTTP/9.9\r\nHost: localhost", 505, "version_not_supported"),
        (b"GET / HTTP/1.1\nHost: localhost", 400, "bad_request"),  # of a version that is supported
        (b"BREW /nowhere HTTP/1.1\r\nHost: localhost", 404, "not_found"),
        (b"GET /caf\xe9 HTTP/1.1\r\nHost: localhost", 400, "bad_request"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost", 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000, 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\nHost: localhost" + b"\r\nX: a" * 20_000, 431, "headers_too_large"),
    ],
)
def test_an_unusable_head_is_refused_as_a_problem(running: Running, head: bytes, status: int, code: str) -> None:
    answered, problem = raw(running, head + b"\r\n\r\n")
    assert (answered, problem["status"], problem["code"]) == (status, status, code)
    # AND the problem has the documented form
    jsonschema.validate(problem, document(ROUTES, "1", "/")["components"]["schemas"]["Problem"])


@pytest.mark.parametrize("address", ["/taxa?q=éléphant", "/café"])
def test_who_types_an_address_by_hand_learns_how_to_write_it(running: Running, address: str) -> None:
    # WHEN curl sends an address as it was typed
    status, problem = raw(running, f"GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert (status, problem["code"]) == (400, "bad_request")
    assert "percent-encode" in problem["detail"]


def test_head_has_no_body_and_keeps_the_connection_in_step(connection: HTTPConnection) -> None:
    # WHEN a HEAD is followed by a GET
    connection.request("HEAD", "/")
    assert read(connection) == (200, b"")
    connection.request("GET", "/")
    # THEN the GET gets its own answer
    assert read(connection) == (200, b'{"hello":"there"}')


def test_the_log_has_the_route_and_no_query(running: Running, connection: HTTPConnection) -> None:
    # WHEN coordinates are in the query, or in an unknown path
    for path in ("/?lat=12.3456", "/nowhere/12.3456"):
        connection.request("GET", path)
        read(connection)
    # THEN the log has the route, and not the place; a line is written after its response
    running.wait_for_line("GET (no such path) 404")
    assert running.lines[-2:] == ["GET / 200", "GET (no such path) 404"]
    # AND a client that leaves in a body is one line
    with dial(running) as sender:
        sender.sendall(POST + b"Content-Length: 5\r\n\r\nhe")
    running.wait_for_line("POST /identify/length 0")


def test_a_slow_head_and_a_slow_body_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN clients that send half a head, or stop before the last byte of a body
    monkeypatch.setattr("faunalens.web.body.RATE_WINDOW", 0.3)
    monkeypatch.setattr("faunalens.web.messages.DRAIN_SECONDS", 0.1)
    with Running(head_seconds=0.2, body_rate=10_000) as running:
        for sent in (b"GET / HTTP/1.1\r\nHost: loc", POST + b"Content-Length: 90001\r\n\r\n" + bytes(90_000)):
            status, problem = raw(running, sent)
            # THEN they learn that they were too slow
            assert (status, problem["code"]) == (408, "request_timeout")


def test_an_idle_connection_is_kept_for_less_than_a_second_too() -> None:
    with (
        Running(keep_alive_seconds=0.5) as running,
        closing(HTTPConnection(HOST, running.port, timeout=30)) as connection,
    ):
        connection.request("GET", "/")
        assert read(connection)[0] == 200
        answered = time.monotonic()
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
        assert time.monotonic() - answered > 0.4


@pytest.mark.parametrize(
    ("unread", "more"),
    [(b"Content-Length: 100000\r\n", b"x"), (b"Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n"), (b"", b"\r\n")],
    ids=["body", "chunks", "empty lines"],
)
def test_a_client_cannot_keep_an_answered_connection_by_sending_on(unread: bytes, more: bytes) -> None:
    # GIVEN a request that is answered without its body
    with Running(keep_alive_seconds=0.3) as running, dial(running) as sender:
        sender.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + unread + b"\r\n")
        answer = b""
        while b"hello" not in answer:
            received = sender.recv(10_000)
            assert received, answer
            answer += received
        sender.settimeout(0.1)
        # WHEN the client sends bit by bit what the server does not read THEN the connection ends like an idle one
        wait_until(lambda: is_over(sender, more))


def is_over(sender: socket.socket, more: bytes) -> bool:
    """Send something, and return whether the server has closed the connection."""
    try:
        sender.sendall(more)
        return sender.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_connection_ends_if_its_client_takes_nothing_of_a_response(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a client that asks for more than the kernel holds, and reads nothing
    monkeypatch.setattr("faunalens.web.server.STALL_SECONDS", 1)
    large = Route("GET", "/", lambda *_: Response(bytes(20_000_000), {"Content-Type": "text/plain"}))
    with Running([large]) as running, dial(running) as sender:
        sender.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: bool(running.server.server_state.connections))
        # THEN the kernel closes the connection after the time for it
        wait_until(lambda: not running.server.server_state.connections)


def test_a_body_that_comes_with_an_upgrade_is_not_dropped_silently(running: Running) -> None:
    # GIVEN a client that would rather speak HTTP/2, as Java's does unless it is set otherwise
    head = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    # WHEN it sends a body THEN it learns why that does not work
    status, problem = raw(running, POST + head + b"Content-Length: 5\r\n\r\nhello")
    assert (status, problem["code"]) == (400, "bad_request")
    assert "without Upgrade" in problem["detail"]
    # AND without a body, it is answered as by a server that knows no other protocol
    with dial(running) as sender:
        sender.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n")
        assert sender.recv(100).startswith(b"HTTP/1.1 200")


def test_a_client_sends_only_so_many_requests_ahead_of_their_answers(running: Running) -> None:
    # GIVEN a client that sends as many requests at once as the server keeps waiting THEN each is answered
    get = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with dial(running) as sender:
        sender.sendall(get * (MOST_AHEAD + 1))
        received = b""
        while received.count(b'{"hello":"there"}') <= MOST_AHEAD:
            received += sender.recv(10_000)
    # WHEN it sends more, each of which would take a hundred times its size in memory THEN it learns what to do
    status, problem = raw(running, get * (MOST_AHEAD + 2))
    assert (status, problem["code"]) == (400, "bad_request")
    assert "wait for" in problem["detail"]


def test_a_photo_whose_client_left_the_queue_is_not_identified() -> None:
    # GIVEN a photo that takes long, and one that waits behind it
    with Running(workers=1) as running, dial(running) as first:
        first.sendall(POST.replace(b"length", b"held") + b"Content-Length: 0\r\n\r\n")
        assert running.toy.entered.wait(30)
        alone = running.asgi.admission.expected_wait
        with dial(running) as second:
            second.sendall(POST + b"Content-Length: 5\r\n\r\nhello")
            wait_until(lambda: running.asgi.admission.expected_wait > alone)
        # WHEN the client of the second leaves THEN its place is free at once, and the log says that it has gone
        running.wait_for_line("POST /identify/length 0")
        assert running.asgi.admission.expected_wait == alone
        # AND the first is answered as if nothing had been
        running.toy.gate.set()
        assert first.recv(100).startswith(b"HTTP/1.1 200")


def test_connections_beyond_the_limit_get_503_and_load_balancers_the_health() -> None:
    get = b"GET /%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with Running(connections=2) as running, ExitStack() as clients:
        # GIVEN as many connections as the server serves
        for _ in range(2):
            clients.enter_context(dial(running))
        wait_until(lambda: len(running.server.server_state.connections) == 2)
        # WHEN another comes THEN it is refused
        status, problem = raw(running, get % b"")
        assert (status, problem["code"]) == (503, "unavailable")
        # AND a load balancer still learns that the process lives, and does not replace it
        with dial(running) as balancer:
            assert last_answer(balancer, get % b"healthz")[0] == 200
        # AND of those that send nothing only a few may stay
        for _ in range(SPARE):
            clients.enter_context(dial(running))
        wait_until(lambda: len(running.server.server_state.connections) == 2 + SPARE)
        assert raw(running, b"")[0] == 503


def ask(running: Running, method: str, path: str) -> tuple[int, str | None]:
    """Status and `Retry-After` of a request on a connection of its own."""
    with closing(HTTPConnection(HOST, running.port, timeout=60)) as connection:
        connection.request(method, path)
        with connection.getresponse() as response:
            response.read()
            return response.status, response.getheader("Retry-After")


@pytest.fixture
def full() -> Iterator[Running]:
    """A server with a photo that takes long and one that waits, so that it has no room for another."""
    with Running(workers=1, queue_seconds=0.03) as running, ThreadPoolExecutor(2) as clients:
        held = [clients.submit(ask, running, "POST", "/identify/held") for _ in range(2)]
        wait_until(lambda: running.asgi.admission.is_full)
        yield running
        running.toy.gate.set()
        assert [each.result()[0] for each in held] == [200, 200]


REFUSED = POST + b"Content-Length: %d\r\n\r\n"


def test_a_photo_without_room_is_refused_on_a_connection_that_is_kept(
    full: Running, caplog: pytest.LogCaptureFixture
) -> None:
    # WHEN a client sends two photos, the second before it has read the answer to the first
    with dial(full) as sender:
        sender.sendall(REFUSED % 90_000 + bytes(90_000) + REFUSED % 5 + b"hello")
        received = b""
        while received.count(b"request_id") < 2:
            received += sender.recv(10_000)
        # THEN both are refused as problems
        problems = [json.loads(each) for each in re.findall(rb"\r\n\r\n({.*?})", received)]
        assert [(each["code"], each["status"]) for each in problems] == [("unavailable", 503)] * 2
        ids = [each["request_id"] for each in problems]
        for line in (b"HTTP/1.1 503 ", b"retry-after: 1\r\n", b"access-control-allow-origin: *\r\n"):
            assert received.count(line) == 2
        assert b"connection:" not in received
        # AND the connection serves what comes next
        last = last_answer(sender, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert last[2] == b'{"hello":"there"}'
    # AND the log has one line for both, after a second
    assert len(set(ids)) == 2
    wait_until(lambda: any(each.name == "toy" for each in caplog.records))
    (logged,) = [fields_of(each) for each in caplog.records if each.name == "toy"]
    assert (logged["request_id"], logged["code"], logged["route"]) == (ids[0], "unavailable", "/identify/length")
    assert logged["details"] == ["too many photos are waiting; try again in 1 s (2 requests in a second)"]
    assert full.asgi._pulse.refused == 2
    assert "POST /identify/length 503" not in full.lines


def test_a_photo_that_came_before_its_turn_is_refused_like_a_begun_request(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a photo that takes long, and one that came whole on the same connection
    with Running() as running, dial(running) as sender:
        sender.sendall(POST.replace(b"length", b"held") + b"Content-Length: 0\r\n\r\n" + REFUSED % 5 + b"hello")
        running.toy.entered.wait(30)
        # WHEN there is no more room for the second
        monkeypatch.setattr(type(running.asgi.admission), "is_full", True)
        running.toy.gate.set()
        received = b""
        while part := sender.recv(10_000):
            received += part
        # THEN it is refused as a request that has begun, and does not leave the connection waiting for its body
        first, second = received.split(b"HTTP/1.1 ")[1:]
        assert (first[:3], second[:3], b"\r\nconnection: close\r\n" in second) == (b"200", b"503", True)


def test_a_photo_that_had_arrived_is_refused_on_a_connection_that_is_kept() -> None:
    # GIVEN a photo that takes long, and two that wait, whole
    with Running(workers=1, queue_seconds=0.05) as running, dial(running) as first, dial(running) as waits:
        first.sendall(POST.replace(b"length", b"held") + b"Content-Length: 0\r\n\r\n")
        assert running.toy.entered.wait(30)
        waits.sendall(REFUSED % 5 + b"hello")
        with dial(running) as newest:
            newest.sendall(REFUSED % 5 + b"hello")
            wait_until(lambda: running.asgi.admission.is_full)
            # WHEN an overload begins, which refuses the newest of them
            assert raw(running, REFUSED % 0)[0] == 503
            received = b""
            while b"request_id" not in received:
                received += newest.recv(10_000)
            # THEN its connection serves what comes next
            assert (received[:13], b"connection: close" in received) == (b"HTTP/1.1 503 ", False)
            newest.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert newest.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST.replace(b"localhost", b"evil.example") + b"Content-Length: 1\r\n\r\n", 421),
        (REFUSED % (LIMIT + 1), 413),
        (POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", 503),
        (POST + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", 503),
        (POST.replace(b"1.1", b"1.0") + b"Content-Length: 5\r\n\r\nhello", 503),
        (POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 503),
    ],
    ids=["host", "size", "a client that asks first", "close", "HTTP/1.0", "chunks"],
)
def test_a_full_queue_hides_no_other_fault_and_keeps_no_connection_that_is_to_end(
    full: Running, head: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faunalens.web.messages.DRAIN_SECONDS", 0.1)
    with dial(full) as sender:
        sender.sendall(head)
        received = b""
        while part := sender.recv(10_000):
            received += part
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close\r\n" in received


def test_a_refused_photo_may_not_arrive_for_ever(full: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a client that was refused, and sends its photo bit by bit
    monkeypatch.setattr("faunalens.web.protocol.DRAIN_SECONDS", 0.3)
    with dial(full) as sender:
        sender.sendall(REFUSED % 90_000)
        assert sender.recv(10_000).startswith(b"HTTP/1.1 503")
        sender.settimeout(0.1)
        # THEN the connection ends after the time for it
        wait_until(lambda: is_over(sender, b"x"))


def test_refusals_that_a_client_does_not_read_are_not_kept_in_memory(full: Running) -> None:
    # WHEN a client sends photos and reads no answer THEN the server stops to read them
    def paused() -> list[Any]:
        with suppress(TimeoutError):
            sender.send((REFUSED % 0) * 1000)
        return [each for each in cast("Any", full.server.server_state.connections) if each.flow.read_paused]

    with socket.socket() as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sender.settimeout(0.1)
        sender.connect((HOST, full.port))
        wait_until(lambda: bool(paused()))
        assert paused()[0].transport.get_write_buffer_size() < 500_000


def test_a_function_that_hangs_holds_neither_the_page_nor_a_long_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a server that hands requests on, one at a time
    monkeypatch.setattr("faunalens.web.asgi.RELAY_LANES", {**RELAY_LANES, "search": (1, 2)})
    with Running(inference="lambda", identify_function="any") as running, ThreadPoolExecutor(3) as clients:
        # WHEN three requests take long
        asked = [clients.submit(ask, running, "GET", "/taxa") for _ in range(3)]
        # THEN one is refused at once, and the page comes at once
        wait_until(lambda: any(each.done() for each in asked))
        assert ask(running, "GET", "/")[0] == 200
        running.toy.gate.set()
        assert sorted(each.result()[0] for each in asked) == [200, 200, 503]
        # AND there is room again afterwards
        assert ask(running, "GET", "/taxa")[0] == 200


@pytest.mark.parametrize("inference", ["local", "lambda"])
def test_a_body_is_as_large_as_its_route_needs_on_any_host_if_the_setting_says_so(inference: str) -> None:
    with Running(inference=inference, identify_function="any", hosts="*") as running:
        large, chunked = b"Content-Length: 21000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
        uploads = b"POST /uploads HTTP/1.1\r\nHost: photos.example\r\n"
        correction = b"POST /r/1/correction HTTP/1.1\r\nHost: localhost\r\n"
        token = b"Authorization: Bearer any\r\n"
        # WHEN clients announce more than a path takes THEN they are refused before they send it
        answers = [raw(running, head) for head in (uploads + large, uploads + chunked, correction + token + large)]
        assert [(status, problem["code"]) for status, problem in answers] == [(413, "body_too_large")] * 3
        assert "takes no body" in answers[0][1]["detail"]
        # AND who may not change a result is refused before the body
        status, problem = raw(running, correction + b"Content-Length: 9000\r\n\r\n")
        assert (status, problem["code"]) == (401, "token_missing")
        # AND what fits arrives
        with closing(HTTPConnection(HOST, running.port, timeout=10)) as connection:
            connection.request("POST", "/uploads")
            assert read(connection) == (200, b"0")
            connection.request("POST", "/r/1/correction", b"x" * 10_000, {"Authorization": "Bearer any"})
            assert read(connection) == (200, b"10000")


def test_what_is_refused_before_the_application_is_logged_with_its_code(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    # WHEN requests are refused: for their host, their path, their form and their size
    caplog.set_level(logging.INFO, logger="toy")
    ids = [
        raw(running, request)[1]["request_id"]
        for request in (
            b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            b"GET /nowhere?lat=12.3456 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
            POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1),
        )
    ]
    # THEN the log has the code of each, and the id that the client can quote
    found = [fields_of(each) for each in caplog.records if each.name == "toy"]
    assert [each["request_id"] for each in found] == ids
    codes = ["misdirected_request", "not_found", "bad_request", "photo_too_large"]
    assert [each["code"] for each in found] == codes
    assert [each["route"] for each in found] == [*["(no such path)"] * 3, "/identify/length"]


def test_a_request_that_the_server_no_longer_waits_for_gets_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a photo that takes longer than the server waits when it stops
    monkeypatch.setattr("faunalens.web.server.SHUTDOWN_SECONDS", 0.2)
    with Running() as running, closing(HTTPConnection(HOST, running.port, timeout=10)) as connection:
        connection.request("POST", "/identify/held", b"x")
        assert running.toy.entered.wait(30)
        # WHEN it stops THEN the client learns that it may try again
        running.server.should_exit = True
        with connection.getresponse() as response:
            problem = json.loads(response.read())
            assert (response.status, problem["code"], response.getheader("Retry-After")) == (503, "unavailable", "1")
        assert "stopping" in problem["detail"]
    # AND the last pulse counts it
    assert running.pulses[-1].metrics["CutOff"] == 1


def test_bodies_in_memory_are_bounded() -> None:
    with Running(body_bytes=150_000) as running:
        # GIVEN a client that has sent 90 KB and is still sending
        with dial(running) as sender:
            sender.sendall(POST + b"Content-Length: 100000\r\n\r\n" + bytes(90_000))
            wait_until(lambda: is_full(running))
            # WHEN another announces 100 KB THEN it is refused before it sends
            head = POST + b"Content-Length: 100000\r\n\r\n"
            status, problem = raw(running, head)
            assert (status, problem["code"]) == (503, "unavailable")
        # AND once the first is gone, the next is welcome
        wait_until(lambda: not is_full(running))
        with closing(HTTPConnection(HOST, running.port, timeout=10)) as connection:
            connection.request("POST", "/identify/length", b"x" * 100_000)
            assert read(connection) == (200, b"100000")


def is_full(running: Running) -> bool:
    """Return whether another body of 100 KB would be refused."""
    try:
        with running.asgi.memory.receiving(100_000):
            return False
    except Unavailable:
        return True
