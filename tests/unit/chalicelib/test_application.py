"""The application states its limits, and keeps the public from the database's health check."""

import io
import json
import logging
from pathlib import Path

import pytest
from PIL import Image

from chalicelib.api.http import Request, Response
from chalicelib.api.page import page_key
from chalicelib.application import Application
from chalicelib.config.casts import rate_limits
from chalicelib.config.settings import Deployment, Settings
from chalicelib.routes import ROUTES
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import DIMENSIONS
from chalicelib.telemetry.record import ColdStart
from tests.support.pictures import encoded
from tests.unit.chalicelib.two_datasets import FROG, TwoDatasets, services_in

LIMITS = rate_limits("* key=600/60, /animals service=1800/60")
ROUTE = {(route.method, route.path): route for route in ROUTES}


def respond(method: str, path: str, request: Request, **settings: object) -> Response:
    application = Application(Settings(Deployment(**settings)), logging.getLogger("test"), ColdStart(0.0))  # type: ignore[arg-type]
    return application.respond(ROUTE[method, path], request)


def test_answers_of_the_api_name_its_limits() -> None:
    # WHEN a stage has limits THEN even a refusal of a keyed route names them
    refused = respond("GET", "/animals", Request("r-1"), rate_limits=LIMITS)
    assert refused.status == 422
    assert refused.headers["RateLimit-Policy"] == '"key";q=600;w=60, "service";q=1800;w=60'
    # AND how much is left is not known
    assert "RateLimit" not in refused.headers
    # AND other routes name none, nor does a stage without limits
    page = respond("GET", "/openapi.json", Request("r-1"), rate_limits=LIMITS)
    assert "RateLimit-Policy" not in page.headers
    assert "RateLimit-Policy" not in respond("GET", "/animals", Request("r-1")).headers


def test_the_page_has_other_limits_than_keys() -> None:
    request = Request("r-1", {"x-api-key": page_key("dev", "a1b2c3d4e5")}, api_id="a1b2c3d4e5")
    refused = respond("GET", "/animals", request, rate_limits=LIMITS, stage="dev")
    assert refused.headers["RateLimit-Policy"] == '"service";q=1800;w=60'


def test_the_public_may_not_wake_the_database() -> None:
    # GIVEN a request that came through API Gateway WHEN it asks for the deep check THEN it is refused
    request = Request("r-1", query={"deep": ["true"]}, api_id="a1b2c3d4e5")
    refused = respond("GET", "/health", request)
    assert (refused.status, json.loads(refused.body)["code"]) == (403, "forbidden")
    assert "by invoking the function" in json.loads(refused.body)["detail"]


@pytest.mark.parametrize("api_keys", [True, False])
def test_the_page_gets_its_own_key_if_keys_are_demanded(api_keys: bool) -> None:
    page = respond("GET", "/", Request("r-1", api_id="a1b2c3d4e5"), stage="dev", api_keys=api_keys)
    head = '<base href="/"><meta name="api-key" content="faunalensdevpagea1b2c3d4e5">'
    assert (head in str(page.body)) is api_keys
    document = json.loads(respond("GET", "/openapi.json", Request("r-1"), api_keys=api_keys).body)
    assert ("security" in document["paths"]["/identify"]["post"]) is api_keys


def test_an_answer_is_counted_in_its_classes_for_a_later_lookup(tmp_path: Path) -> None:
    # GIVEN an application that identifies a photo of a place
    services = services_in(tmp_path, TwoDatasets(FROG))
    application = Application(Settings(), logging.getLogger("test"), ColdStart(0.0))
    application.services = lambda: services  # type: ignore[method-assign]
    application.emitter = Emitter("faunalens", "test", io.StringIO())
    photo = encoded(Image.new("RGB", (64, 64), (180, 148, 0)), "PNG")
    request = Request("r-1", {"content-type": "image/png"}, {"lat": ["52.5"], "lon": ["13.4"]}, body=photo)
    assert application.respond(ROUTE["POST", "/identify"], request).status == 200
    # THEN what it was like goes to Redis with the next lookup
    seen = services.features._demand.take().seen
    assert {name.partition(":")[0] for name in seen} == set(DIMENSIONS["population"].values)
    assert seen["subject:animal"] == 1
