"""The last step of bringing a stage up, against the app itself."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from infra import smoke
from infra.step import Refused
from tests.integration.conftest import Served


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}/"


def test_a_stage_that_works_passes(served: Served) -> None:
    said: list[str] = []
    smoke.check(url(served), said.append)
    assert [line.split()[0] for line in said] == ["model", "cache", "database", "animals", "identify"]
    assert "(narrowed," in said[-1]


def test_a_stage_without_its_stores_does_not(served_alone: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(Refused, match="cache is failing"):
        smoke.check(url(served_alone), lambda _: None)


def test_nothing_at_the_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(Refused, match=r"http://127\.0\.0\.1:1/health\?deep=true did not answer"):
        smoke.check("http://127.0.0.1:1/", lambda _: None)


@pytest.mark.parametrize(
    "body", ['{"code": "unavailable", "detail": "the model is not ready"}', "<html>the model is not ready"]
)
def test_a_stage_that_cannot_even_tell_its_health_is_told_in_its_words(
    monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    # GIVEN a stage whose health is a problem, or words of whatever stands before it
    class Down(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with HTTPServer(("127.0.0.1", 0), Down) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        # WHEN it is checked THEN what was said is passed on
        with pytest.raises(Refused, match=r"answered 503: .*the model is not ready"):
            smoke.check(f"http://127.0.0.1:{server.server_port}/", lambda _: None)
        server.shutdown()
