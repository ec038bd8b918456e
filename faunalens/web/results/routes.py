"""Routes of results and the parameter `keep`, on the HTTP server only. A <meta> tells the page that they exist."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any

from chalicelib.api.http import Request, Response, Route, etag, json_of, unless_current
from chalicelib.api.page import language_of, languages
from chalicelib.api.parameters import expect_no_parameters, read_body
from chalicelib.application import Application
from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import BadRequest, ClientError, Forbidden, NotFound, TokenMissing, Unavailable
from chalicelib.photo.photos import open_photo
from chalicelib.telemetry.record import Record, of_correction
from faunalens.web.results import page
from faunalens.web.results.results import KEEPS, LIFETIME, Results
from faunalens.web.results.stores import File

type Handler = Callable[[Application, Request, Record], Response]

_PRIVATE = {name: page.HEADERS[name] for name in ("Cache-Control", "X-Content-Type-Options", "X-Robots-Tag")}
_OFFER = f'<head><meta name="results" content="{LIFETIME.days}">'
_MOST_CHARACTERS = 200
MOST_BYTES = 10_000  # of a correction's body
SIDE = 400  # pixels of the longer side of a kept picture: enough for messengers, which scale previews down
QUALITY = 80
MOST_DECODE_BYTES = 100_000_000  # a PNG of 64 MP would need more than a small container has
WAIT_SECONDS = 3.0  # of a thumbnail for those before it: many slow ones would hold back answers that are ready
one_at_a_time = Lock()


def thumbnail(read: Callable[[], bytes], limits: PhotoLimits) -> bytes | None:
    """Return a photo as an upright JPEG whose longer side has `SIDE` pixels. `read`: returns the photo.

    Returns None if the photo cannot be decoded, takes too much memory, or waits too long: threads take turns.
    """
    from PIL import Image

    if not one_at_a_time.acquire(timeout=WAIT_SECONDS):
        return None
    try:
        opened = open_photo(read(), limits)
        if opened.decode_bytes(SIDE) > MOST_DECODE_BYTES:
            opened.close()
            return None
        small = Image.fromarray(opened.decode(SIDE).whole(SIDE))  # animals are often at the edge
    except ClientError:
        return None
    finally:
        one_at_a_time.release()
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()


def with_results(routes: Iterable[Route], results: Results, origin: str) -> tuple[Route, ...]:
    """Return the routes of the API, changed so that they can keep results, and the routes of kept results.

    `origin`: scheme and host of the server's address, such as https://example.org; empty to use that of each request.
    """
    changes: Mapping[str, Callable[..., Response]]
    changes = {"/identify": partial(_identify, results, origin), "/": _offer, "/openapi.json": _describe}

    def changed(route: Route) -> Route:
        change = changes.get(route.path)
        return route._replace(handler=partial(change, route.handler)) if change else route

    return (*map(changed, routes), *_result_routes(results, origin))


def _offer(handle: Handler, app: Application, request: Request, record: Record) -> Response:
    """Return the page, marked so that it offers to keep results."""
    asked = {name: value for name, value in request.headers.items() if name != "if-none-match"}
    response = handle(app, request._replace(headers=asked), record)
    body = str(response.body).replace("<head>", _OFFER, 1)
    own = {"ETag": etag(response.headers["ETag"] + _OFFER)}  # not that of the page without the mark
    return unless_current(request, response._replace(body=body, headers={**response.headers, **own}))


def _describe(handle: Handler, app: Application, request: Request, record: Record) -> Response:
    """Return the OpenAPI document, with kept results described."""
    response = handle(app, request, record)
    return response._replace(body=_with_results_described(str(response.body)))


@lru_cache(4)
def _with_results_described(text: str) -> str:
    """Return the API's OpenAPI document with the paths, schemas and parameter of kept results added. Both are JSON."""
    from chalicelib.api.openapi import path_id  # nothing else needs the document

    document = json.loads(text)
    paths, components = document["paths"], document["components"]
    added = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    added["keep"]["schema"]["enum"] = list(KEEPS)
    identify = paths["/identify"]["post"]
    identify["parameters"] = [*identify["parameters"], added["keep"]]
    components["schemas"]["Answer"]["properties"]["result"] = added["result"]
    components["securitySchemes"] = {**components.get("securitySchemes", {}), "resultToken": added["token"]}
    # The errors of every path are those of a path without errors of its own.
    shared = {status: each for status, each in paths["/openapi.json"]["get"]["responses"].items() if status != "200"}
    missing = shared["500"] | {"description": "`not_found`: it does not exist, or was deleted."}
    token = shared["500"] | {"description": "`token_missing`: the request has no token."}
    too_large = shared["500"] | {"description": "`body_too_large`: the body is too large."}
    for operation in (each for methods in added["paths"].values() for each in methods.values()):
        page = operation["responses"].get("200", {}).get("content", {})
        for_people = {"content": missing["content"] | page} if "text/html" in page else {}
        operation["parameters"] = [path_id("Id of a result, as in `result.id` of an answer.")]
        operation["responses"] |= shared | {"404": missing | for_people}
        if "security" in operation:
            operation["responses"]["401"] = token
        if "requestBody" in operation:
            operation["responses"]["413"] = too_large
    paths |= added["paths"]
    return json_of(document)


def _identify(
    results: Results, origin: str, handle: Handler, app: Application, request: Request, record: Record
) -> Response:
    """Return an identification, which is kept if the parameter `keep` says so."""
    keep, *more = request.query.get("keep", ["false"])
    if more or keep not in KEEPS:
        raise BadRequest(f"keep must be one of {', '.join(KEEPS)}, and present at most once")
    if keep != "false" and _is_foreign(request, origin):
        raise Forbidden("pages of other sites may not keep results here; leave out keep=true")
    query = {name: values for name, values in request.query.items() if name != "keep"}
    response = handle(app, request._replace(query=query), record)
    if keep == "false" or response.status != 200:
        return response
    answer = json.loads(response.body)
    result = _kept(app, request, answer, results, has_picture=wants_picture(keep, answer))
    return response._replace(body=json_of({**answer, "result": result}))


def _is_foreign(request: Request, origin: str) -> bool:
    """Return whether a browser sends the request for a page of another site. Other clients send no `Origin`."""
    sender = request.headers.get("origin")
    return sender not in (None, origin) and (sender or "").partition("://")[2] != request.headers.get("host", "")


def wants_picture(keep: str, answer: dict[str, Any]) -> bool:
    """Return whether the picture is kept, too. `keep`: one of `KEEPS`."""
    has_people = answer.get("subject") == "person" or bool((answer.get("people") or {}).get("count"))
    return keep == "picture" or (keep == "true" and not has_people)


def _kept(
    app: Application, request: Request, answer: dict[str, Any], results: Results, *, has_picture: bool
) -> dict[str, Any] | None:
    """Keep an answer, and return what the client learns about it. Returns None if the store fails: it is logged."""

    def picture() -> bytes | None:
        return thumbnail(lambda: _first_photo(request), app.settings.photo) if has_picture else None

    try:
        kept = results.keep(answer, picture)
    except Unavailable as error:
        cause = type(error.__cause__).__name__ if error.__cause__ else error.detail
        extra = {"request_id": request.id, "route": "/identify", "error": cause}
        app.log.warning("result was not kept: store unavailable", extra=extra)
        return None
    known = {"id": kept.id, "url": f"{request.base}r/{kept.id}", "token": kept.token, "picture": kept.has_picture}
    return known | {"expires": kept.expires.isoformat(timespec="seconds")}


def _first_photo(request: Request) -> bytes:
    if request.spooled is None:
        return read_body(request.body, request.headers.get("content-type", "")).photos[0]
    photo = request.spooled.photos[0]
    photo.seek(0)
    return photo.read()


def _result_routes(results: Results, origin: str) -> tuple[Route, ...]:
    def get_result(_: Application, request: Request, __: Record) -> Response:
        expect_no_parameters(request.query)
        result = results.find(request.path["id"])
        times = {name: getattr(result, name).isoformat(timespec="seconds") for name in ("created", "expires")}
        body = json_of({"id": result.id, **times, "answer": result.answer})
        return Response(body, {"Content-Type": "application/json", **_PRIVATE})

    def get_result_picture(_: Application, request: Request, __: Record) -> Response:
        expect_no_parameters(request.query)
        return Response(results.picture(request.path["id"]), {"Content-Type": "image/jpeg", **_PRIVATE})

    def get_result_page(_: Application, request: Request, __: Record) -> Response:
        # Unknown parameters are ignored: messengers and mail programs add their own to links.
        language = language_of(request, languages())
        try:
            result = results.find(request.path["id"])
        except NotFound:
            return page.nothing_page(language, is_gone=True)
        return page.result_page(result, origin or f"http://{request.headers.get('host', '')}", language)

    def delete_result(_: Application, request: Request, __: Record) -> Response:
        expect_no_parameters(request.query)
        results.remove(request.path["id"], _token(request))
        return Response("", _PRIVATE, 204)

    def authorize(request: Request) -> File:
        return results.authorize(request.path["id"], _token(request))

    def post_correction(app: Application, request: Request, _: Record) -> Response:
        expect_no_parameters(request.query)
        results.correct(request.path["id"], _token(request), *_said(request.body), request.authorized)
        app.emit(of_correction(request.id))
        return Response("", _PRIVATE, 204)

    return (  # `/r/{id}` last, because it fits the paths of the others too
        Route("GET", "/r/{id}.json", get_result, counted=False),
        Route("GET", "/r/{id}.jpg", get_result_picture, counted=False),
        Route("GET", "/r/{id}", get_result_page, counted=False),
        Route("POST", "/r/{id}/correction", post_correction, counted=False, most_body=MOST_BYTES, authorize=authorize),
        Route("DELETE", "/r/{id}", delete_result, counted=False),
    )


def _token(request: Request) -> str:
    """Return the token in the request's header Authorization. Raises `TokenMissing`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":  # the case of a scheme does not count (RFC 9110)
        raise TokenMissing("send the result's token in the header Authorization: Bearer TOKEN")
    return token.strip()


def _said(body: bytes) -> tuple[str, str]:
    """Return the animal in the body of a correction and its scientific name, if it has one. Raises `BadRequest`."""
    try:
        given = json.loads(body)
        animal, scientific_name = _line(given["animal"]), _line(given.get("scientific_name", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequest('send JSON with the animal that the photo shows, such as {"animal": "red fox"}') from error
    if not animal or max(len(animal), len(scientific_name)) > _MOST_CHARACTERS:
        raise BadRequest(f"animal must have 1 to {_MOST_CHARACTERS} characters, and scientific_name at most as many")
    return animal, scientific_name


def _line(given: str) -> str:
    """Return a text on one line. Raises `TypeError` if it is not text, and `ValueError` if UTF-8 cannot encode it."""
    text = "".join(each if each.isprintable() else " " for each in str.strip(given)).strip()
    text.encode()  # JSON can have halves of surrogate pairs
    return text
