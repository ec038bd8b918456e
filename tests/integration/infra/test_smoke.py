"""The smoke test, against the real app and against fake deployments."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from werkzeug import Request, Response
from werkzeug.serving import make_server

from infra import invoke, smoke
from infra.stage import Stage
from infra.step import PreconditionFailed, run
from local.stack.ports import serving
from tests.integration.conftest import Served
from tests.support.aws import REGION, account

WELL: dict[str, Any] = {"state": "ok", "detail": None}
HEALTHY = {"status": "ok", "model": WELL, "cache": WELL, "database": WELL}


def healthy() -> dict[str, Any]:
    return HEALTHY


@contextmanager
def regional_deployment(strip: tuple[float, float], *caches: str) -> Iterator[str]:
    """Serve a fake deployment whose data covers only places between two longitudes. It throttles the second call.

    `caches`: where the features of the first identification come from, of the second, and so on.
    """
    left, calls = list(caches or ("miss", "hit", "memory")), count(1)

    @Request.application
    def answer(request: Request) -> Response:
        if request.method == "POST":
            features = {"mode": "narrowed", "cache": left.pop(0) if len(left) > 1 else left[0]}
            return Response(json.dumps({"message": "No animal.", "features": features, "timings_ms": {"total": 1.0}}))
        if next(calls) == 2:
            return Response(status=429)
        if request.headers["X-Api-Key"] != "the-page":
            return Response(status=403)
        known = strip[0] <= float(request.args["lon"]) <= strip[1]
        features = {"mode": "narrowed" if known else "unknown_area", "cache": "miss"}
        found = {"animals": [1] * known, "location": {"areas": ["CR"]}, "features": features}
        return Response(json.dumps(found))

    with serving(server := make_server("127.0.0.1", 0, answer, threaded=True)):
        yield f"http://127.0.0.1:{server.port}/"


def test_the_command_tests_api_metrics_and_alarms(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a stage that serves photos, whose metrics arrive, and with a confirmed address for alarms
    url, output = f"http://127.0.0.1:{served.port}/", list[str]()
    with account() as aws:
        topic = aws.client("sns").create_topic(Name="faunalens-dev-alarms")["TopicArn"]
        aws.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.org")
        dimensions = [{"Name": "service", "Value": "faunalens"}, {"Name": "stage", "Value": "dev"}]
        metric = {"MetricName": "Identifications", "Dimensions": dimensions, "Value": 2.0, "Unit": "Count"}
        steps = smoke.steps(Stage("dev", REGION, None, {}))
        aws.client("cloudwatch").put_metric_data(Namespace="Faunalens", MetricData=[metric])
        monkeypatch.setattr(Stage, "client", lambda _, service, **__: aws.client(service))
        monkeypatch.setattr(Stage, "url", url)
        monkeypatch.setattr(Stage, "output", lambda *_: topic)
        monkeypatch.setattr(invoke, "ask_health", lambda *_: json.loads(smoke.fetch(f"{url}health?deep=true").body))
        monkeypatch.setattr(smoke, "check_upload", lambda *_: None)  # this server has no bucket; test_proofs.py has one
        # WHEN the steps run
        run(steps, output.append)
    # THEN each says what it saw, and none prints the address
    headings = [line.partition(":")[0] for line in output if line.startswith("[")]
    assert headings == ["[1/3] api", "[2/3] metrics", "[3/3] alarms"]
    assert "      Identifications: 2, there after 0 s" in output
    assert "      1 of 1 subscriptions confirmed (email)" in output
    assert not any("example.org" in line for line in output)
    # AND the API is tried part by part, with how long the sign-ins took
    model, *stores, animals, identify, memory = (line.strip() for line in output[1:7])
    assert [line.split()[0] for line in (model, animals)] == ["model", "animals"]
    for name, line in zip(("cache", "database"), stores, strict=True):
        assert re.fullmatch(rf"{name} +ok signed in after \d+\.\d{{3}} s", line)
    assert re.match(r"identify .*\(narrowed,", identify)
    assert re.fullmatch(r"memory    attempt \d: features from memory \(\d+ ms\)", memory)


def test_a_stage_with_data_of_one_country_passes_too() -> None:
    # GIVEN data of Costa Rica and its neighbours only WHEN the stage is tested
    output: list[str] = []
    with regional_deployment((-86.0, -82.0)) as url:
        smoke.check(url, output.append, healthy, "the-page")
    # THEN the test finds a place there, with the key, although the API throttles it once
    assert re.match(r"animals   1 live around lat=-?\d+\.\d&lon=-8[2-6]\.\d \(CR\), features from miss", output[3])
    # AND waits for the memory of the container that answers
    assert output[-1].startswith("memory    attempt 2: ")


@pytest.mark.parametrize(
    ("longitude", "message"),
    [(-84.0, "features.cache is not `memory` in 10 repeated identifications, but hit"), (200.0, "load the data")],
)
def test_a_stage_that_remembers_nothing_or_has_no_data_fails(longitude: float, message: str) -> None:
    with (
        regional_deployment((longitude - 2, longitude + 2), "miss", "hit") as url,
        pytest.raises(PreconditionFailed, match=message),
    ):
        smoke.check(url, lambda _: None, healthy, "the-page")


def test_a_part_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    sick = {**HEALTHY, "status": "degraded", "database": {"state": "failing", "detail": "no"}}
    monkeypatch.setattr(smoke, "PATIENCE", 0.0)
    with pytest.raises(PreconditionFailed, match=r"database is failing \(no\)"):
        smoke.check("http://127.0.0.1:1/", lambda _: None, lambda: sick)


def test_it_waits_for_a_sign_in_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a stage whose database signs in slowly: the third health check finds the sign-in through
    monkeypatch.setattr(smoke, "PAUSE", 0.01)
    signing_in = {**HEALTHY, "status": "degraded", "database": {"state": "failing", "detail": "postgres_signing_in"}}
    states = iter([signing_in, signing_in, {**HEALTHY, "database": {**WELL, "sign_in_milliseconds": 14_230.0}}])
    # WHEN it is tested THEN the test says what it waits for, and how long the sign-in took
    output: list[str] = []
    with regional_deployment((-180.0, 180.0)) as url:
        smoke.check(url, output.append, lambda: next(states), "the-page")
    assert output[:4] == [
        "waiting   database postgres_signing_in, after 0 s",
        "model     ok",
        "cache     ok",
        "database  ok signed in after 14.230 s",
    ]
