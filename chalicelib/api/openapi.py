"""The OpenAPI 3.1 document, generated from the app's parameters, responses and errors, and from range.json."""

import json
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from chalicelib import errors
from chalicelib.api.health import Health
from chalicelib.api.http import KEY_HEADER, LEFT_HEADER, POLICY_HEADER, PROBLEM_TYPE
from chalicelib.api.page import LANGUAGE, languages
from chalicelib.api.parameters import (
    ANIMALS,
    DEEP,
    FORM_TYPE,
    IDENTIFY,
    IDENTIFY_UPLOAD,
    LAT,
    LOCATION,
    LON,
    MOST_PHOTOS,
    PHOTO_FIELD,
    PHOTO_TYPES,
    TAXA,
    Parameter,
)
from chalicelib.api.responses import Answer, Residents, Upload
from chalicelib.api.taxa import GEOJSON, SVG, TaxonFacts, TaxonList


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
_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


class _Operation(NamedTuple):
    """One operation of the API. `keyed`: whether it demands a key in deployments with keys."""

    path: str
    id: str
    summary: str
    responses: Mapping[str, Any]
    parameters: Sequence[Mapping[str, Any]] = ()
    method: str = "get"
    body: Mapping[str, Any] | None = None
    keyed: bool = True

    def shown(self, *, api_keys: bool) -> dict[str, Any]:
        """Return the operation in the form of the document. `api_keys`: whether the deployment demands API keys."""
        parameters = [*(each for path, each in _IN_PATHS.items() if self.path.startswith(path)), *self.parameters]
        return {
            "operationId": self.id,
            "summary": self.summary,
            **({"parameters": parameters} if parameters else {}),
            **({"requestBody": self.body} if self.body else {}),
            "responses": self.responses,
            **({"security": [{_KEY_SCHEME: []}]} if api_keys and self.keyed else {}),
        }


@lru_cache(4)
def text_of(version: str, base: str, *, api_keys: bool) -> str:
    """Return the OpenAPI document as JSON. Its arguments are those of `document`, which takes 3 ms."""
    return json.dumps(document(version, base, api_keys=api_keys), separators=(",", ":"), allow_nan=False)


def document(version: str, base: str, *, api_keys: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document.

    `version`: version of the API. `base`: URL or path prefix of the API. `api_keys`: whether the deployment demands a
    key for identifications, uploads, lists of animals and taxa.
    """
    scheme = {"securitySchemes": {_KEY_SCHEME: {"type": "apiKey", "in": "header", "name": KEY_HEADER}}}
    answers = (Answer, Residents, Upload, Health, TaxonList, TaxonFacts)
    schemas = {name: schema for answer in answers for name, schema in schemas_of(answer).items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Faunalens",
            "version": version,
            "summary": "Identify the animal in a photo. The photo's location helps to distinguish similar animals.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "paths": {each.path: {each.method: each.shown(api_keys=api_keys)} for each in _operations()},
        "components": {
            "schemas": schemas | {"Problem": _problem()},
            "responses": {each.code: _error_response([each]) for each in _TRANSPORT_ERRORS},
            **(scheme if api_keys else {}),
        },
    }


def _operations() -> Iterator[_Operation]:
    photo = (errors.PhotoTooLarge, errors.UnsupportedMediaType, errors.PhotoUnreadable)
    place = (errors.LocationMissing, errors.LocationInvalid)
    ranged, json_type = (errors.TaxonMissing, errors.RangeMissing), "application/json"
    outlines = json.loads(Path(__file__).with_name("range.json").read_text(encoding="utf-8"))
    summary = "Identify the animal in a photo, or in several photos of it"
    answers, body = _responses(Answer, [*photo, *place]), {"required": True, "content": _photo_content()}
    yield _Operation("/identify", "identify", summary, answers, _query(IDENTIFY), "post", body)
    summary = "Create an upload form for a photo too large for one request"
    answers = _responses(Upload, [errors.NotFound, errors.BodyTooLarge], 201)
    yield _Operation("/uploads", "upload", summary, answers, method="post")
    summary = "Identify the animal in an uploaded photo"
    answers = _responses(Answer, [*photo, *place, errors.UploadMissing, errors.NotFound, errors.BodyTooLarge])
    yield _Operation("/uploads/{id}/identify", "identify_upload", summary, answers, _query(IDENTIFY_UPLOAD), "post")
    coordinates = [each | {"required": True} for each in _query(ANIMALS)]
    summary = "List the animals that live at a location"
    yield _Operation("/animals", "animals", summary, _responses(Residents, place), coordinates)
    summary = "Search for taxa by name, or list those of a group, or the groups"
    yield _Operation("/taxa", "taxa", summary, _kept(json_type, _reference(TaxonList)), _query(TAXA))
    summary, facts = "Get the names, ids, links and range of a taxon, in words", _reference(TaxonFacts)
    yield _Operation("/taxa/{id}", "taxon", summary, _kept(json_type, facts, errors.TaxonMissing))
    summary = "Get the range of a taxon as GeoJSON"
    yield _Operation("/taxa/{id}/range", "taxon_range", summary, _kept(GEOJSON, outlines, *ranged))
    summary = "Get the range of a taxon as a small map"
    yield _Operation("/taxa/{id}/range.svg", "taxon_map", summary, _kept(SVG, {}, *ranged))
    summary = "Check the model, the cache and the database"
    yield _Operation("/health", "health", summary, _health_responses(), _query([DEEP]), keyed=False)
    yield _Operation("/openapi.json", "openapi", "Get this document", _plain("OpenAPI 3.1", json_type), keyed=False)
    files = _plain("Files, each in parts", json_type, errors.NotFound, kept=True)
    yield _Operation("/offline.json", "offline", "List the files for use without signal", files, keyed=False)
    part = _plain("A piece of a file's gzip stream", "application/octet-stream", errors.NotFound)
    yield _Operation("/offline/{part}", "offline_part", "Get a part of a file", part, keyed=False)
    text = "Language of the page; a cookie remembers it. Default: that of the cookie, or else of Accept-Language."
    language = _query([Parameter(LANGUAGE, {"type": "string", "examples": sorted(languages())}, text)])
    yield _Operation("/", "page", "Get the web page", _plain("HTML", "text/html", kept=True), language, keyed=False)


def _query(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "in": "query", "description": each.help, "schema": dict(each.schema)} for each in parameters
    ]


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


def _responses(answer: type, kinds: Sequence[type[errors.HTTPError]], status: int = 200) -> dict[str, Any]:
    """Return the responses of a keyed route by status: success, its own errors, and the errors of every path."""
    success = {**_response("Success.", answer), "headers": _POLICY}
    return {str(status): success, **_error_responses([errors.ApiKeyInvalid, *kinds])}


def _kept(media_type: str, schema: Mapping[str, Any], *kinds: type[errors.HTTPError]) -> dict[str, Any]:
    """Return the responses of a route about taxa. Clients may keep a successful one."""
    responses = _plain("Success.", media_type, errors.ApiKeyInvalid, *kinds, kept=True)
    responses["200"] |= {"content": {media_type: {"schema": schema} if schema else {}}, "headers": _POLICY | _KEPT}
    return responses


def _plain(text: str, media_type: str, *kinds: type[errors.HTTPError], kept: bool = False) -> dict[str, Any]:
    """Return the responses of a route; a successful one has no schema. `kept`: whether clients may keep it."""
    success = {"description": text, "content": {media_type: {}}, **({"headers": _KEPT} if kept else {})}
    return {"200": success, **(_UNCHANGED if kept else {}), **_error_responses(kinds)}


def _health_responses() -> dict[str, Any]:
    """Return the responses of `/health`. A 503 contains the health report, or a problem if the check could not run."""
    responses = _error_responses()
    down = _response("The service cannot identify photos.", Health)
    responses["503"] |= {"description": down["description"], "content": down["content"] | responses["503"]["content"]}
    text = "The service can identify photos. The status is `degraded` if Redis or PostgreSQL is failing."
    return {"200": _response(text, Health), **responses}


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


def _response(text: str, answer: type) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": _reference(answer)}}}


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
