"""The dashboards beside an app on the local server: in a process of their own, behind the app's routes."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import pytest
from chalice.app import Chalice

from local.http import dashboards
from local.http import gateway as http
from local.http.dashboards import Dashboards, is_below
from local.stack.child import Child, alive, descendants
from local.stack.errors import LocalError
from local.stack.ports import HOST

GONE = 10.0


@contextmanager
def served(app: Chalice, shown: Dashboards | None) -> Iterator[HTTPConnection]:
    """A connection to the app on the local server, with dashboards or without."""
    server = http.build_server(app, HOST, 0, photo_max_bytes=1000, dashboards=shown)
    thread = Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    connection = HTTPConnection(HOST, server.server.server_address[1], timeout=30)
    try:
        yield connection
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server.server_close()


def toy(path: str = "/") -> Chalice:
    """An app with one route."""
    app = Chalice(app_name="toy")

    @app.route(path)
    def own() -> dict[str, str]:
        return {"whose": "the app's"}

    return app


def get(connection: HTTPConnection, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.headers.get("Content-Type", ""), response.read()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboards]:
    """Dashboards of a server that has written nothing yet."""
    running = Dashboards(tmp_path_factory.mktemp("run") / "metrics.jsonl")
    yield running
    running.close()


def test_they_are_shown_where_the_app_has_no_route(shown: Dashboards, capsys: pytest.CaptureFixture[str]) -> None:
    with served(toy(), shown) as connection:
        # WHEN they are asked for
        assert get(connection, "/dashboards")[0] == 302
        status, kind, body = get(connection, "/dashboards/service")
        # THEN a page comes, its data as well, also before there are any
        assert (status, kind, b"<title>" in body) == (200, "text/html; charset=utf-8", True)
        data = json.loads(get(connection, "/dashboards/data/service")[2])
        assert (data["live"], data["stage"]) == (True, "local")
        # THEN the app is as it was
        assert get(connection, "/")[2] == b'{"whose":"the app\'s"}'
        assert get(connection, "/dashboardsandmore")[0] == 404
        assert get(connection, "/dashboards/service", "POST")[0] == 404
    # THEN the log has no line for each look
    assert "/dashboards 200" not in capsys.readouterr().out


def test_an_app_that_has_the_route_keeps_it(shown: Dashboards) -> None:
    with served(toy("/dashboards"), shown) as connection:
        assert get(connection, "/dashboards")[2] == b'{"whose":"the app\'s"}'


def test_without_a_file_of_metrics_there_are_none() -> None:
    with served(toy(), None) as connection:
        assert get(connection, "/dashboards/")[0] == 404


def test_if_they_cannot_be_had_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a process that ends by itself
    monkeypatch.setattr(dashboards, "COMMAND", ("-c", "import sys; sys.exit('no dashboards today')"))
    with served(toy(), Dashboards(tmp_path / "metrics.jsonl")) as connection:
        status, kind, body = get(connection, "/dashboards/")
    assert (status, kind) == (503, "application/problem+json")
    assert "no dashboards today" in json.loads(body)["detail"]


def test_they_are_started_again_after_they_died_and_end_with_us(tmp_path: Path) -> None:
    # GIVEN a process that somebody kills
    running = Dashboards(tmp_path / "metrics.jsonl")
    assert running.answer("/dashboards/")[0] == 200
    assert running.child is not None
    running.child.kill()
    # WHEN somebody looks, THEN there is another
    assert running.answer("/dashboards/")[0] == 200
    child = running.child
    running.close()
    assert not child.running
    running.close()  # twice is fine


def test_they_go_when_the_server_is_killed(tmp_path: Path) -> None:
    # GIVEN a process that has started dashboards
    code = (
        "import sys, time; from pathlib import Path; from local.http.dashboards import Dashboards\n"
        f"Dashboards(Path({str(tmp_path / 'metrics.jsonl')!r})).answer('/dashboards/'); print('shown', flush=True)\n"
        "time.sleep(60)"
    )
    log = tmp_path / "log"
    with Child("the server", [sys.executable, "-c", code], log=log) as server:
        server.wait_until(lambda: "shown" in log.read_text(), 30)
        family = descendants(server.pid)
        assert family
        # WHEN it alone is killed, as by the kernel
        os.kill(server.pid, signal.SIGKILL)
        server.wait(GONE)
        # THEN nothing of them is left
        with Child("a clock", ["sleep", str(GONE)]) as clock:
            clock.wait_until(lambda: not any(alive(pid) for pid in family), GONE)


def test_an_answer_that_does_not_come_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Dashboards(tmp_path / "metrics.jsonl")
    assert running.answer("/dashboards/")[0] == 200
    monkeypatch.setattr(dashboards, "ANSWER_TIMEOUT", 0.2)
    assert running.child is not None
    running.child.pause()
    with pytest.raises(LocalError, match="the dashboards did not answer"):
        running.answer("/dashboards/")
    running.child.resume()
    running.close()


@pytest.mark.parametrize(
    ("address", "below"),
    [("/dashboards", True), ("/dashboards/x?y", True), ("/dashboards?x", True), ("/dashboardsx", False), ("/", False)],
)
def test_what_is_below_them(address: str, below: bool) -> None:
    assert is_below(address) is below


@pytest.mark.parametrize(
    ("first", "status"), [(b"\x16\x03\x01\x02", 400), (b"GET", 400), (b"GET /" + b"a" * 70_000 + b" HTTP/1.1", 414)]
)
def test_what_is_no_request_is_refused_beside_them_too(
    first: bytes, status: int, shown: Dashboards, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a server that looks whether a path is one of theirs
    with served(toy(), shown) as connection, socket.create_connection((HOST, connection.port), timeout=30) as sender:
        # WHEN somebody speaks TLS to it, or sends what has no path, or one without end
        sender.sendall(first + b"\r\nHost: x\r\n\r\n")
        # THEN that is answered, in one line of the log and without a stack trace
        assert sender.recv(1000).startswith(f"HTTP/1.1 {status} ".encode())
    logged = capsys.readouterr()
    assert f"? (no such path) {status} 0 ms" in logged.out
    assert logged.err == ""
