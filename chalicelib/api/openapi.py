"""The OpenAPI document (3.1), made from the code that enforces the contract: parameters, answers, errors."""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from chalicelib import errors
from chalicelib.api.body import PHOTO_TYPES
from chalicelib.api.form import MEDIA_TYPE as FORM
from chalicelib.api.form import PHOTO_FIELD
from chalicelib.api.health import Health
from chalicelib.api.parameters import DEEP, IDENTIFY, PLACE, Parameter
from chalicelib.api.problem import MEDIA_TYPE as PROBLEM
from chalicelib.api.responses import Answer, Residents, Upload

_UPLOAD_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "Identifier that POST /uploads gave.",
    "schema": {"type": "string"},
}
_ANYWHERE: tuple[type[errors.HTTPError], ...] = (errors.TooManyRequests, errors.InternalError, errors.Unavailable)
"""What any path can answer."""
_COME_AGAIN = (errors.TooManyRequests.status, errors.Unavailable.status)
_RETRY_AFTER = {"Retry-After": {"description": "When to try again, in seconds.", "schema": {"type": "integer"}}}
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def document(version: str, base: str) -> dict[str, Any]:
    """The whole document.

    Parameters: version, of the API; base, URL or path that the paths are below.
    """
    photo_errors: list[type[errors.HTTPError]] = [
        errors.BadRequest,
        errors.PhotoTooLarge,
        errors.UnsupportedMediaType,
        errors.PhotoUnreadable,
        errors.LocationMissing,
        errors.LocationInvalid,
    ]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Faunalens",
            "version": version,
            "summary": "A photo goes in, the animal comes out, and where it was taken decides between look-alikes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "paths": {
            "/identify": {
                "post": {
                    "operationId": "identify",
                    "summary": "Which animal a photo shows",
                    "parameters": [_parameter(each) for each in IDENTIFY],
                    "requestBody": {"required": True, "content": _photo_content()},
                    "responses": _responses(Answer, photo_errors),
                }
            },
            "/uploads": {
                "post": {
                    "operationId": "upload",
                    "summary": "A form for a photo too large for a request",
                    "responses": _responses(Upload, [errors.BadRequest, errors.NotFound], status=201),
                }
            },
            "/uploads/{id}/identify": {
                "post": {
                    "operationId": "identify_upload",
                    "summary": "Which animal an uploaded photo shows",
                    "parameters": [_UPLOAD_ID, *(_parameter(each) for each in IDENTIFY)],
                    "responses": _responses(Answer, [*photo_errors, errors.UploadMissing, errors.NotFound]),
                }
            },
            "/animals": {
                "get": {
                    "operationId": "animals",
                    "summary": "Which animals live at a place",
                    "parameters": [{**_parameter(each), "required": True} for each in PLACE],
                    "responses": _responses(
                        Residents, [errors.BadRequest, errors.LocationMissing, errors.LocationInvalid]
                    ),
                }
            },
            "/health": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether each part works",
                    "parameters": [_parameter(DEEP)],
                    "responses": _health_responses(),
                }
            },
            "/openapi.json": {
                "get": {
                    "operationId": "openapi",
                    "summary": "This document",
                    "responses": {
                        "200": {"description": "OpenAPI 3.1", "content": {"application/json": {}}},
                        **_refusals([errors.BadRequest, *_ANYWHERE]),
                    },
                }
            },
            "/": {
                "get": {
                    "operationId": "page",
                    "summary": "The page for people",
                    "responses": {
                        "200": {"description": "HTML", "content": {"text/html": {}}},
                        **_refusals(_ANYWHERE),
                    },
                }
            },
        },
        "components": {
            "schemas": {
                name: schema
                for answer in (Answer, Residents, Upload, Health)
                for name, schema in _schemas(answer).items()
            }
            | {"Problem": _problem()}
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.help,
        "schema": dict(parameter.schema),
    }


def _photo_content() -> dict[str, Any]:
    fields = {each.name: {**each.schema, "description": each.help} for each in IDENTIFY}
    form = {
        "type": "object",
        "required": [PHOTO_FIELD],
        "properties": {PHOTO_FIELD: {"description": "The photo."}, **fields},
    }
    return {**{media: {} for media in PHOTO_TYPES}, FORM: {"schema": form}}


def _responses(answer: type, refusals: Sequence[type[errors.HTTPError]], status: int = 200) -> dict[str, Any]:
    """The answer, the refusals of this path by status, and what any path can answer."""
    return {str(status): _response("The answer.", answer), **_refusals([*refusals, *_ANYWHERE])}


def _health_responses() -> dict[str, Any]:
    """503 is either the health of a service that cannot identify, or a problem where not even that can be had."""
    refusals = _refusals([errors.BadRequest, *_ANYWHERE])
    down = _response("It cannot identify.", Health)
    refusals["503"] |= {"description": down["description"], "content": down["content"] | refusals["503"]["content"]}
    return {"200": _response("It can identify; degraded if a store is down.", Health), **refusals}


def _refusals(refused: Sequence[type[errors.HTTPError]]) -> dict[str, Any]:
    """Refusals by status; those that share one are told together."""
    responses: dict[str, dict[str, Any]] = {}
    for status in sorted({each.status for each in refused}):
        which = [each for each in refused if each.status == status]
        responses[str(status)] = {
            "description": "; ".join(f"`{each.code}`: {each.title}" for each in which) + ".",
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status in _COME_AGAIN:
            responses[str(status)]["headers"] = _RETRY_AFTER
    return responses


def _response(text: str, answer: type) -> dict[str, Any]:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{answer.__name__}"}}},
    }


def _problem() -> dict[str, Any]:
    """Problem details, RFC 9457, with our code and the request's identifier."""
    codes = sorted({each.code for each in http_errors()})
    return {
        "description": "What went wrong (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, what was expected and what to do."},
            "code": {"type": "string", "enum": codes},
            "request_id": {"type": "string"},
        },
    }


@cache
def http_errors() -> tuple[type[errors.HTTPError], ...]:
    """Every error that a client can be told, in the order of the tree."""

    def below(parent: type[errors.HTTPError]) -> Iterator[type[errors.HTTPError]]:
        for child in parent.__subclasses__():
            yield from ([child] if hasattr(child, "code") else below(child))

    return tuple(below(errors.HTTPError))


def _schemas(root: type) -> dict[str, Any]:
    """Schemas of a dataclass and of all that it holds, by name."""
    found: dict[str, Any] = {}
    _schema(root, found)
    return found


def _schema(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a type; dataclasses go to `found` and are referred to."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return {**_schema(arguments[0], found), "description": arguments[1]}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(argument, found) for argument in arguments]}
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], found)}
    if origin is tuple:
        items = [_schema(argument, found) for argument in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], found)}
    if is_dataclass(kind):
        return _dataclass_schema(kind, found)
    return {"type": _JSON_TYPES[kind]}


def _dataclass_schema(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in found:
        found[kind.__name__] = {}  # in case it holds itself
        hints = get_type_hints(kind, include_extras=True)
        found[kind.__name__] = {
            "description": (kind.__doc__ or "").split("\n")[0],
            "type": "object",
            "additionalProperties": False,
            "required": list(hints),
            "properties": {name: _schema(hint, found) for name, hint in hints.items()},
        }
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
