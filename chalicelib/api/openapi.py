"""The OpenAPI 3.1 document, generated from the app's routes, parameters, responses and errors, and from range.json."""

import json
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from chalicelib import errors
from chalicelib.api.health import Health
from chalicelib.api.http import (
    GEOJSON,
    KEY_HEADER,
    LEFT_HEADER,
    POLICY_HEADER,
    PROBLEM_TYPE,
    Operation,
    Parameter,
    Route,
)
from chalicelib.api.parameters import FORM_TYPE, IDENTIFY, LAT, LOCATION, LON, MOST_PHOTOS, PHOTO_FIELD, PHOTO_TYPES
from chalicelib.api.responses import Answer, Residents, Upload
from chalicelib.api.taxa import TaxonFacts, TaxonList


def path_id(description: str, name: str = "id") -> dict[str, Any]:
    """Return the OpenAPI definition of the path parameter called `name`."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


_IN_PATHS = {
    "/uploads/{id}": path_id("Id from the response of POST /uploads."),
    "/taxa/{id}": path_id("Stable id of an animal that models know, as in candidates[].taxon."),
    "/offline/{part}": path_id("Name of a part, as in files[].parts.", "part"),
}
"""Path parameters, by the beginning of the paths that have them."""
_KEPT = {
    "ETag": {"description": "Changes with the response.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "How long the response may be kept.", "schema": {"type": "string"}},
}
_UNCHANGED = {"304": {"description": "The response that the client has (If-None-Match) is still right."}}
_COMMON_ERRORS: tuple[type[errors.HTTPError], ...] = (
    *(errors.BadRequest, errors.Forbidden, errors.TooManyRequests, errors.InternalError, errors.Unavailable),
)
"""Errors that every path can return."""
_TRANSPORT_ERRORS: tuple[type[errors.HTTPError], ...] = (
    *(errors.RequestTimeout, errors.UriTooLong, errors.MisdirectedRequest, errors.HeadersTooLarge),
    errors.VersionNotSupported,
)
"""Errors that the HTTP server can return for every path before any route runs; never on Lambda."""
_RETRYABLE = (errors.TooManyRequests.status, errors.Unavailable.status)
_RETRY_HEADERS = {
    "Retry-After": {"description": "Seconds to wait before the next attempt.", "schema": {"type": "integer"}},
    LEFT_HEADER: {
        "description": "What is left of the limit that refused the request, if that is known: "
        '`"queue";r=0;t=5` (draft-ietf-httpapi-ratelimit-headers).',
        "schema": {"type": "string"},
    },
}
_POLICY = {
    POLICY_HEADER: {
        "description": "The limits of this path, if the deployment has any: "
        '`"service";q=6300;w=60` means 6,300 requests of all clients together in 60 s.',
        "schema": {"type": "string"},
    }
}
_KEY_SCHEME = "apiKey"
_ANSWERS = (Answer, Residents, Upload, Health, TaxonList, TaxonFacts)
"""The types that operations name as their answers."""
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


@lru_cache(4)
def text_of(routes: tuple[Route, ...], version: str, base: str, *, api_keys: bool) -> str:
    """Return the OpenAPI document as JSON. Its arguments are those of `document`, which takes 3 ms."""
    return json.dumps(document(routes, version, base, api_keys=api_keys), separators=(",", ":"), allow_nan=False)


def document(routes: Iterable[Route], version: str, base: str, *, api_keys: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document.

    `routes`: those of the API. `version`: version of the API. `base`: URL or path prefix of the API. `api_keys`:
    whether the deployment demands a key for identifications, uploads, lists of animals and taxa.
    """
    scheme = {"securitySchemes": {_KEY_SCHEME: {"type": "apiKey", "in": "header", "name": KEY_HEADER}}}
    schemas = {name: schema for answer in _ANSWERS for name, schema in schemas_of(answer).items()}
    paths: dict[str, dict[str, Any]] = {}
    for each in routes:
        if each.operation:
            described = _described(each, each.operation, api_keys=api_keys)
            paths.setdefault(each.path, {})[each.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Faunalens",
            "version": version,
            "summary": "Identify the animal in a photo. The photo's location helps to distinguish similar animals.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "paths": paths,
        "components": {
            "schemas": schemas | {"Problem": _problem()},
            "responses": {each.code: _error_response([each]) for each in _TRANSPORT_ERRORS},
            **(scheme if api_keys else {}),
        },
    }


def _described(route: Route, operation: Operation, *, api_keys: bool) -> dict[str, Any]:
    parameters = [*(each for path, each in _IN_PATHS.items() if route.path.startswith(path)), *_query(operation.query)]
    return {
        "operationId": route.name.partition("_")[2],
        "summary": (route.handler.__doc__ or "").split(".")[0],
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": {"required": True, "content": _photo_content()}} if route.most_body is None else {}),
        "responses": _responses(route, operation),
        **({"security": [{_KEY_SCHEME: []}]} if api_keys and route.keyed else {}),
    }


def _query(parameters: Iterable[Parameter]) -> Iterator[dict[str, Any]]:
    for each in parameters:
        required = {"required": True} if each.required else {}
        yield {"name": each.name, "in": "query", "description": each.help, "schema": dict(each.schema)} | required


def _photo_content() -> dict[str, Any]:
    fields = {each.name: {**each.schema, "description": each.help} for each in IDENTIFY}
    files = f"The photo file. Up to {MOST_PHOTOS} photos of one animal are sent as fields of the same name."
    form = {
        "type": "object",
        "required": [PHOTO_FIELD],
        "properties": {PHOTO_FIELD: {"description": files}, **fields},
        "additionalProperties": False,
        "dependentRequired": {LAT.name: [LON.name], LON.name: [LAT.name]},
        "not": {"required": [LOCATION.name, LAT.name]},
    }
    encoding = {PHOTO_FIELD: {"contentType": ", ".join(PHOTO_TYPES)}}
    return {**{media: {} for media in PHOTO_TYPES}, FORM_TYPE: {"schema": form, "encoding": encoding}}


def _responses(route: Route, operation: Operation) -> dict[str, Any]:
    """Return the responses by status: success, the route's own errors, and the errors of every path."""
    headers = (_POLICY if route.keyed else {}) | (_KEPT if operation.kept else {})
    success = {
        "description": operation.text,
        "content": {operation.media_type: _content(operation)},
        **({"headers": headers} if headers else {}),
    }
    kinds = [*operation.errors]
    if route.keyed:
        kinds.insert(0, errors.ApiKeyInvalid)
    if route.method == "POST" and route.most_body is not None:
        kinds.append(errors.BodyTooLarge)
    found = _error_responses(kinds)
    if operation.down:  # a 503 has the answer, or a problem if there is none
        found["503"] |= {"description": operation.down, "content": success["content"] | found["503"]["content"]}
    return {str(operation.status): success, **(_UNCHANGED if operation.kept else {}), **found}


def _content(operation: Operation) -> dict[str, Any]:
    """Return the schema of a successful response, if it has one."""
    if operation.media_type == GEOJSON:
        return {"schema": json.loads(Path(__file__).with_name("range.json").read_text(encoding="utf-8"))}
    answers = {each.__name__: each for each in _ANSWERS}
    return {"schema": _reference(answers[operation.answer])} if operation.answer else {}


def _error_responses(kinds: Sequence[type[errors.HTTPError]] = ()) -> dict[str, Any]:
    """Return the error responses of one path by status: the errors `kinds`, and the errors that every path can return.

    Errors with the same status share one response.
    """
    own = [*kinds, *_COMMON_ERRORS]
    responses: dict[str, Any] = {
        str(each.status): {"$ref": f"#/components/responses/{each.code}"} for each in _TRANSPORT_ERRORS
    }
    for status in {each.status for each in own}:
        responses[str(status)] = _error_response([each for each in own if each.status == status])
    return dict(sorted(responses.items()))


def _error_response(same_status: Sequence[type[errors.HTTPError]]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": "; ".join(f"`{each.code}`: {each.title}" for each in same_status) + ".",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {**response, "headers": _RETRY_HEADERS} if same_status[0].status in _RETRYABLE else response


def _reference(answer: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{answer.__name__}"}


def _problem() -> dict[str, Any]:
    """Return the schema of problem details (RFC 9457) with `code` and `request_id`."""
    return {
        "description": "Problem details (RFC 9457).",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What happened, what was expected and what to do next."},
            "code": {"type": "string", "enum": sorted({each.code for each in errors.http_errors()})},
            "request_id": {"type": "string"},
        },
    }


def schemas_of(root: type) -> dict[str, Any]:
    """Return the schemas of a typed dictionary and of those in it, by name."""
    found: dict[str, Any] = {}
    _schema(root, found)
    return found


def _schema(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a type. Add those of typed dictionaries to `found`, and return references to them."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        values = {"enum": list(arguments[2])} if len(arguments) > 2 else {}
        return {**_schema(arguments[0], found), **values, "description": arguments[1]}
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
    if kind in _JSON_TYPES:
        return {"type": _JSON_TYPES[kind]}
    if kind.__name__ not in found:
        found[kind.__name__] = {}  # a typed dictionary may contain its own kind
        hints = get_type_hints(kind, include_extras=True)
        found[kind.__name__] = {
            "description": (kind.__doc__ or "").split("\n")[0],
            "type": "object",
            "additionalProperties": False,
            "required": sorted(kind.__required_keys__, key=[*hints].index),  # only typed dictionaries have them
            "properties": {name: _schema(hint, found) for name, hint in hints.items()},
        }
    return _reference(kind)
