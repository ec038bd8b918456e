"""The smoke test, against the real app and against fake deployments."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from infra import smoke
from infra.step import PreconditionFailed
from tests.integration.conftest import Served


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}/"


def test_a_stage_that_works_passes(served: Served) -> None:
    output: list[str] = []
    smoke.check(url(served), output.append)
    assert [line.split()[0] for line in output] == ["model", "cache", "database", "animals", "identify"]
    assert "(narrowed," in output[-1]


def test_the_health_of_a_function_counts_where_the_public_may_not_ask(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a stage whose function reports a failing database, which the public does not hear about
    well = {"state": "ok", "detail": None}
    sick = {"status": "degraded", "model": well, "cache": well, "database": {"state": "failing", "detail": "no"}}
    # WHEN the stage is tested THEN it fails
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(PreconditionFailed, match=r"database is failing \(no\)"):
        smoke.check(url(served), lambda _: None, ask_health=lambda: sick)


class RegionalDeployment(BaseHTTPRequestHandler):
    """A fake deployment whose data covers only places between two longitudes."""

    strip = (0.0, 0.0)
    throttled_call, key = 2, "the-page"

    def do_GET(self) -> None:
        if self.path.startswith("/health"):
            well = {"state": "ok", "detail": None}
            return self.answer({"status": "ok", "model": well, "cache": well, "database": well})
        self.server.calls = getattr(self.server, "calls", 0) + 1  # type: ignore[attr-defined]
        if self.server.calls == self.throttled_call:  # type: ignore[attr-defined]
            return self.send_error(429)
        if self.headers["X-Api-Key"] != self.key:
            return self.send_error(403)
        longitude = float(parse_qs(urlsplit(self.path).query)["lon"][0])
        known = self.strip[0] <= longitude <= self.strip[1]
        return self.answer(
            {
                "animals": [{"animal": 1}] if known else [],
                "location": {"areas": ["CR"]},
                "features": {"mode": "narrowed" if known else "unknown_area", "cache": "miss"},
            }
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer({"message": "No animal.", "features": {"mode": "narrowed"}, "timings_ms": {"total": 1.0}})

    def answer(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def regional_deployment(strip: tuple[float, float]) -> Iterator[str]:
    handler = type("Strip", (RegionalDeployment,), {"strip": strip})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_stage_with_data_of_one_country_passes_too() -> None:
    # GIVEN data of Costa Rica and its neighbours only WHEN the stage is tested
    output: list[str] = []
    with regional_deployment((-86.0, -82.0)) as url:
        smoke.check(url, output.append, key="the-page")
    # THEN the test finds a place there, with the key, although the API throttles it once
    assert re.match(r"animals   1 live around lat=-?\d+\.\d&lon=-8[2-6]\.\d \(CR\), features from miss", output[3])


def test_a_stage_without_data_fails() -> None:
    with regional_deployment((200.0, 200.0)) as url, pytest.raises(PreconditionFailed, match="load the data"):
        smoke.check(url, lambda _: None, key="the-page")


def test_a_stage_without_its_stores_does_not(served_alone: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(PreconditionFailed, match="cache is failing"):
        smoke.check(url(served_alone), lambda _: None)


def test_a_url_that_does_not_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(PreconditionFailed, match=r"http://127\.0\.0\.1:1/health\?deep=true did not respond"):
        smoke.check("http://127.0.0.1:1/", lambda _: None)


@pytest.mark.parametrize(
    "body", ['{"code": "unavailable", "detail": "the model is not ready"}', "<html>the model is not ready"]
)
def test_the_error_contains_an_unreadable_health_answer(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    # GIVEN a stage whose health check answers with a problem, or with HTML of a proxy
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
        # WHEN it is tested THEN the error contains that answer
        with pytest.raises(PreconditionFailed, match=r"returned status 503: .*the model is not ready"):
            smoke.check(f"http://127.0.0.1:{server.server_port}/", lambda _: None)
        server.shutdown()
