"""The dashboards beside an app on the local server: a separate process, behind the app's routes."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest

from chalicelib.api.http import Route
from chalicelib.errors import HTTPError, InternalError, Unavailable
from faunalens.web.asgi import Asgi
from faunalens.web.server import build_server, print_request
from faunalens.web.settings import WebSettings
from local import serve
from local.serve import Dashboards
from local.stack.ports import HOST
from tests.integration.faunalens.web.test_server import Toy, root
from tests.support.servers import in_thread


@contextmanager
def served(shown: Dashboards | None) -> Iterator[HTTPConnection]:
    """Serve an application with one route, with or without dashboards; yield a connection to it."""
    settings = WebSettings()
    asgi = Asgi(cast("Any", Toy()), settings, print_request, [Route("GET", "/", root)], beside=shown)
    with (
        in_thread(build_server(asgi, HOST, 0, settings)) as port,
        closing(HTTPConnection(HOST, port, timeout=30)) as connection,
    ):
        yield connection


def get(connection: HTTPConnection, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.headers.get("Content-Type", ""), response.read()


@pytest.fixture(scope="module")
def dashboards_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboards]:
    """Dashboards of a server that has written no metrics yet."""
    running = Dashboards(tmp_path_factory.mktemp("run") / "metrics.jsonl")
    yield running
    running.close()


def test_they_are_served_where_the_app_has_no_route(dashboards_process: Dashboards) -> None:
    with served(dashboards_process) as connection:
        # WHEN a client requests them
        assert get(connection, "/dashboards")[0] == 302
        status, kind, body = get(connection, "/dashboards/service")
        # THEN it gets a page and its data, even before there are metrics
        assert (status, kind, b"<title>" in body) == (200, "text/html; charset=utf-8", True)
        assert get(connection, "/dashboards/service", "HEAD") == (200, kind, b"")
        data = json.loads(get(connection, "/dashboards/data/service")[2])
        assert (data["live"], data["stage"]) == (True, "local")
        # THEN the app still answers on its own routes
        assert get(connection, "/")[2] == b'{"hello":"there"}'
        assert get(connection, "/dashboardsandmore")[0] == 404
    # AND without a file of metrics there are none
    with served(None) as connection:
        assert get(connection, "/dashboards/")[0] == 404


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/dashboards/12.3456", "GET", 404, "not_found"),
        ("/dashboards/caf%C3%A9%20and%0Atea", "GET", 404, "not_found"),
        ("/dashboards/service", "POST", 405, "method_not_allowed"),
    ],
)
def test_their_errors_are_problems(
    path: str, method: str, status: int, code: str, dashboards_process: Dashboards
) -> None:
    with served(dashboards_process) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        problem = json.loads(response.read())
    assert (response.status, response.headers["Content-Type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, code)
    assert response.headers["Allow"] == ("GET, HEAD" if status == 405 else None)
    # AND none repeats what was asked for
    assert "12.3456" not in problem["detail"]


def test_after_a_crash_they_are_started_again(dashboards_process: Dashboards) -> None:
    with served(dashboards_process) as connection:
        assert get(connection, "/dashboards/")[0] == 200
        dashboards_process.child.kill()
        assert get(connection, "/dashboards/")[0] == 200


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Mock(side_effect=TimeoutError("timed out")), Unavailable),
        (Mock(return_value=(500, {}, b"Internal Server Error")), InternalError),
    ],
    ids=["no response", "an error that is no problem"],
)
def test_a_process_that_fails_is_an_error_that_names_its_log(
    answer: Mock, error: type[HTTPError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dashboards, "_start", lambda _: 1)
    monkeypatch.setattr(serve, "http_get", answer)
    with pytest.raises(error, match=r"see dashboards\.log of this run"):
        Dashboards(tmp_path / "metrics.jsonl").respond("/dashboards/")


def test_if_they_do_not_start_the_response_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a process that exits at once
    monkeypatch.setattr(serve, "COMMAND", ("-c", "import sys; sys.exit('no dashboards today')"))
    with served(Dashboards(tmp_path / "metrics.jsonl")) as connection:
        status, kind, body = get(connection, "/dashboards/")
    assert (status, kind) == (503, "application/problem+json")
    assert "no dashboards today" in json.loads(body)["detail"]
