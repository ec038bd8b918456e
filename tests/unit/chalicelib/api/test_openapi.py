"""The OpenAPI document: valid, complete, and generated from the definitions that the app enforces."""

import json
from datetime import date
from typing import Any, TypedDict

import jsonschema
import pytest

from chalicelib import errors
from chalicelib.api.http import Route, problem_of
from chalicelib.api.openapi import document, schemas_of, text_of
from chalicelib.api.parameters import PHOTO_TYPES
from chalicelib.routes import ROUTES

DOCUMENT = document(ROUTES, "1.2.3", "/dev/")


def test_an_api_key_is_declared_where_the_deployment_demands_one() -> None:
    # GIVEN a deployment without keys THEN no operation has a security requirement
    assert "securitySchemes" not in DOCUMENT["components"]
    assert not any("security" in each for path in DOCUMENT["paths"].values() for each in path.values())
    # WHEN a deployment demands keys THEN the operations that cost something need one, and no other
    found = document(ROUTES, "1.2.3", "/dev/", api_keys=True)
    ((name, scheme),) = found["components"]["securitySchemes"].items()
    assert scheme == {"type": "apiKey", "in": "header", "name": "x-api-key"}
    keyed = {(route.path, route.method.lower()) for route in ROUTES if route.keyed}
    secured = {(path, method) for path, each in found["paths"].items() for method in each if "security" in each[method]}
    assert secured == keyed
    assert found["paths"]["/identify"]["post"]["security"] == [{name: []}]


def test_the_form_documents_its_rules() -> None:
    form = DOCUMENT["paths"]["/identify"]["post"]["requestBody"]["content"]["multipart/form-data"]
    validator = jsonschema.Draft202012Validator(form["schema"])
    valid: list[dict[str, Any]] = [{}, {"lat": 1, "lon": 2}, {"location": "none"}, {"top": 3}]
    for fields in valid:
        assert validator.is_valid({"photo": "…", **fields})
    invalid: list[dict[str, Any]] = [{"lat": 1}, {"lon": 2}, {"lat": 1, "lon": 2, "location": "none"}, {"lng": 2}]
    for fields in invalid:
        assert not validator.is_valid({"photo": "…", **fields})
    assert form["encoding"]["photo"]["contentType"].split(", ") == [*PHOTO_TYPES]


def test_the_text_of_the_document_is_made_once() -> None:
    text = text_of(ROUTES, "1.2.3", "/dev/", api_keys=True)
    assert json.loads(text) == document(ROUTES, "1.2.3", "/dev/", api_keys=True)
    assert text_of(ROUTES, "1.2.3", "/dev/", api_keys=True) is text


def test_every_schema_is_referenced_and_every_reference_resolves() -> None:
    text = json.dumps(DOCUMENT)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize("route", [each for each in ROUTES if each.method == "POST" and each.most_body is not None])
def test_a_path_without_a_photo_documents_that_a_body_may_be_too_large(route: Route) -> None:
    responses = DOCUMENT["paths"][route.path]["post"]["responses"]
    assert "`body_too_large`" in responses["413"]["description"]


@pytest.mark.parametrize("kind", errors.http_errors())
def test_every_error_fits_the_problem_schema(kind: type[errors.HTTPError]) -> None:
    jsonschema.validate(problem_of(kind("what to do"), "r-1"), DOCUMENT["components"]["schemas"]["Problem"])


def test_a_field_of_a_class_without_a_schema_is_an_error() -> None:
    class Photo(TypedDict):
        taken: date

    with pytest.raises(AttributeError):
        schemas_of(Photo)
