"""The OpenAPI document: valid, complete, and made from what is enforced."""

import json

import jsonschema
import pytest

from chalicelib import errors
from chalicelib.api.body import PHOTO_TYPES
from chalicelib.api.openapi import document, http_errors
from chalicelib.api.parameters import IDENTIFY, PLACE
from chalicelib.api.problem import problem_of

DOCUMENT = document("1.2.3", "/dev/")


def test_it_names_its_version_and_where_it_is() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["info"]["version"] == "1.2.3"
    assert DOCUMENT["servers"] == [{"url": "/dev/"}]


def test_parameters_are_those_that_are_enforced() -> None:
    post = DOCUMENT["paths"]["/identify"]["post"]
    assert [each["name"] for each in post["parameters"]] == [each.name for each in IDENTIFY]
    get = DOCUMENT["paths"]["/animals"]["get"]
    assert [(each["name"], each["required"]) for each in get["parameters"]] == [(each.name, True) for each in PLACE]


@pytest.mark.parametrize(
    "path", ["/identify", "/uploads", "/uploads/{id}/identify", "/animals", "/health", "/openapi.json"]
)
def test_every_path_that_refuses_unknown_parameters_says_so(path: str) -> None:
    (operation,) = DOCUMENT["paths"][path].values()
    assert list(operation["responses"]["400"]["content"]) == ["application/problem+json"]


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_path_says_what_it_answers_when_it_cannot(path: str) -> None:
    (operation,) = DOCUMENT["paths"][path].values()
    for status in ("429", "500", "503"):
        assert "application/problem+json" in operation["responses"][status]["content"]
    # AND when to come again
    assert operation["responses"]["429"]["headers"]["Retry-After"]["schema"]["type"] == "integer"
    assert operation["responses"]["503"]["headers"].keys() == {"Retry-After"}
    assert "headers" not in operation["responses"]["500"]


def test_a_service_that_is_down_tells_its_health_if_it_can() -> None:
    responses = DOCUMENT["paths"]["/health"]["get"]["responses"]
    assert [*responses["503"]["content"]] == ["application/json", "application/problem+json"]


def test_an_uploaded_photo_takes_the_same_parameters() -> None:
    first, *others = DOCUMENT["paths"]["/uploads/{id}/identify"]["post"]["parameters"]
    assert (first["name"], first["in"]) == ("id", "path")
    assert [each["name"] for each in others] == [each.name for each in IDENTIFY]


def test_bodies_are_those_that_are_read() -> None:
    content = DOCUMENT["paths"]["/identify"]["post"]["requestBody"]["content"]
    assert set(content) == {*PHOTO_TYPES, "multipart/form-data"}


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_valid_json_schema_and_described(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]


@pytest.mark.parametrize("kind", http_errors())
def test_every_error_fits_the_problem_schema(kind: type[errors.HTTPError]) -> None:
    jsonschema.validate(problem_of(kind("what to do"), "r-1"), DOCUMENT["components"]["schemas"]["Problem"])


def test_every_error_of_the_tree_is_found() -> None:
    assert {each.code for each in http_errors()} >= {"bad_request", "photo_too_large", "internal", "unavailable"}
    assert len(http_errors()) == 12
